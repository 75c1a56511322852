internal import Delivery
internal import Messages
internal import ServiceKit
internal import Testing

@Suite struct SendHoursTests {
  /// One case of the golden table: with the clock changes of 2026 and 2027 in six zones.
  struct Case: Sendable, CustomTestStringConvertible {
    let zone: String
    let from: String
    let to: String
    var days: [UInt32] = []
    /// UTC.
    let at: String
    let opens: String

    var testDescription: String { "\(zone) \(from)-\(to) \(days) at \(at)" }
  }

  private static func minute(_ text: String) -> UInt32 {
    let parts = text.split(separator: ":").compactMap { UInt32($0) }
    return parts[0] * 60 + parts[1]
  }

  private static func hours(_ one: Case) throws -> SendHours {
    try #require(
      SendHours(.init(fromMinute: minute(one.from), toMinute: minute(one.to), weekdays: one.days)))
  }

  private static let table: [Case] = [
    // Open, before, after, and at both borders.
    .init(
      zone: "Europe/Berlin", from: "08:00", to: "20:00", at: "2026-11-23T07:00:00Z",
      opens: "2026-11-23T07:00:00Z"),
    .init(
      zone: "Europe/Berlin", from: "08:00", to: "20:00", at: "2026-11-23T06:59:59.999999Z",
      opens: "2026-11-23T07:00:00Z"),
    .init(
      zone: "Europe/Berlin", from: "08:00", to: "20:00", at: "2026-11-23T18:59:59.999999Z",
      opens: "2026-11-23T18:59:59.999999Z"),
    .init(
      zone: "Europe/Berlin", from: "08:00", to: "20:00", at: "2026-11-23T19:00:00Z",
      opens: "2026-11-24T07:00:00Z"),
    // Across midnight, and all day.
    .init(
      zone: "Asia/Tokyo", from: "22:00", to: "02:00", at: "2026-11-23T16:59:00Z",
      opens: "2026-11-23T16:59:00Z"),
    .init(
      zone: "Asia/Tokyo", from: "22:00", to: "02:00", at: "2026-11-23T17:00:00Z",
      opens: "2026-11-24T13:00:00Z"),
    .init(
      zone: "Asia/Tokyo", from: "00:00", to: "00:00", days: [1], at: "2026-11-23T15:00:00Z",
      opens: "2026-11-29T15:00:00Z"),
    // Weekdays: a window that opened on Friday is open on Saturday morning.
    .init(
      zone: "Europe/London", from: "09:00", to: "17:00", days: [1, 2, 3, 4, 5],
      at: "2026-11-27T17:00:00Z", opens: "2026-11-30T09:00:00Z"),
    .init(
      zone: "Europe/London", from: "22:00", to: "02:00", days: [5], at: "2026-11-28T01:59:00Z",
      opens: "2026-11-28T01:59:00Z"),
    .init(
      zone: "Europe/London", from: "22:00", to: "02:00", days: [6], at: "2026-11-28T01:59:00Z",
      opens: "2026-11-28T22:00:00Z"),
    // Spring: 02:30 is skipped in Berlin (02:00 → 03:00) and in New York; Sydney's is in October.
    .init(
      zone: "Europe/Berlin", from: "02:30", to: "05:00", at: "2027-03-28T00:00:00Z",
      opens: "2027-03-28T01:00:00Z"),
    .init(
      zone: "America/New_York", from: "02:30", to: "05:00", at: "2027-03-14T06:00:00Z",
      opens: "2027-03-14T07:00:00Z"),
    .init(
      zone: "Australia/Sydney", from: "08:00", to: "20:00", at: "2026-10-03T10:30:00Z",
      opens: "2026-10-03T21:00:00Z"),
    .init(
      zone: "Europe/Berlin", from: "08:00", to: "20:00", at: "2027-03-27T19:00:00Z",
      opens: "2027-03-28T06:00:00Z"),
    // Half an hour in Lord Howe: 02:00 → 02:30.
    .init(
      zone: "Australia/Lord_Howe", from: "02:10", to: "05:00", at: "2026-10-03T15:00:00Z",
      opens: "2026-10-03T15:30:00Z"),
    // Autumn: the hour from 02:00 to 03:00 comes twice in Berlin, and is open twice.
    .init(
      zone: "Europe/Berlin", from: "02:15", to: "02:45", at: "2026-10-25T00:00:00Z",
      opens: "2026-10-25T00:15:00Z"),
    .init(
      zone: "Europe/Berlin", from: "02:15", to: "02:45", at: "2026-10-25T00:45:00Z",
      opens: "2026-10-25T01:15:00Z"),
    .init(
      zone: "Europe/Berlin", from: "01:00", to: "02:30", at: "2026-10-25T00:30:00Z",
      opens: "2026-10-25T01:00:00Z"),
    .init(
      zone: "Europe/Berlin", from: "01:00", to: "02:30", at: "2026-10-25T01:30:00Z",
      opens: "2026-10-26T00:00:00Z"),
    .init(
      zone: "America/New_York", from: "08:00", to: "20:00", at: "2026-11-01T00:30:00Z",
      opens: "2026-11-01T13:00:00Z"),
    .init(
      zone: "Australia/Sydney", from: "08:00", to: "20:00", at: "2027-04-03T09:00:00Z",
      opens: "2027-04-03T22:00:00Z"),
    .init(
      zone: "America/Sao_Paulo", from: "08:00", to: "20:00", at: "2026-11-23T23:30:00Z",
      opens: "2026-11-24T11:00:00Z"),
  ]

  @Test("F15 A send window opens when the recipient's clock shows it", arguments: table)
  func opening(_ one: Case) throws {
    let zone = try TimeZoneRules(name: one.zone)
    let hours = try Self.hours(one)
    let at = try Instant(parsing: one.at)
    #expect(hours.opening(from: at, zone: zone) == (try Instant(parsing: one.opens)))
    #expect(hours.isOpen(at: at, zone: zone) == (one.at == one.opens))
  }

  @Test("F15 The opening is the first instant whose clock shows an open time: minute by minute")
  func model() throws {
    for name in ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"] {
      let zone = try TimeZoneRules(name: name)
      for (from, to) in [(1410, 90), (120, 150), (480, 1200), (150, 125)] as [(UInt32, UInt32)] {
        let hours = try #require(SendHours(.init(fromMinute: from, toMinute: to)))
        for start in ["2026-10-24T12:00:00Z", "2027-03-27T12:00:00Z", "2026-10-03T06:00:00Z"] {
          var at = try Instant(parsing: start)
          var open: [Bool] = []
          for _ in 0..<4320 {
            let local = zone.civilTime(at: at)
            let minute = UInt32(local.hour * 60 + local.minute)
            open.append(
              from < to ? minute >= from && minute < to : minute >= from || minute < to)
            at += .seconds(60)
          }
          for index in stride(from: 0, to: 700, by: 7) {
            let now = try Instant(parsing: start) + .seconds(60 * index)
            let next = try #require(open[index...].firstIndex(of: true))
            #expect(
              hours.opening(from: now, zone: zone) == now + .seconds(60 * (next - index)),
              "\(name) \(from)-\(to) \(now)")
          }
        }
      }
    }
  }

  @Test("F15 Two windows are open together when both are; never, where they exclude each other")
  func together() throws {
    let zone = try TimeZoneRules(name: "Europe/Vienna")
    let day = try #require(SendHours(.init(fromMinute: 480, toMinute: 1200)))
    let late = try #require(SendHours(.init(fromMinute: 1080, toMinute: 1380, weekdays: [2])))
    let night = try #require(SendHours(.init(fromMinute: 1260, toMinute: 300)))
    let at = try Instant(parsing: "2026-11-23T10:00:00Z")
    #expect(
      SendHours.opening(of: [day, late], from: at, zones: [zone])
        == (try Instant(parsing: "2026-11-24T17:00:00Z")))
    #expect(SendHours.opening(of: [day, night], from: at, zones: [zone]) == nil)
    #expect(SendHours.opening(of: [], from: at, zones: [zone]) == at)
  }

  @Test("F20 Without a window SMS and push have the day, all else any time")
  func standard() throws {
    let hours = try #require(SendHours.standard(.sms).flatMap { SendHours($0) })
    let night = try Instant(parsing: "2026-11-23T05:00:00Z")
    let morning = try Instant(parsing: "2026-11-23T08:00:00Z")
    #expect(hours.opening(from: night, zone: .utc) == morning)
    #expect(SendHours.standard(.push) == SendHours.standard(.sms))
    #expect(SendHours.standard(.email) == nil && SendHours.standard(.letter) == nil)
  }

  @Test("A window past the day, or of a day that no week has, is none")
  func malformed() {
    #expect(SendHours(.init(fromMinute: 1440, toMinute: 0)) == nil)
    #expect(SendHours(.init(fromMinute: 0, toMinute: 1440)) == nil)
    #expect(SendHours(.init(fromMinute: 0, toMinute: 0, weekdays: [8])) == nil)
    #expect(SendHours(.init(fromMinute: 0, toMinute: 0, weekdays: [0])) == nil)
  }
}

@Suite struct RecipientPlaceTests {
  private func profile(
    zone: String = "", country: String = "", phones: [String] = []
  ) -> CartTrackerV1.ContactProfile {
    .init(
      timeZone: zone, destinations: phones.map { .init(channel: .sms, address: $0) },
      address: country.isEmpty ? nil : .init(countryCode: country))
  }

  @Test("F20 The zone is the stated one, else the address's, else the phone's, else the store's")
  func zones() throws {
    let store = try TimeZoneRules(name: "America/New_York")
    let all = profile(zone: "Asia/Tokyo", country: "GB", phones: ["+4930123"])
    #expect(RecipientPlace.zone(of: all, store: store).name == "Asia/Tokyo")
    #expect(
      RecipientPlace.zone(of: profile(country: "GB", phones: ["+4930123"]), store: store).name
        == "Europe/London")
    #expect(
      RecipientPlace.zone(of: profile(phones: ["+1212", "+42012"]), store: store).name
        == "Europe/Prague")
    #expect(RecipientPlace.zone(of: profile(phones: ["+1212"]), store: store).name == store.name)
    #expect(
      RecipientPlace.zone(of: profile(zone: "Nowhere/Land", country: "XK"), store: store).name
        == store.name)
    #expect(RecipientPlace.zone(of: nil, store: store).name == store.name)
  }

  @Test(
    "F20 An address in a country with several zones has those of its region, else its postal code",
    arguments: [
      ("US", "NY", "", "America/New_York"), ("US", "us-ca", "10001", "America/Los_Angeles"),
      ("US", "", "10001", "America/New_York"), ("US", "", "60601-1234", "America/Chicago"),
      ("US", "", "80202", "America/Denver"), ("US", "", "94103", "America/Los_Angeles"),
      ("US", "", "96813", "Pacific/Honolulu"), ("US", "", "00901", "America/Puerto_Rico"),
      ("US", "TX", "79901", "America/Chicago America/Denver"),
      ("CA", "", "m5v 3l9", "America/Toronto"),
      ("CA", "BC", "", "America/Vancouver America/Edmonton"),
      ("AU", "", "3000", "Australia/Melbourne"), ("AU", "", "2600", "Australia/Sydney"),
      ("AU", "", "0800", "Australia/Darwin"), ("BR", "", "69005-000", "America/Manaus"),
      ("BR", "SP", "", "America/Sao_Paulo"), ("MX", "", "22000", "America/Tijuana"),
      ("ES", "", "35001", "Atlantic/Canary"), ("ES", "", "28001", "Europe/Madrid"),
      ("PT", "", "9500-150", "Atlantic/Azores"), ("DE", "BY", "80331", "Europe/Berlin"),
      ("XK", "", "10000", "Europe/Berlin"),
    ])
  func addresses(country: String, region: String, postal: String, zones: String) throws {
    var profile = profile(country: country)
    profile.address?.region = region
    profile.address?.postalCode = postal
    let store = try TimeZoneRules(name: "Europe/Berlin")
    let found = RecipientPlace.zones(of: profile, store: store).map(\.name)
    #expect(found.joined(separator: " ") == zones)
  }

  @Test("F20 Where an address leaves its zone open, hours are open only where they are in each")
  func everyZone() throws {
    let store = try TimeZoneRules(name: "Europe/Berlin")
    let zones = RecipientPlace.zones(of: profile(country: "US"), store: store)
    #expect(zones.count == 11)
    let hours = try #require(SendHours.standard(.sms).flatMap { SendHours($0) })
    // 2026-01-15T12:00:00Z: 07:00 in New York. Guam has 08:00 to 20:00 from 22:00Z to 10:00Z, Samoa
    // from 19:00Z to 07:00Z, New York from 13:00Z to 01:00Z: all from 22:00Z, when Adak has noon.
    let noon = Instant(microseconds: 1_768_478_400_000_000)
    #expect(
      SendHours.opening(of: [hours], from: noon, zones: zones) == noon + .seconds(10 * 3600))
  }

  @Test("A line of the zones that is wrong is named")
  func zoneFile() {
    #expect(throws: CountryZones.Fault(line: 2, problem: "names no zone")) {
      try CountryZones(parsing: "# zones\nDE")
    }
    #expect(throws: CountryZones.Fault.self) { try CountryZones(parsing: "DE Europe/Nowhere") }
    #expect(throws: CountryZones.Fault.self) { try CountryZones(parsing: "DE Europe/Berlin @2-1") }
    #expect(throws: CountryZones.Fault.self) { try CountryZones(parsing: "DE Europe/Berlin @1-22") }
  }

  @Test("F16 The country is the address's, else the phone's; a shared prefix tells none")
  func countries() {
    #expect(RecipientPlace.country(of: profile(country: "US", phones: ["+49301"])) == "US")
    #expect(RecipientPlace.country(of: profile(phones: ["+4366412345"])) == "AT")
    #expect(RecipientPlace.country(of: profile(phones: ["+42312345"])) == "LI")
    #expect(RecipientPlace.country(of: profile(phones: ["+12125550123"])) == nil)
    #expect(RecipientPlace.country(of: nil) == nil)
  }
}
