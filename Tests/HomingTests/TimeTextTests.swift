internal import Testing

@testable internal import DynamicMessages

@Suite struct TimeTextTests {
  @Test(arguments: [
    ("1970-01-01T00:00:00Z", 0, 0), ("1969-12-31T23:59:59.999999999Z", -1, 999_999_999),
    ("0001-01-01T00:00:00Z", -62_135_596_800, 0),
    ("9999-12-31T23:59:59.999Z", 253_402_300_799, 999_000_000),
    ("2024-02-29T12:00:00Z", 1_709_208_000, 0), ("2000-02-29T00:00:00Z", 951_782_400, 0),
    ("1900-03-01T00:00:00Z", -2_203_891_200, 0),
    ("2026-11-22T10:00:00.000001Z", 1_795_341_600, 1_000),
  ])
  func `A Timestamp is read and written`(_ text: String, _ seconds: Int64, _ nanos: Int32) throws {
    let time = TimeText(seconds: seconds, nanos: nanos)
    #expect(try TimeText.timestamp(text) == time)
    #expect(try time.timestampText() == text)
  }

  @Test func `Every day from the year 1 to 9999 comes back as itself`() throws {
    var seconds = TimeText.timestampSeconds.lowerBound
    var earlier = ""
    while seconds <= TimeText.timestampSeconds.upperBound {
      let text = try TimeText(seconds: seconds, nanos: 0).timestampText()
      guard text > earlier, try TimeText.timestamp(text).seconds == seconds else {
        Issue.record("\(seconds) became \(text), after \(earlier)")
        return
      }
      earlier = text
      // Every day near the turn of a century, elsewhere every 37th.
      let year = Int(text.prefix(4)) ?? 0
      seconds += 86_400 * (year % 100 < 2 ? 1 : 37)
    }
    #expect(earlier.hasPrefix("9999-12"))
  }

  @Test(arguments: [
    "", "2026-11-22", "2026-11-22T10:00Z", "2026-11-22T10:00:00", "2026-11-22t10:00:00Z",
    "2026-11-22T10:00:00z",
    "2026-11-22 10:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-11-31T00:00:00Z",
    "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-11-22T24:00:00Z", "2026-11-22T10:60:00Z",
    "2026-11-22T10:00:60Z", "2026-11-22T10:00:00.Z", "2026-11-22T10:00:00.1234567890Z",
    "2026-11-22T10:00:00+0200",
    "2026-11-22T10:00:00+24:00", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01", "2026-11-22T10:00:00Z ", "+2026-11-22T10:00:00Z",
  ])
  func `Text that is no Timestamp is refused`(_ text: String) {
    #expect(throws: DynamicError.self) { try TimeText.timestamp(text) }
  }

  @Test(arguments: [
    ("0s", 0, 0), ("1s", 1, 0), ("1.500s", 1, 500_000_000), ("-1.500s", -1, -500_000_000),
    ("-0.000000001s", 0, -1), ("0.000001s", 0, 1_000), ("315576000000s", 315_576_000_000, 0),
    ("-315576000000s", -315_576_000_000, 0),
    ("315575999999.999999999s", 315_575_999_999, 999_999_999),
  ])
  func `A Duration is read and written`(_ text: String, _ seconds: Int64, _ nanos: Int32) throws {
    let span = TimeText(seconds: seconds, nanos: nanos)
    #expect(try TimeText.duration(text) == span)
    #expect(try span.durationText() == text)
  }

  @Test(arguments: [
    "", "s", "1", "1.s", ".5s", "1.0000000000s", "1e3s", "+1s", "--1s", "1 s", "1S",
    "315576000001s",
    "315576000000.1s", "-315576000000.1s", "99999999999999999999s",
  ])
  func `Text that is no Duration is refused`(_ text: String) {
    #expect(throws: DynamicError.self) { try TimeText.duration(text) }
  }

  @Test func `Values that no text can say are refused`() {
    for (seconds, nanos): (Int64, Int32) in [
      (1, -1), (-1, 1), (0, 1_000_000_000), (315_576_000_001, 0), (.min, 0),
    ] {
      #expect(throws: DynamicError.self) {
        try TimeText(seconds: seconds, nanos: nanos).durationText()
      }
    }
    for (seconds, nanos): (Int64, Int32) in [
      (0, -1), (0, 1_000_000_000), (253_402_300_800, 0), (.max, 0), (.min, .min),
    ] {
      #expect(throws: DynamicError.self) {
        try TimeText(seconds: seconds, nanos: nanos).timestampText()
      }
    }
  }
}

@Suite struct Base64Tests {
  @Test func `Bytes of every length come back, padded or not, in both alphabets`() {
    var random = SeededRandom(seed: 5)
    for count in 0..<200 {
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      let text = Base64.text(bytes)
      #expect(text.utf8.count % 4 == 0)
      #expect(Base64.bytes(text) == bytes)
      let urlSafe = String(
        text.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 }.filter { $0 != "=" })
      #expect(Base64.bytes(urlSafe) == bytes)
    }
    #expect(Base64.text(Array("Homing".utf8)) == "SG9taW5n")
    #expect(Base64.text([255, 254]) == "//4=")
  }

  @Test(arguments: [
    "A", "A=", "A===", "AA=", "AAA==", "=", "====", "AB==", "AAF=", "A A=", "AA\n=", "é", "AAAA=",
  ])
  func `Text that is not base64 is refused`(_ text: String) {
    #expect(Base64.bytes(text) == nil)
  }
}

@Suite struct NearestNameTests {
  @Test func `The nearest name is found, and nothing where all are far off`() {
    let names = ["homing.echo.v1.Echo", "homing.health.v1.Health", "cartId"]
    #expect(NearestName.of("homing.echo.v1.Eco", in: names) == "homing.echo.v1.Echo")
    #expect(NearestName.of("CARTID", in: names) == "cartId")
    #expect(NearestName.of("zzz", in: names) == nil)
    #expect(NearestName.hint(for: "x", in: []) == "; there are none")
    #expect(NearestName.hint(for: "zzzzzz", in: ["a", "b"]) == "; there are: a, b")
  }
}
