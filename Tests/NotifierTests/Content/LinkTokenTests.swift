internal import Messages
internal import ServiceKit
internal import Testing
internal import Texts

@testable internal import Notifier

@Suite struct LinkTokenTests {
  private static let message: [UInt8] = [
    0x01, 0x8F, 0x4C, 0x3E, 0x7B, 0x2A, 0x7C, 0x1D, 0x9E, 0x5F, 0x01, 0x23, 0x45, 0x67, 0x89, 0xAB,
  ]
  private static let key = Secret((0..<32).map { UInt8($0) })
  private static let now = Instant(seconds: 1_798_000_000)

  private func keys(_ keys: [(UInt8, Secret<[UInt8]>)] = [(3, LinkTokenTests.key)]) throws
    -> LinkKeys
  {
    try LinkKeys(newestFirst: keys.map { (id: $0.0, secret: $0.1) })
  }

  private func claims(
    _ purpose: LinkPurpose = .click, link: UInt8 = 2, expires: Int64? = 1_800_000_000
  ) -> LinkClaims {
    LinkClaims(
      purpose: purpose, message: LinkTokenTests.message, bucket: 7, link: link,
      expires: expires.map { Instant(seconds: $0) })
  }

  @Test("A token is what Python's hmac makes of the same bytes")
  func golden() throws {
    let seal = LinkSeal(id: 3, secret: LinkTokenTests.key.reveal())
    #expect(
      LinkToken.text(claims(), seal) == "AQNjAY9MPnsqfB2eXwEjRWeJqwcCa0nSAPn2q9SXH8IqZBEWOKHVJlo")
    #expect(
      LinkToken.text(claims(.unsubscribe, link: 0, expires: nil), seal)
        == "AQN1AY9MPnsqfB2eXwEjRWeJqwcAAAAAAD4Qbc0ECU4XHn3SGmZesWM")
    let last = LinkClaims(
      purpose: .open, message: LinkTokenTests.message, bucket: 255, link: 255,
      expires: Instant(seconds: 0xFFFF_FFFF))
    let other = LinkSeal(id: 255, secret: [UInt8](repeating: 0xA5, count: 40))
    #expect(
      LinkToken.text(last, other) == "Af9vAY9MPnsqfB2eXwEjRWeJq________3cGgKADUAiY3ErSlsEOdSA")
  }

  @Test("A token says what it was made from", arguments: LinkPurpose.allCases)
  func roundTrip(purpose: LinkPurpose) throws {
    let keys = try keys()
    let claims = claims(purpose)
    let text = LinkToken.text(claims, keys.newest)
    #expect(text.utf8.count == LinkToken.textSize)
    #expect(
      LinkToken.claims(text, purpose: purpose, keys: keys, now: LinkTokenTests.now) == claims)
  }

  @Test("A token for one thing is none for another")
  func purposes() throws {
    let keys = try keys()
    for made in LinkPurpose.allCases {
      let text = LinkToken.text(claims(made), keys.newest)
      for asked in LinkPurpose.allCases where asked != made {
        let read = LinkToken.claims(text, purpose: asked, keys: keys, now: LinkTokenTests.now)
        #expect(read == nil)
      }
    }
  }

  @Test("M07 A link ends with its last second; an unsubscribe link never does")
  func expiry() throws {
    let keys = try keys()
    let text = LinkToken.text(claims(), keys.newest)
    func read(_ seconds: Int64) -> LinkClaims? {
      LinkToken.claims(text, purpose: .click, keys: keys, now: Instant(seconds: seconds))
    }
    #expect(read(1_799_999_999) != nil)
    #expect(read(1_800_000_000) == nil)
    let links = try ContentFixture.links()
    let address = links.address(
      .unsubscribe, message: LinkTokenTests.message, bucket: 1, now: LinkTokenTests.now)
    let token = String(address.split(separator: "/").last ?? "")
    #expect(links.verify(token, purpose: .unsubscribe, now: .latest)?.bucket == 1)
  }

  @Test("Any other character at any place makes a token that is refused")
  func everyCharacter() throws {
    let keys = try keys()
    let text = Array(LinkToken.text(claims(), keys.newest).utf8)
    for index in text.indices {
      for digit in "Aa0-_Z9=+/ ".utf8 where digit != text[index] {
        var changed = text
        changed[index] = digit
        let read = LinkToken.claims(
          String(decoding: changed, as: UTF8.self), purpose: .click, keys: keys,
          now: LinkTokenTests.now)
        #expect(read == nil, "index \(index)")
      }
    }
  }

  @Test("T23 Shorter, longer and random texts are refused")
  func fuzz() throws {
    let keys = try keys()
    let text = LinkToken.text(claims(), keys.newest)
    for size in 0..<text.utf8.count {
      #expect(
        LinkToken.claims(
          String(text.prefix(size)), purpose: .click, keys: keys, now: LinkTokenTests.now) == nil)
    }
    #expect(
      LinkToken.claims(text + "A", purpose: .click, keys: keys, now: LinkTokenTests.now) == nil)
    var chance = SplitMix64(seed: 7)
    for _ in 0..<5000 {
      let size = Int.random(in: 0..<80, using: &chance)
      let bytes = (0..<size).map { _ in UInt8.random(in: 0...255, using: &chance) }
      for text in [String(decoding: bytes, as: UTF8.self), Base64URL.text(bytes)] {
        let read = LinkToken.claims(text, purpose: .click, keys: keys, now: LinkTokenTests.now)
        #expect(read == nil)
      }
    }
  }

  @Test("A replaced key still opens old links, one taken away does not")
  func rotation() throws {
    let newer = Secret([UInt8](repeating: 9, count: 32))
    let old = try keys()
    let both = try keys([(4, newer), (3, LinkTokenTests.key)])
    let new = try keys([(4, newer)])
    let text = LinkToken.text(claims(), old.newest)
    #expect(both.newest.id == 4)
    #expect(LinkToken.claims(text, purpose: .click, keys: both, now: LinkTokenTests.now) != nil)
    #expect(LinkToken.claims(text, purpose: .click, keys: new, now: LinkTokenTests.now) == nil)
    let swapped = try keys([(3, newer)])
    #expect(LinkToken.claims(text, purpose: .click, keys: swapped, now: LinkTokenTests.now) == nil)
  }

  @Test("Keys that are short, twice, too many or none are refused, and never shown")
  func badKeys() {
    let short = Secret([UInt8](repeating: 1, count: 31))
    let sets: [[(UInt8, Secret<[UInt8]>)]] = [
      [], [(1, short)], [(1, LinkTokenTests.key), (1, LinkTokenTests.key)],
      (0..<9).map { (UInt8($0), LinkTokenTests.key) },
    ]
    for set in sets {
      let error = #expect(throws: ContentError.self) { try keys(set) }
      #expect(error?.field == "link keys")
      #expect(error?.problem.contains("1, 1") == false)
    }
  }

  @Test("Base64url reads back what it wrote, in one form only")
  func base64() {
    for size in 0..<40 {
      let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ size) }
      #expect(Base64URL.bytes(Base64URL.text(bytes)) == bytes)
    }
    #expect(Base64URL.bytes("_w") == [255])
    #expect(Base64URL.bytes("__") == nil)
    #expect(Base64URL.bytes("A") == nil)
    #expect(Base64URL.bytes("AA==") == nil)
  }
}

@Suite struct LinkMakerTests {
  private func maker(_ base: String) throws -> LinkMaker {
    let key = Secret([UInt8](repeating: 5, count: 32))
    return try LinkMaker(base: base, keys: LinkKeys(newestFirst: [(id: 1, secret: key)]))
  }

  @Test(
    "The public address is https, or http on the machine itself",
    arguments: [
      "https://go.example", "https://go.example/", "https://go.example:8443/homing",
      "http://127.0.0.1:8080", "http://127.8.9.1", "http://[::1]:80", "http://localhost:1",
    ])
  func accepts(base: String) throws {
    let address = try maker(base).address(
      .open, message: [UInt8](repeating: 1, count: 16), bucket: 0, now: .epoch)
    let expected = (base.hasSuffix("/") ? String(base.dropLast()) : base) + "/o/"
    #expect(address.hasPrefix(expected))
    #expect(address.utf8.count == expected.utf8.count + LinkToken.textSize)
  }

  @Test(
    "Any other public address is refused",
    arguments: [
      "", "go.example", "ftp://go.example", "http://go.example", "https://", "https://a b",
      "https://go.example?x=1", "https://go.example#x", "http://127.0.0.1.example",
      "https://user@go.example", "javascript:alert(1)", "http://127.0.0.256",
    ])
  func refuses(base: String) {
    let error = #expect(throws: ContentError.self) { try maker(base) }
    #expect(error?.field == "public URL")
  }

  @Test("F21 Links of samples lead nowhere and open nothing")
  func samples() {
    let address = LinkMaker.samples.address(
      .click, message: [UInt8](repeating: 1, count: 16), bucket: 0, now: .epoch)
    #expect(address == "https://sample.invalid/c/sample-0")
    #expect(LinkMaker.samples.verify("sample-0", purpose: .click, now: .epoch) == nil)
  }
}

@Suite struct WebURLTests {
  @Test(
    "Addresses of the web are taken as they are",
    arguments: [
      "https://a.example/x?y=1&z=2#f", "HTTP://A.example", "http://a.example:80/",
      "https://[2001:db8::1]/x", "https://a.example/%20", "https://ä.example/ö",
    ])
  func takes(text: String) { #expect(WebURL(text)?.text == text) }

  @Test(
    "Anything else is none",
    arguments: [
      "javascript:alert(1)", "data:text/html,x", "//a.example", "/x", "a.example", "",
      "https://", "https:///x", "https://a.example/\u{0}", "https://a.example/ x",
      "https://a.example/\"onload=", "https://a.example/<x>", "https://a@b.example",
      "https://a.example:x/", "https://a.example:123456/", "https://[::1/", "https://[::1]x/",
      "https://a.example/\r\nX: y", "https:\\\\a.example", "https://a.example/'",
      " https://a.example", "https://a.example/" + String(repeating: "x", count: 2048),
    ])
  func refuses(text: String) { #expect(WebURL(text) == nil) }
}
