internal import Foundation
@testable internal import ServiceKit
internal import TestSupport
internal import Testing

@Suite struct TimeZoneRulesTests {
  /// The instant after a number of months, as local time of the zone.
  private func after(_ months: Int, _ zone: String, _ text: String) throws -> String {
    let zone = try TimeZoneRules(name: zone)
    let start = try Instant(parsing: text)
    return zone.adding(months: months, to: start).description
  }

  private func instant(_ zone: String, _ local: CivilTime) throws -> String {
    try TimeZoneRules(name: zone).instant(ofLocal: local).description
  }

  @Test("C13 A month later is the same day and time of day, moved out of a gap")
  func monthAcrossGap() throws {
    // 02:30 does not exist in Berlin on 28 March 2027.
    #expect(
      try after(1, "Europe/Berlin", "2027-02-28T02:30:00+01:00") == "2027-03-28T01:30:00Z")
    #expect(
      try after(1, "Europe/Berlin", "2027-03-15T12:00:00+01:00") == "2027-04-15T10:00:00Z")
    #expect(
      try after(1, "America/New_York", "2027-02-14T02:30:00-05:00") == "2027-03-14T07:30:00Z")
  }

  @Test("C13 A time that is shown twice is taken the first time")
  func monthIntoOverlap() throws {
    #expect(
      try after(1, "Europe/Berlin", "2027-09-30T02:30:00+02:00") == "2027-10-30T00:30:00Z")
    #expect(
      try after(1, "Europe/Berlin", "2026-09-25T02:30:00+02:00") == "2026-10-25T00:30:00Z")
    // No months leave the second of the two where it is.
    #expect(
      try after(0, "Europe/Berlin", "2026-10-25T02:30:00+01:00") == "2026-10-25T01:30:00Z")
  }

  @Test("C13 A day that the month lacks becomes its last")
  func clamped() throws {
    #expect(try after(1, "UTC", "2027-01-31T10:00:00Z") == "2027-02-28T10:00:00Z")
    #expect(try after(1, "UTC", "2028-01-31T10:00:00Z") == "2028-02-29T10:00:00Z")
    #expect(try after(12, "UTC", "2028-02-29T10:00:00.123456Z") == "2029-02-28T10:00:00.123456Z")
    #expect(try after(-3, "UTC", "2027-05-31T10:00:00Z") == "2027-02-28T10:00:00Z")
    #expect(try after(.max, "UTC", "2027-05-31T10:00:00Z") == "9999-12-31T10:00:00Z")
    #expect(try after(-100_000, "UTC", "2027-05-31T10:00:00Z") == "0001-01-31T10:00:00Z")
  }

  @Test("C13 The years after a file's table follow its rule")
  func farFuture() throws {
    #expect(
      try after(1, "Europe/Berlin", "2060-02-28T02:30:00+01:00") == "2060-03-28T01:30:00Z")
    #expect(
      try after(1, "America/New_York", "2050-10-15T12:00:00-04:00") == "2050-11-15T17:00:00Z")
  }

  @Test("A zone that moves its clocks by half an hour does so here")
  func halfHour() throws {
    let zone = try TimeZoneRules(name: "Australia/Lord_Howe")
    #expect(zone.offset(at: try Instant(parsing: "2026-07-01T00:00:00Z")) == 37_800)
    #expect(zone.offset(at: try Instant(parsing: "2026-12-01T00:00:00Z")) == 39_600)
    // On 4 October 2026 the clocks go from 02:00 to 02:30.
    let skipped = CivilTime(year: 2026, month: 10, day: 4, hour: 2, minute: 10)
    #expect(zone.instant(ofLocal: skipped).description == "2026-10-03T15:40:00Z")
    #expect(zone.civilTime(at: zone.instant(ofLocal: skipped)).minute == 40)
  }

  @Test("A day that a zone skipped is moved forward whole")
  func skippedDay() throws {
    let skipped = CivilTime(year: 2011, month: 12, day: 30, hour: 12)
    let zone = try TimeZoneRules(name: "Pacific/Apia")
    let shown = zone.civilTime(at: zone.instant(ofLocal: skipped))
    #expect(shown == CivilTime(year: 2011, month: 12, day: 31, hour: 12))
    #expect(
      try after(1, "Pacific/Apia", "2011-11-30T12:00:00-10:00") == "2011-12-30T22:00:00Z")
  }

  @Test("A zone without summer time, 45 minutes from the hour, is exact")
  func kathmandu() throws {
    let noon = CivilTime(year: 2040, month: 1, day: 31, hour: 12)
    #expect(try instant("Asia/Kathmandu", noon) == "2040-01-31T06:15:00Z")
  }

  @Test(
    "Offsets and local times are those of another reader of the zone files over 130 years",
    arguments: [
      "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu",
      "Europe/London", "America/Sao_Paulo", "Africa/Johannesburg", "Asia/Tehran", "UTC",
      "Australia/Sydney", "America/Los_Angeles", "Asia/Tokyo", "Pacific/Chatham", "America/Havana",
    ])
  func sameAsOtherReader(name: String) throws {
    let zone = try TimeZoneRules(name: name)
    // Steps of some 27 hours, not a part of a day, so that every time of day is met.
    let times = Array(stride(from: Int64(0), to: 4_102_444_800, by: 97_931))
    var wrong: [Instant] = []
    for (seconds, offset) in zip(times, try ZoneFileReader.offsets(of: name, at: times)) {
      let instant = Instant(seconds: seconds)
      if zone.offset(at: instant) != offset { wrong.append(instant) }
      let back = zone.instant(ofLocal: zone.civilTime(at: instant))
      // Where clocks show a time twice, the first is meant, which is at most an hour before.
      if back > instant || instant - back > .seconds(3600) { wrong.append(instant) }
    }
    #expect(wrong == [])
  }

  @Test("Local time and instant agree to the second around every change of a zone")
  func aroundChanges() throws {
    for name in ["Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns"] {
      let zone = try TimeZoneRules(name: name)
      let other = try #require(TimeZone(identifier: name))
      var date = Date(timeIntervalSince1970: 0)
      var times: [Int64] = []
      for _ in 0..<150 {
        guard let change = other.nextDaylightSavingTimeTransition(after: date) else { break }
        date = change
        for shift in [-7201.0, -3600, -1801, -1, 0, 1, 1799, 1800, 3600, 7200] {
          times.append(Int64(date.addingTimeInterval(shift).timeIntervalSince1970.rounded()))
        }
      }
      try #require(times.count > 100)
      let offsets = try ZoneFileReader.offsets(of: name, at: times)
      #expect(times.map { zone.offset(at: Instant(seconds: $0)) } == offsets)
    }
  }

  @Test(
    "A name that no zone has is refused, whatever file it leads to",
    arguments: [
      "", "../../../etc/passwd", "Europe/../Europe/Berlin", "/etc/passwd", "Europe/",
      "Europe//Berlin",
      "Europe", "posix/Europe/Berlin", "tzdata.zi", "Europe/Berlin\0", "Europe/Bärlin", "A/B/C/D",
      "Middle/Of_Nowhere", "europe/berlin",
    ])
  func refused(name: String) {
    #expect(throws: TimeError.self) { try TimeZoneRules(name: name) }
  }

  @Test("Zones are equal by name, and a name is read once")
  func equal() throws {
    let first = try TimeZoneRules(name: "Europe/Berlin")
    #expect(try TimeZoneRules(name: "Europe/Berlin") == first)
    #expect(try TimeZoneRules(name: "Europe/Paris") != first)
    #expect(try TimeZoneRules(name: "UTC") == .utc)
  }
}
