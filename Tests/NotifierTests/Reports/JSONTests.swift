internal import ServiceKit
internal import Testing

@testable internal import Notifier

@Suite struct JSONTests {
  private func value(_ text: String) -> JSON? { try? JSON(Array(text.utf8)) }

  @Test("Values are read as RFC 8259 has them")
  func reads() {
    #expect(
      value(#"{"a": [1, -2.5e3, true, null, "x\n\u00fc\ud83d\ude00"]}"#)?["a"]?.list == [
        .number(1), .number(-2500), .flag(true), .null, .text("x\nü😀"),
      ])
    #expect(value(" {} ") == .object([:]))
    #expect(value("[]") == .list([]))
  }

  @Test(
    "What is none is refused",
    arguments: [
      "", "{", "[1,]", "{\"a\":1,}", "{\"a\":1,\"a\":2}", "nul", "\"\u{1}\"", "\"\\ud800\"",
      "1e999",
      "+1", ".5", "[1] 2", "{a:1}", "\"\\x\"", String(repeating: "[", count: 100),
    ])
  func refuses(text: String) {
    #expect(value(text) == nil)
  }

  @Test("Every cut and changed byte of a document is read or refused, never more")
  func fuzz() {
    let document = Array(
      #"{"events":[{"message":"ü","kind":"bounced","at":1.5e9,"x":[true,{}]}]}"#.utf8)
    var chance = SplitMix64(seed: 11)
    for count in 0..<document.count {
      #expect((try? JSON(Array(document[..<count]))) == nil)
    }
    var refused = 0
    for _ in 0..<5000 {
      var bytes = document
      bytes[Int.random(in: 0..<bytes.count, using: &chance)] = UInt8.random(
        in: 0...255, using: &chance)
      if (try? JSON(bytes)) == nil { refused += 1 }
    }
    #expect(refused > 1000)
  }

  @Test("Text is quoted so that it is read back")
  func quotes() {
    for text in ["", "\"\\\n\r\t\u{1}\u{7F}", "ü😀", "</script>"] {
      #expect(value(JSON.quoted(text)) == .text(text))
    }
  }

  @Test("RFC 4231 HMAC-SHA-256 gives its test vectors")
  func hmac() {
    #expect(
      HMAC.hexadecimal(HMAC.sha256(Array("Jefe".utf8), Array("what do ya want for nothing?".utf8)))
        == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    let long = [UInt8](repeating: 0xaa, count: 131)
    #expect(
      HMAC.hexadecimal(
        HMAC.sha256(long, Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8)))
        == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
    #expect(HMAC.isSame("ab", "ab") && !HMAC.isSame("ab", "ac") && !HMAC.isSame("ab", "a"))
  }
}
