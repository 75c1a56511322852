internal import ArgumentParser
internal import Foundation
internal import Messages
internal import Stubs
internal import Testing
internal import Wire

@testable internal import Homing
@testable internal import Transport

@Suite struct ReportCommandTests {
  private static let at = ["here:1", "--store", "shop"]

  private let channel = TrackerChannel()
  private let printed = PrintedLines()
  private var caller: SchedulerCaller { SchedulerCaller(channel, timeout: .seconds(1)) }

  private static func eur(_ units: Int64, _ nanos: Int32 = 0) -> CommonV1.Money {
    CommonV1.Money(currencyCode: "EUR", units: units, nanos: nanos)
  }

  static let windows = SchedulerV1.AttributionWindows(
    click: .init(.seconds(5 * 86_400)), contact: .init(.seconds(7 * 86_400)),
    letter: .init(.seconds(30 * 86_400)))

  static let answer = SchedulerV1.ReportResponse(
    windows: windows, asOf: .init(seconds: 1_780_000_000),
    rows: [
      .init(
        flow: "recovery", entered: 1200, sent: 1000, unknown: 2, opened: 400, clicked: 90,
        machineClicked: 31, optedOut: 4, purchased: 60, purchasedByClick: 41,
        revenue: [eur(12_345, 500_000_000), .init(currencyCode: "CHF", units: 80)]),
      .init(
        flow: "recovery", step: "first-mail", channel: .email, template: "cart-reminder",
        entered: 1200, sent: 1000, opened: 400, clicked: 90, purchased: 50, purchasedByClick: 41,
        revenue: [eur(12_000)]),
      .init(
        flow: "recovery", step: "first-mail", channel: .email, template: "cart-reminder",
        variant: "=cmd|' /C calc'!A0", sent: 500),
      .init(flow: "recovery", step: "text", channel: .sms, template: "cart-sms", sent: 200),
    ],
    reasons: [
      .init(reason: .purchased, count: 150), .init(reason: .noDestination, step: "text", count: 30),
    ])

  private func report(
    _ arguments: [String], _ answer: SchedulerV1.ReportResponse = answer
  ) async throws -> String {
    channel.answer(SchedulerV1.SchedulerMethods.report) { (_: SchedulerV1.ReportRequest) in
      answer
    }
    let command = try ReportCommand.parse(Self.at + arguments)
    let written = PrintedLines()
    try await command.report(caller, { text, _ in written.add(text) }) { printed.add($0) }
    return written.text
  }

  @Test("R04 R05 The table has who entered, what happened for each message, what it earned")
  func table() async throws {
    _ = try await report(["--from", "2026-05-01", "--flow", "recovery", "--click-window", "3d"])
    #expect(printed.lines[0].hasPrefix("FLOW      STEP        VARIANT"))
    #expect(!printed.lines[0].contains("BOUNCED"))
    #expect(printed.lines[0].contains("BY MACHINES"))
    #expect(printed.lines[1].hasSuffix("12,345.50 EUR, 80.00 CHF"))
    #expect(printed.text.contains("no_destination  text     30  no address for the channel"))
    #expect(printed.lines.last?.contains("within 7 days of a message, 5 days of a click") == true)
    let requests: [SchedulerV1.ReportRequest] = try channel.requests(
      SchedulerV1.SchedulerMethods.report)
    #expect(requests[0].flow == "recovery")
    #expect(requests[0].started?.from != nil)
    #expect(requests[0].windows?.click == Protobuf.Duration(.seconds(3 * 86_400)))
    #expect(requests[0].windows?.contact == nil)
  }

  @Test("R07 CSV has a line for each row and reason, a column for each currency")
  func csv() async throws {
    let lines = try await report(["--csv"]).components(separatedBy: "\r\n")
    #expect(lines.count == 8)
    #expect(lines[7].isEmpty)
    #expect(lines[0].hasSuffix(#""purchased","purchased_by_click","revenue_CHF","revenue_EUR""#))
    #expect(
      lines[1]
        == #""flow","recovery","","","","","","","1200","0","1000","2","0","0","400","90","0","#
        + #""31","4","60","41","80.00","12345.50""#)
    #expect(lines[3].contains(#""'=cmd|' /C calc'!A0""#))
    #expect(lines[6].hasPrefix(#""reason","","text","","","","no_destination","30","""#))
    let counts = Set(lines.dropLast().map { $0.components(separatedBy: "\",\"").count })
    #expect(counts == [23])
  }

  @Test(
    "What a spreadsheet would calculate with is kept from it",
    arguments: ["=1", "+1", "-1", "@a", "\t=1", " =1", "\u{FF1D}1", "\u{200B}=1", "\n1"])
  func formula(text: String) {
    #expect(CSVText.line([.text(text)]).hasPrefix("\"'"))
    #expect(CSVText.line([.number("-1")]) == "\"-1\"\r\n")
    #expect(CSVText.line([.text("a\"b\0c")]) == "\"a\"\"bc\"\r\n")
  }

  @Test("R07 The page is complete in itself, and shows names as names")
  func page() async throws {
    var answer = Self.answer
    answer.rows[1].step = "<script>alert(1)</script>"
    answer.rows[1].template = "a\" onload=\"b"
    let html = try await report(["--html", "-"], answer)
    #expect(html.hasPrefix("<!doctype html>\n<html lang=\"en\">"))
    #expect(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
    #expect(!html.contains("<script"))
    #expect(!html.contains("onload=\"b"))
    #expect(!html.contains(" src=") && !html.contains("href=") && !html.contains("url("))
    #expect(html.contains("prefers-color-scheme: dark") && html.contains("@media print"))
    for text in [
      "12,345.50 EUR", "80.00 CHF", "bought already", "7.5 %", "83.3 %", "E-mail", "SMS",
    ] {
      #expect(html.contains(text), "\(text)")
    }
  }

  @Test("R07 Several stores share a page, each in a part of its own")
  func stores() async throws {
    let html = try await report(["--and-store", "second", "--html", "-"])
    let requests: [SchedulerV1.ReportRequest] = try channel.requests(
      SchedulerV1.SchedulerMethods.report)
    #expect(requests.map(\.store).last == "second")
    #expect(requests.count == 2)
    #expect(html.components(separatedBy: "<header>").count == 3)
    #expect(html.components(separatedBy: "<!doctype html>").count == 2)
    #expect(html.components(separatedBy: "<footer>").count == 2)
    #expect(html.contains("Store <strong>second</strong>"))
    #expect(throws: (any Error).self) {
      try ReportCommand.parse(Self.at + ["--and-store", "second"])
    }
  }

  @Test("F21 Where the mode lets nothing out, what would have been sent is shown")
  func rehearsal() async throws {
    let answer = SchedulerV1.ReportResponse(
      windows: Self.windows, asOf: .init(seconds: 0),
      rows: [
        .init(flow: "f", entered: 10, wouldSend: 8),
        .init(flow: "f", step: "s", channel: .email, template: "t", wouldSend: 8),
      ])
    let html = try await report(["--html", "-"], answer)
    #expect(html.contains("A rehearsal"))
    #expect(html.contains("Would be sent"))
    #expect(!html.contains("Clicked</"))
    #expect(ReportFigures(answer).funnel.map(\.count) == [10, 8])
  }

  @Test("R07 A page, a CSV file and the table come of one call where each was asked for")
  func files() async throws {
    channel.answer(SchedulerV1.SchedulerMethods.report) { (_: SchedulerV1.ReportRequest) in
      Self.answer
    }
    let files = PrintedLines()
    for arguments in [["--html", "a.html"], ["--html", "a.html", "--csv", "--out", "a.csv"]] {
      let command = try ReportCommand.parse(Self.at + arguments)
      try await command.report(caller, { _, file in files.add(file ?? "") }) { printed.add($0) }
    }
    #expect(files.lines == ["a.html", "a.html", "a.csv"])
    #expect(printed.lines.filter { $0.hasPrefix("FLOW") }.count == 1)
    for wrong in [["--out", "a"], ["--csv", "--html", "-"]] {
      #expect(throws: (any Error).self) { try ReportCommand.parse(Self.at + wrong) }
    }
  }

  @Test("A report of nothing says so in each form")
  func nothing() async throws {
    let answer = SchedulerV1.ReportResponse(windows: Self.windows, asOf: .init(seconds: 0))
    #expect(try await report(["--html", "-"], answer).contains("Nobody has entered."))
    #expect(try await report(["--csv"], answer).components(separatedBy: "\r\n").count == 2)
    _ = try await report([], answer)
    #expect(printed.text.contains("Nobody has entered."))
    _ = try await report(["--json"], answer)
    #expect(printed.lines.last?.hasPrefix("{\"windows\"") == true)
  }

  @Test("Sums of money keep their currency and carry over")
  func sums() {
    let sums = MoneySum.of([
      Self.eur(1, 700_000_000), Self.eur(2, 600_000_000), .init(currencyCode: "CHF", units: 5),
      Self.eur(-1, -500_000_000),
    ])
    #expect(sums == [.init(currencyCode: "CHF", units: 5), Self.eur(2, 800_000_000)])
    #expect(MoneySum.of([Self.eur(1), Self.eur(-1, -1)]) == [Self.eur(0, -1)])
    #expect(FigureText.money(Self.eur(-1_234_567)) == "-1,234,567.00 EUR")
  }

  @Test("Every reason has words of its own")
  func reasons() {
    let words = MessageTexts.reason.names.compactMap { MessageTexts.reason.value($0) }
      .map(ReasonWords.of)
    #expect(words.count == 44)
    #expect(Set(words).count == words.count)
    #expect(words.allSatisfy { !$0.contains("_") })
  }
}
