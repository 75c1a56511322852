internal import Messages
@testable internal import ServiceKit
internal import Testing

@Suite struct InstantTests {
  @Test(
    "An instant is written and read as RFC 3339",
    arguments: [
      (0, "1970-01-01T00:00:00Z"), (1, "1970-01-01T00:00:00.000001Z"),
      (-1, "1969-12-31T23:59:59.999999Z"), (1_500_000, "1970-01-01T00:00:01.500Z"),
      (951_782_400_000_000, "2000-02-29T00:00:00Z"),
      (Instant.earliest.microseconds, "0001-01-01T00:00:00Z"),
      (Instant.latest.microseconds, "9999-12-31T23:59:59.999999Z"),
    ])
  func text(microseconds: Int64, text: String) throws {
    #expect(Instant(microseconds: microseconds).description == text)
    #expect(try Instant(parsing: text).microseconds == microseconds)
  }

  @Test("Offsets, small letters and more digits than are kept are read")
  func forms() throws {
    #expect(try Instant(parsing: "2026-11-22T12:00:00+02:00").description == "2026-11-22T10:00:00Z")
    #expect(try Instant(parsing: "2026-11-22t05:30:00-04:30").description == "2026-11-22T10:00:00Z")
    #expect(
      try Instant(parsing: "2026-11-22T10:00:00.1234569z").description
        == "2026-11-22T10:00:00.123456Z")
    #expect(Instant(microseconds: 1_999_999).millisecondsText == "1970-01-01T00:00:01.999Z")
  }

  @Test(
    "Text that is no time is refused",
    arguments: [
      "", "2026-11-22", "2026-11-22T10:00:00", "2026-11-22 10:00:00Z", "2026-02-29T10:00:00Z",
      "2026-13-01T10:00:00Z", "2026-11-22T24:00:00Z", "2026-11-22T10:60:00Z",
      "2026-11-22T10:00:60Z", "2026-11-22T10:00:00.Z", "2026-11-22T10:00:00ZZ",
      "2026-11-22T10:00:00+24:00", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+00:01",
      "9999-12-31T23:59:59-00:01", "２026-11-22T10:00:00Z", String(repeating: "9", count: 65),
    ])
  func refused(text: String) {
    #expect(throws: TimeError.self) { try Instant(parsing: text) }
  }

  @Test("Every day of 800 years has its date, and every date its day")
  func calendar() throws {
    var civil = CivilTime(year: 1600, month: 1, day: 1)
    let first = CivilTime.days(1600, 1, 1)
    for day in 0..<(2 * 146_097) {
      let microseconds = (first + Int64(day)) * 86_400_000_000
      guard CivilTime(microsecondsSince1970: microseconds) == civil,
        civil.microsecondsSince1970 == microseconds
      else {
        Issue.record("\(civil)")
        return
      }
      civil.day += 1
      if civil.day > CivilTime.length(ofMonth: civil.month, civil.year) {
        civil.day = 1
        civil.month = civil.month % 12 + 1
        if civil.month == 1 { civil.year += 1 }
      }
    }
    #expect(civil == CivilTime(year: 2400, month: 1, day: 1))
    #expect(CivilTime(year: 2026, month: 11, day: 22).weekday == 0)
  }

  @Test("Timestamps convert both ways, parts of a microsecond dropped towards the past")
  func timestamps() throws {
    let stamp = Protobuf.Timestamp(seconds: -1, nanos: 999_999_999)
    let instant = try Instant(stamp)
    #expect(instant.microseconds == -1)
    #expect(instant.timestamp == Protobuf.Timestamp(seconds: -1, nanos: 999_999_000))
    #expect(try Instant(Instant.latest.timestamp) == .latest)
    #expect(try Instant(Instant.earliest.timestamp) == .earliest)
    for wrong in [
      Protobuf.Timestamp(seconds: 253_402_300_800), Protobuf.Timestamp(seconds: .min),
      Protobuf.Timestamp(seconds: 0, nanos: -1), Protobuf.Timestamp(seconds: 0, nanos: .max),
    ] {
      #expect(throws: TimeError.self) { try Instant(wrong) }
    }
  }

  @Test("Arithmetic stops at the edges of the years 1 to 9999")
  func edges() {
    #expect(Instant.latest + .seconds(Int64.max) == .latest)
    #expect(Instant.latest + .microseconds(1) == .latest)
    #expect(Instant.earliest - .seconds(Int64.max) == .earliest)
    #expect(Instant.earliest + .seconds(Int64.min) == .earliest)
    #expect(Instant(microseconds: .max) == .latest)
    #expect(Instant(seconds: .min) == .earliest)
    #expect(Instant.latest - Instant.earliest > .zero)
    #expect(Instant.epoch + .milliseconds(5) - .microseconds(1) == Instant(microseconds: 4999))
    #expect(throws: TimeError.self) { try Instant(checking: .max) }
  }
}
