@testable internal import ServiceKit
internal import Testing

@Suite struct ChanceTests {
  @Test("The generator draws the numbers of its published form")
  func numbers() {
    var chance = SplitMix64(seed: 1_234_567)
    #expect(
      (0..<5).map { _ in chance.next() } == [
        6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
        4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
      ])
    var first = SplitMix64(seed: 1)
    var second = first
    #expect(first.split() == second.split())
    #expect(first.split() != first.split())
  }

  @Test("A UUID of version 7 begins with its millisecond, and says what it is")
  func version7() throws {
    var chance = SplitMix64(seed: 3)
    // RFC 9562, appendix A.6, has this instant.
    let at = try Instant(parsing: "2022-02-22T19:22:22.000Z")
    let text = UUIDText.text(UUIDText.version7(at, &chance))
    #expect(text.hasPrefix("017f22e2-79b0-7"))
    #expect(["8", "9", "a", "b"].contains(text[text.index(text.startIndex, offsetBy: 19)]))
    #expect(UUIDText.version7(at, &chance) != UUIDText.version7(at, &chance))
    #expect(
      UUIDText.text(UUIDText.version7(at, &chance))
        < UUIDText.text(UUIDText.version7(at + .milliseconds(1), &chance)))
  }

  @Test("A UUID's text and bytes are the same thing")
  func text() {
    let bytes = (0..<16).map { UInt8($0 * 17) }
    let text = "00112233-4455-6677-8899-aabbccddeeff"
    #expect(UUIDText.text(bytes) == text)
    #expect(UUIDText.bytes(text) == bytes)
    #expect(UUIDText.bytes(text.uppercased()) == bytes)
    for wrong in ["", String(text.dropLast()), text + "0", "g" + text.dropFirst(), "0" + text] {
      #expect(UUIDText.bytes(wrong) == nil)
    }
  }
}
