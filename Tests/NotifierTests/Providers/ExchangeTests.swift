internal import Messages
internal import ServiceKit
internal import Testing

@testable internal import Notifier

/// What servers say, without a server.
@Suite struct ExchangeTests {
  private func smtp(_ lines: [String], bodyAfter: Int? = nil) -> SMTPExchange {
    var exchange = SMTPExchange()
    for (index, line) in lines.enumerated() {
      if index == bodyAfter { exchange.hasBodyEnd = true }
      exchange.hear(Array((line + "\r\n").utf8))
    }
    if bodyAfter == lines.count { exchange.hasBodyEnd = true }
    return exchange
  }

  @Test("Once the end of the body was read, the first whole reply after it alone decides")
  func afterBody() {
    let before = ["220 hi", "250-a", "250 b", "250 ok", "250 ok", "354 go"]
    #expect(smtp(before, bodyAfter: 6).fate(.other, "cut").fate == .unsure)
    #expect(smtp(before + ["250-a"], bodyAfter: 6).fate(.timeout, "late").fate == .unsure)
    #expect(smtp(before + ["250-a", "250 taken"], bodyAfter: 6).fate(.other, "").fate == .taken)
    #expect(smtp(before + ["550 no", "221 bye"], bodyAfter: 6).fate(.other, "").fate == .refused)
    #expect(
      smtp(before + ["451 later"], bodyAfter: 6).fate(.other, "").fate
        == .later(.providerRefused, after: nil))
    #expect(smtp(before + ["999 what"], bodyAfter: 6).fate(.none, "").fate == .unsure)
    #expect(smtp(before).fate(.other, "cut").fate == .later(.providerUnreachable, after: nil))
  }

  @Test("Bytes that are no reply change nothing")
  func noise() {
    var chance = SplitMix64(seed: 5)
    var exchange = SMTPExchange()
    for _ in 0..<2000 {
      let count = Int.random(in: 0..<20, using: &chance)
      exchange.hear((0..<count).map { _ in UInt8.random(in: 0x3A...255, using: &chance) })
    }
    #expect(exchange.lastReply == nil)
    exchange.hear(Array("25".utf8))
    exchange.hear(Array("2500 x".utf8))
    #expect(exchange.lastReply == nil)
    exchange.hear(Array("250".utf8))
    #expect(exchange.lastReply?.status == 250)
  }

  @Test(
    "Retry-After is read in seconds, of the last answer only",
    arguments: [
      ("Retry-After: 120", 120), ("retry-after:7", 7),
      ("Retry-After: Fri, 31 Dec 2027 23:59:59 GMT", -1),
      ("Retry-After: -5", -1), ("Retry-After: 99999999999", -1), ("X-Retry-After: 5", -1),
    ])
  func retryAfter(line: String, seconds: Int) {
    var exchange = HTTPExchange()
    exchange.hear(Array("HTTP/1.1 429 X\r\n".utf8))
    exchange.hear(Array((line + "\r\n").utf8))
    #expect(exchange.retryAfter == (seconds < 0 ? nil : .seconds(seconds)))
    exchange.hear(Array("HTTP/1.1 429 X\r\n".utf8))
    #expect(exchange.retryAfter == nil)
  }

  @Test("What a provider says is cut and freed of control characters")
  func answers() {
    let result = ProviderResult(.taken, answer: "a\r\nb\u{0}" + String(repeating: "ü", count: 2000))
    #expect(result.answer.hasPrefix("a  b"))
    #expect(result.answer.utf8.count <= ProviderResult.textMax)
    #expect(result.answer.hasSuffix("ü"))
  }
}
