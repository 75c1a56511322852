internal import ServiceKit
internal import Testing
internal import Wire

@testable internal import DirectMail

@Suite struct CutOffTests {
  private func next(
    _ cutOff: CutOff, after now: String, from due: String? = nil
  ) throws -> String {
    let zone = try TimeZoneRules(name: "Europe/Berlin")
    let now = try Instant(parsing: now)
    let due = try due.map { try Instant(parsing: $0) } ?? now
    return cutOff.next(after: now, from: due, zone).description
  }

  private let daily = CutOff.daily(minute: 16 * 60)

  @Test("The next cut-off is today's before its time, and tomorrow's at it")
  func today() throws {
    #expect(try next(daily, after: "2026-03-02T14:59:59Z").hasPrefix("2026-03-02T15:00:00"))
    #expect(try next(daily, after: "2026-03-02T15:00:00Z").hasPrefix("2026-03-03T15:00:00"))
    #expect(try next(daily, after: "2026-03-02T23:30:00Z").hasPrefix("2026-03-03T15:00:00"))
  }

  @Test("It is not before the piece is due, and may be at that instant")
  func due() throws {
    #expect(
      try next(daily, after: "2026-03-02T09:00:00Z", from: "2026-03-04T15:00:00Z")
        .hasPrefix("2026-03-04T15:00:00"))
    #expect(
      try next(daily, after: "2026-03-02T09:00:00Z", from: "2026-03-04T15:00:01Z")
        .hasPrefix("2026-03-05T15:00:00"))
  }

  @Test("It is at the same time of day when the clocks change, also at a time that they skip")
  func clockChange() throws {
    #expect(try next(daily, after: "2026-03-28T15:00:00Z").hasPrefix("2026-03-29T14:00:00"))
    let night = CutOff.daily(minute: 150)
    #expect(try next(night, after: "2026-03-28T12:00:00Z").hasPrefix("2026-03-29T01:30:00"))
    #expect(try next(night, after: "2026-03-29T01:30:00Z").hasPrefix("2026-03-30T00:30:00"))
  }

  @Test("A span counts from 1970")
  func span() throws {
    let hourly = CutOff.every(.seconds(3600))
    #expect(try next(hourly, after: "2026-03-02T09:10:00Z").hasPrefix("2026-03-02T10:00:00"))
    #expect(try next(hourly, after: "2026-03-02T10:00:00Z").hasPrefix("2026-03-02T11:00:00"))
    #expect(
      try next(hourly, after: "2026-03-02T09:10:00Z", from: "2026-03-02T11:00:00Z")
        .hasPrefix("2026-03-02T11:00:00"))
  }

  @Test("A time of day is two digits, a colon and two digits")
  func parsing() throws {
    #expect(try CutOff.daily(parsing: "16:00") == daily)
    #expect(try CutOff.daily(parsing: "00:05") == .daily(minute: 5))
    for wrong in ["", "16", "1:00", "24:00", "12:60", "12:00:00", "-1:00", "+1:00"] {
      #expect(throws: RPCError.self) { try CutOff.daily(parsing: wrong) }
    }
  }
}
