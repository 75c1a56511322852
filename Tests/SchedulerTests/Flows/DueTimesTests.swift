internal import ServiceKit
internal import Testing

@testable internal import Scheduler

@Suite struct DueTimesTests {
  private static func at(_ text: String) throws -> Int64 {
    try Instant(parsing: text).microseconds
  }

  private static func pause(
    _ text: String?, _ until: String?, from start: String, _ zone: String = "Europe/Berlin"
  ) throws -> String {
    let pause = Pause(
      period: try text.map { try PlainValues.period($0) },
      until: try until.map { try PlainValues.localTime($0) })
    let zone = try TimeZoneRules(name: zone)
    return Instant(microseconds: pause.due(from: try at(start), zone: zone)).description
  }

  @Test(
    "C13 F02 A pause is over after its span, or its calendar months in the contact's zone",
    arguments: [
      ("1 day", "2027-03-27T12:00:00Z", "2027-03-28T12:00:00Z"),
      ("90s", "2027-03-27T12:00:00Z", "2027-03-27T12:01:30Z"),
      ("1 month", "2027-01-31T11:00:00Z", "2027-02-28T11:00:00Z"),
      // 02:30 in Berlin does not exist on 28 March 2027, and so becomes 03:30.
      ("1 month", "2027-02-28T01:30:00Z", "2027-03-28T01:30:00Z"),
      // 02:30 on 31 October 2027 is shown twice; the first counts.
      ("2 months", "2027-08-31T00:30:00Z", "2027-10-31T00:30:00Z"),
      ("2 months", "2026-12-31T10:00:00Z", "2027-02-28T10:00:00Z"),
    ])
  func spans(text: String, start: String, due: String) throws {
    #expect(try Self.pause(text, nil, from: start) == due)
  }

  @Test(
    "F02 A pause until a time of day or a weekday goes on to the next one in the contact's zone",
    arguments: [
      ("09:00", "2026-11-23T07:59:59Z", "2026-11-23T08:00:00Z"),
      ("09:00", "2026-11-23T08:00:00Z", "2026-11-23T08:00:00Z"),
      ("09:00", "2026-11-23T08:00:00.000001Z", "2026-11-24T08:00:00Z"),
      ("monday 09:00", "2026-11-23T08:00:01Z", "2026-11-30T08:00:00Z"),
      ("sun 23:59", "2026-11-23T08:00:00Z", "2026-11-29T22:59:00Z"),
      ("02:30", "2027-03-28T00:00:00Z", "2027-03-28T01:30:00Z"),
      ("02:30", "2027-10-31T00:00:00Z", "2027-10-31T00:30:00Z"),
      ("02:30", "2027-10-31T00:30:01Z", "2027-11-01T01:30:00Z"),
      ("00:00", "2026-11-23T22:59:59Z", "2026-11-23T23:00:00Z"),
    ])
  func until(until: String, start: String, due: String) throws {
    #expect(try Self.pause(nil, until, from: start) == due)
  }

  @Test("F02 A span comes first, then the time of day")
  func both() throws {
    let due = try Self.pause("2 days", "monday 09:00", from: "2026-11-21T10:00:00Z")
    #expect(due == "2026-11-30T08:00:00Z")
    let exact = try Self.pause("1 day", "09:00", from: "2026-11-21T08:00:00Z")
    #expect(exact == "2026-11-22T08:00:00Z")
  }

  @Test("F02 Where clocks are moved at midnight, the time that they skip is the next that exists")
  func midnight() throws {
    // Beirut goes from 00:00 to 01:00 on 28 March 2027.
    let due = try Self.pause(nil, "00:00", from: "2027-03-27T21:00:00Z", "Asia/Beirut")
    #expect(due == "2027-03-27T22:00:00Z")
  }

  @Test("F13 A schedule runs at its first time, then every period, and covers each instant once")
  func schedule() throws {
    let zone = try TimeZoneRules(name: "Europe/Berlin")
    for text in ["1 week", "90 minutes", "1 month", "5 months"] {
      let first = try Self.at("2026-01-31T08:00:00Z")
      let schedule = FlowDefinition.Schedule(
        firstAt: first, period: try PlainValues.period(text))
      #expect(schedule.next(after: first - 1, zone: zone).at == first)
      var covered = schedule.covered(by: 0, zone: zone)
      #expect(covered.upperBound == first)
      for index in 1...40 {
        let run = schedule.run(index, zone: zone)
        let next = schedule.covered(by: index, zone: zone)
        #expect(next.lowerBound == covered.upperBound)
        #expect(next.upperBound == run)
        #expect(schedule.next(after: run - 1, zone: zone) == (index, run))
        #expect(schedule.next(after: run, zone: zone).index == index + 1)
        covered = next
      }
    }
  }

  @Test("F13 A run on the 31st is on the last day of a shorter month, and on the 31st again")
  func monthEnds() throws {
    let zone = try TimeZoneRules(name: "Europe/Berlin")
    let schedule = FlowDefinition.Schedule(
      firstAt: try Self.at("2026-01-31T08:00:00Z"), period: .months(1))
    let runs = (0...3).map { Instant(microseconds: schedule.run($0, zone: zone)).description }
    #expect(
      runs == [
        "2026-01-31T08:00:00Z", "2026-02-28T08:00:00Z", "2026-03-31T07:00:00Z",
        "2026-04-30T07:00:00Z",
      ])
  }

  @Test("Nothing overflows at the end of the calendar")
  func ends() throws {
    let zone = TimeZoneRules.utc
    let latest = Instant.latest.microseconds
    #expect(Period.months(24).end(from: latest, zone: zone) <= latest)
    #expect(Period.span(.max).end(from: latest, zone: zone) == latest)
    #expect(Pause.LocalTime(minute: 0, weekday: 1).next(from: latest, zone: zone) == latest)
  }

  @Test(
    "Spans are read as people write them, and written as they are read",
    arguments: [
      ("90s", "1 minute 30 seconds"), ("30 minutes", "30 minutes"), ("1 day", "1 day"),
      ("1d", "1 day"), ("7 days", "1 week"), ("8 days", "8 days"), ("1h30m", "1 hour 30 minutes"),
      ("1 Day 12 hours", "1 day 12 hours"), ("2 weeks", "2 weeks"), ("1 month", "1 month"),
      ("3mo", "3 months"),
    ])
  func texts(text: String, shown: String) throws {
    #expect(PlainValues.text(try PlainValues.period(text)) == shown)
    #expect(try PlainValues.period(shown) == PlainValues.period(text))
  }

  @Test(
    "What is no span is refused",
    arguments: [
      "", "1", "day", "-1 day", "1.5 days", "1 dy", "1 month 1 day", "99999999999 s",
      "1000000000 weeks", "1 s 1 s 1 s 1 s 1 s", "٣ days",
    ])
  func noSpans(text: String) {
    #expect(throws: PlainValues.SpanError.self) { try PlainValues.period(text) }
  }
}
