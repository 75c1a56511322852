internal import Testing

@testable internal import ServiceKit

/// Months of windows and waits, as calendars and zones have them (C13): what another calendar says,
/// written down.
///
/// The day that a month lacks is its last; a time of day that a clock change skips is moved by what
/// it skips; one that is shown twice is taken the first time.
@Suite struct GoldenMonthTests {
  private static let table = """
    Europe/Berlin 2027-01-31T12:00:00+01:00 1 2027-02-28T11:00:00Z
    Europe/Berlin 2028-01-31T12:00:00+01:00 1 2028-02-29T11:00:00Z
    Europe/Berlin 2027-02-28T02:30:00+01:00 1 2027-03-28T01:30:00Z
    Europe/Berlin 2026-09-25T02:30:00+02:00 1 2026-10-25T00:30:00Z
    Europe/Berlin 2026-08-31T23:30:00+02:00 6 2027-02-28T22:30:00Z
    Europe/Berlin 2028-02-29T12:00:00+01:00 12 2029-02-28T11:00:00Z
    Europe/Berlin 2027-05-31T12:00:00+02:00 -3 2027-02-28T11:00:00Z
    Europe/London 2027-02-28T01:30:00+00:00 1 2027-03-28T01:30:00Z
    Europe/London 2026-09-25T01:30:00+01:00 1 2026-10-25T00:30:00Z
    Europe/London 2026-12-31T23:59:59+00:00 2 2027-02-28T23:59:59Z
    America/New_York 2027-02-14T02:30:00-05:00 1 2027-03-14T07:30:00Z
    America/New_York 2026-10-01T01:30:00-04:00 1 2026-11-01T05:30:00Z
    America/New_York 2027-03-31T20:00:00-04:00 1 2027-05-01T00:00:00Z
    America/Sao_Paulo 2027-01-30T00:00:00-03:00 1 2027-02-28T03:00:00Z
    America/Sao_Paulo 2027-10-31T12:00:00-03:00 1 2027-11-30T15:00:00Z
    Australia/Sydney 2026-09-04T02:30:00+10:00 1 2026-10-03T16:30:00Z
    Australia/Sydney 2027-03-04T02:30:00+11:00 1 2027-04-03T15:30:00Z
    Australia/Sydney 2027-01-31T09:00:00+11:00 13 2028-02-28T22:00:00Z
    Asia/Kathmandu 2027-01-31T00:00:00+05:45 1 2027-02-27T18:15:00Z
    Asia/Kathmandu 2027-12-31T18:00:00+05:45 2 2028-02-29T12:15:00Z
    """

  @Test("C13 Golden table: so many months later, in six zones, at both clock changes")
  func months() throws {
    let rows = Self.table.split(separator: "\n").map { $0.split(separator: " ") }
    #expect(rows.count == 20 && Set(rows.map(\.[0])).count == 6)
    for row in rows {
      let zone = try TimeZoneRules(name: String(row[0]))
      let start = try Instant(parsing: String(row[1]))
      let months = try #require(Int64(row[2]))
      #expect(
        zone.adding(months: Int(months), to: start).description == row[3],
        "\(row.joined(separator: " "))")
    }
  }
}
