internal import Messages
internal import ServiceKit
internal import Testing

@Suite struct SendWindowTextTests {
  private static let right: [(String, CommonV1.SendWindow, String)] = [
    ("08:00-20:00", .init(fromMinute: 480, toMinute: 1200), "08:00-20:00"),
    ("9:05-17:30", .init(fromMinute: 545, toMinute: 1050), "09:05-17:30"),
    ("22:00-06:00", .init(fromMinute: 1320, toMinute: 360), "22:00-06:00"),
    ("00:00-00:00", .init(), "00:00-00:00"),
    (
      "mon-fri 09:00-17:00",
      .init(fromMinute: 540, toMinute: 1020, weekdays: [1, 2, 3, 4, 5]), "mon-fri 09:00-17:00"
    ),
    (
      "Saturday,Sun 10:00-14:00", .init(fromMinute: 600, toMinute: 840, weekdays: [6, 7]),
      "sat,sun 10:00-14:00"
    ),
    (
      "sat-mon 10:00-14:00", .init(fromMinute: 600, toMinute: 840, weekdays: [1, 6, 7]),
      "mon,sat,sun 10:00-14:00"
    ),
  ]

  @Test("F15 Hours are read as people write them, and written the same way", arguments: right)
  func read(_ text: String, _ window: CommonV1.SendWindow, _ written: String) throws {
    #expect(try SendWindowText.parse(text) == window)
    #expect(SendWindowText.text(window) == written)
    #expect(try SendWindowText.parse(written) == window)
  }

  @Test(
    "What are no hours is refused",
    arguments: [
      "", "08:00", "8-20", "08:00-24:00", "08:60-20:00", "08:00-20:0", "08:00 - 20:00", "-",
      "08:00-20:00-22:00", "mon-fri-sun 09:00-17:00", "mon fri 09:00-17:00", "+8:00-20:00",
    ])
  func malformed(_ text: String) {
    #expect(throws: SendWindowText.Fault.malformed) { try SendWindowText.parse(text) }
  }

  @Test("A day that no week has is named", arguments: ["mo", "montag", "mon,", "fri-x"])
  func days(_ days: String) {
    let last = days.split(separator: ",", omittingEmptySubsequences: false).last ?? ""
    let named = last.contains("-") ? "x" : String(last)
    #expect(throws: SendWindowText.Fault.unknownDay(named)) {
      try SendWindowText.parse("\(days) 09:00-17:00")
    }
  }
}
