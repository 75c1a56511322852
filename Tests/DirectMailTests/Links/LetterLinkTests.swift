internal import Messages
internal import ServiceKit
internal import Stubs
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import DirectMail

@Suite struct LetterLinkTests {
  private func key() throws -> PieceKey {
    try #require(PieceKey(bucket: 200, id: [UInt8](0..<16)))
  }

  private func token(_ purpose: LetterPurpose) throws -> String {
    let link = try DirectMailFixture.links().address(
      purpose, key(), now: DirectMailFixture.morning)
    return String(link.split(separator: "/").last ?? "")
  }

  @Test("A token is read for its own purpose only, until it ends, and no changed one is")
  func tokens() throws {
    let (links, now) = (try DirectMailFixture.links(), DirectMailFixture.morning)
    let (cart, objection) = (try token(.cart), try token(.objection))
    #expect(links.piece(cart, .cart, now: now) == (try key()))
    #expect(links.piece(objection, .objection, now: now) == (try key()))
    #expect(links.piece(cart, .objection, now: now) == nil)
    #expect(links.piece(objection, .cart, now: now) == nil)
    let later = now + .seconds(91 * 86_400)
    #expect(links.piece(cart, .cart, now: later) == nil)
    // The right to object does not end.
    #expect(links.piece(objection, .objection, now: later) == (try key()))
    let bytes = try #require(Base64URL.bytes(cart))
    for index in bytes.indices {
      var changed = bytes
      changed[index] ^= 1
      #expect(links.piece(Base64URL.text(changed), .cart, now: now) == nil)
    }
    for count in bytes.indices {
      #expect(links.piece(Base64URL.text(Array(bytes[..<count])), .cart, now: now) == nil)
    }
    let other = try LetterLinks(
      base: "https://go.shop.test", keys: [(1, Secret([UInt8](repeating: 8, count: 32)))])
    #expect(other.piece(cart, .cart, now: now) == nil)
  }

  @Test("A printed code is read as people type it, and is of its piece only")
  func codes() throws {
    let links = try DirectMailFixture.links()
    let code = links.code(try key())
    #expect(code.wholeMatch(of: /([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}/) != nil)
    #expect(links.isCode(code, of: try key()))
    let typed = code.lowercased().replacing("-", with: " ").replacing("0", with: "o")
    #expect(links.isCode(typed, of: try key()))
    #expect(links.codePrefix(code) == [0, 1, 2, 3, 4])
    let other = try #require(PieceKey(bucket: 200, id: [UInt8](0..<15) + [99]))
    #expect(!links.isCode(code, of: other))
    for wrong in ["", "U", String(code.dropLast()), code + "0", code.replacing("-", with: "!")] {
      #expect(PrintedCode.bytes(wrong) == nil)
    }
  }

  @Test("Keys too short or twice, and addresses that are not secure, are refused")
  func refusals() {
    let good = Secret([UInt8](repeating: 1, count: 32))
    let short = Secret([UInt8](repeating: 1, count: 31))
    #expect(throws: RPCError.self) { try LetterLinks(base: "http://shop.test", keys: [(1, good)]) }
    #expect(throws: RPCError.self) { try LetterLinks(base: "https://a.test?x", keys: [(1, good)]) }
    #expect(throws: RPCError.self) { try LetterLinks(base: "https://a.test", keys: []) }
    #expect(throws: RPCError.self) { try LetterLinks(base: "https://a.test", keys: [(1, short)]) }
    #expect(throws: RPCError.self) {
      try LetterLinks(base: "https://a.test", keys: [(1, good), (1, good)])
    }
    #expect(throws: Never.self) { try LetterLinks(base: "http://127.0.0.1:1", keys: [(1, good)]) }
  }

  @Test(
    "D02 A scanned code leads to the cart and counts once; no look ahead and no unprinted one does")
  func scans() async throws {
    let mail = try await DirectMailFixture.start()
    try await mail.putTemplate()
    let order = mail.order(1)
    try await mail.send([order])
    let key = try #require(PieceKey(bucket: OwnerBucket.of(order), text: order.id))
    let link = try DirectMailFixture.links().address(.cart, key, now: mail.clock.now)
    let token = String(link.split(separator: "/").last ?? "")
    func scan(_ request: String) async throws -> DirectMailV1.ResolveLinkResponse {
      try await mail.client.resolveLink(
        .init(
          token: token, at: mail.clock.now.timestamp, request: request,
          prefetch: request == "ahead"))
    }
    #expect(try await rpcError { try await scan("a") }.code == .notFound)
    try await mail.advanceToCutOff()
    for request in ["ahead", "a", "a", "b"] {
      let answer = try await scan(request)
      #expect((answer.url, answer.store) == ("https://www.shop.test/c/1", "shop"))
    }
    await mail.settle()
    #expect(mail.told(order) == ["HANDED_OVER", "CLICKED", "CLICKED"])
    await mail.stop()
  }
}
