@testable internal import CartTracker
internal import Messages
internal import Storage
internal import Testing
internal import Wire

@Suite struct ListTextTests {
  @Test("L03 search texts have one form whatever their case")
  func folding() {
    #expect(SearchText.folded("Größe STRAẞE") == "grösse strasse")
    #expect(SearchText.folded("ODYSSEUS ΟΔΥΣΣΕΎΣ") == SearchText.folded("odysseus Οδυσσεύς"))
    #expect(SearchText.folded("ЧАЙНИК") == "чайник")
    #expect(SearchText.folded("a\u{1F}b\u{0}c\nd") == "a b c d")
  }

  @Test("Letters sent as base and marks are found as composed ones")
  func composing() {
    let split = SearchText.folded("Mu\u{308}ller")
    #expect(Array(split.utf8) == Array(SearchText.folded("MÜLLER").utf8))
    #expect(Array(split.utf8) == Array("m\u{FC}ller".utf8))
  }

  @Test("Signs of LIKE are taken literally")
  func patterns() {
    #expect(SearchText.pattern("50%_\\") == "%50\\%\\_\\\\%")
    #expect(SearchText.joined(["B", "", "b", "a"]) == "b\u{1F}a")
  }

  private let order = ListOrder(terms: [
    .init("a", .integer), .init("b", .real), .init("c", .text), .init("d", .bytes),
  ])

  @Test("A token comes back as it was, and only for its query")
  func tokens() throws {
    let digest = [UInt8](1...8)
    let position = ListPosition(values: [
      .integer(.min), .real(-0.5), .text("ä\u{0}b"), .bytes([0, 255]),
    ])
    let token = PageToken(digest: digest, version: 77, position: position)
    #expect(try PageToken(token.text, digest: digest, order: order) == token)
    #expect(throws: RPCError.self) {
      try PageToken(token.text, digest: [UInt8](2...9), order: order)
    }
  }

  @Test("A damaged token is INVALID_ARGUMENT, whatever is damaged")
  func damage() throws {
    let digest = [UInt8](1...8)
    let position = ListPosition(values: [.integer(1), .real(2), .text("abc"), .bytes([9])])
    let text = PageToken(digest: digest, version: 1, position: position).text
    for length in 0..<text.utf8.count {
      expectRefusal(String(text.prefix(length)), digest)
    }
    for extra in ["A", "AA", "=", "\u{E4}", String(repeating: "A", count: 600)] {
      expectRefusal(text + extra, digest)
    }
  }

  private func expectRefusal(_ text: String, _ digest: [UInt8]) {
    do {
      _ = try PageToken(text, digest: digest, order: order)
      Issue.record("taken: \(text)")
    } catch {
      #expect(error.code == .invalidArgument)
    }
  }

  @Test("The longest position fits into a page's limit")
  func longestToken() {
    let signs = String(repeating: "\u{1F600}", count: CartQueryPlan.sortedSigns)
    let position = ListPosition(values: [
      .text(signs), .text(String(repeating: "x", count: 128)),
      .bytes([UInt8](repeating: 255, count: 16)),
    ])
    let token = PageToken(digest: [UInt8](1...8), version: .max / 2, position: position)
    #expect(token.text.utf8.count <= PageToken.bytesMax)
  }

  @Test("The first positions of many are the same in any order of arrival")
  func topPositions() {
    let order = ListOrder(terms: [.init("a", .integer, isDescending: true), .init("b", .text)])
    var chance = ListChance(state: 3)
    let all = (0..<500).map { _ in
      ListPosition(values: [.integer(Int64(chance.below(50))), .text("\(chance.below(1000))")])
    }
    let sorted = all.sorted { order.precedes($0, $1) }
    for limit in [1, 2, 7, 100, 499, 600] {
      var top = TopPositions(order: order, limit: limit)
      for position in all.shuffled(using: &chance) { _ = top.insert(position) }
      #expect(top.sorted() == Array(sorted.prefix(limit)))
    }
  }

  @Test("The statements of the lists keep the rules")
  func rules() throws {
    #expect(StatementRules.findings(CartStatements.all) == [])
  }
}
