internal import Messages

/// A report as tables for a terminal: columns that say nothing are left out.
struct ReportTable {
  let lines: [String]

  private struct Column {
    let heading: String
    let alignment: Table.Alignment
    /// Shown where it says nothing in any row too.
    let isKept: Bool
    let text: (SchedulerV1.ReportRow) -> String
  }

  private static func count(
    _ heading: String, _ figure: KeyPath<SchedulerV1.ReportRow, UInt64>, isKept: Bool = false
  ) -> Column {
    Column(heading: heading, alignment: .right, isKept: isKept) { row in
      row[keyPath: figure] == 0 ? "" : "\(row[keyPath: figure])"
    }
  }

  private static var columns: [Column] {
    [
      Column(heading: "FLOW", alignment: .left, isKept: true) { $0.flow },
      Column(heading: "STEP", alignment: .left, isKept: true) { $0.step },
      Column(heading: "VARIANT", alignment: .left, isKept: false) { $0.variant },
      Column(heading: "CHANNEL", alignment: .left, isKept: false) {
        MessageTexts.channel.name($0.channel)
      },
      Column(heading: "TEMPLATE", alignment: .left, isKept: false) { $0.template },
      count("ENTERED", \.entered, isKept: true), count("WOULD SEND", \.wouldSend),
      count("SENT", \.sent, isKept: true), count("UNKNOWN", \.unknown),
      count("DELIVERED", \.delivered), count("BOUNCED", \.bounced),
      count("OPENED", \.opened, isKept: true), count("CLICKED", \.clicked, isKept: true),
      count("BY MACHINES", \.machineClicked), count("OPTED OUT", \.optedOut),
      count("BOUGHT", \.purchased, isKept: true), count("BY CLICK", \.purchasedByClick),
      Column(heading: "REVENUE", alignment: .right, isKept: true) { FigureText.money($0.revenue) },
    ]
  }

  init(_ answer: SchedulerV1.ReportResponse) {
    let columns = ReportTable.columns.filter { column in
      column.isKept || answer.rows.contains { !column.text($0).isEmpty }
    }
    var table = Table(columns.map { ($0.heading, $0.alignment) })
    for row in answer.rows { table.add(columns.map { $0.text(row) }) }
    var lines = table.lines(style: Terminal.heading)
    if answer.rows.isEmpty { lines.append("Nobody has entered.") }
    if !answer.reasons.isEmpty {
      var reasons = Table([("REASON", .left), ("STEP", .left), ("COUNT", .right), ("", .left)])
      for reason in answer.reasons {
        reasons.add([
          MessageTexts.reason.name(reason.reason), reason.step, "\(reason.count)",
          ReasonWords.of(reason.reason),
        ])
      }
      lines += [""] + reasons.lines(style: Terminal.heading)
    }
    self.lines = lines + ["", ReportTable.note(answer)]
  }

  /// How purchases were counted.
  static func note(_ answer: SchedulerV1.ReportResponse) -> String {
    func days(_ span: Protobuf.Duration?) -> String { span.map { FigureText.span($0.span) } ?? "?" }
    let windows = answer.windows ?? .init()
    return "A purchase counts within \(days(windows.contact)) of a message, "
      + "\(days(windows.click)) of a click, \(days(windows.letter)) of a letter. "
      + "As of \(ValueText.text(answer.asOf))."
  }
}

/// A report as CSV (RFC 4180), one line for each row and each reason.
///
/// A text that a spreadsheet would take for a formula gets a `'` in front.
struct ReportCSV {
  let text: String

  init(_ answer: SchedulerV1.ReportResponse) {
    let currencies = Set(answer.rows.flatMap(\.revenue).map(\.currencyCode)).sorted()
    var lines = [
      CSVText.line(
        [
          "row", "flow", "step", "channel", "template", "variant", "reason", "count", "entered",
          "would_send", "sent", "unknown", "delivered", "bounced", "opened", "clicked",
          "machine_opened", "machine_clicked", "opted_out", "purchased", "purchased_by_click",
        ].map { .text($0) } + currencies.map { .text("revenue_\($0)") })
    ]
    for row in answer.rows {
      let kind = row.step.isEmpty ? "flow" : row.variant.isEmpty ? "step" : "variant"
      let texts = [
        kind, row.flow, row.step, MessageTexts.channel.name(row.channel), row.template,
        row.variant, "", "",
      ]
      let counts = [
        row.entered, row.wouldSend, row.sent, row.unknown, row.delivered, row.bounced, row.opened,
        row.clicked, row.machineOpened, row.machineClicked, row.optedOut, row.purchased,
        row.purchasedByClick,
      ]
      let sums = MoneySum.of(row.revenue)
      let amounts = currencies.map { code in
        sums.first { $0.currencyCode == code }.map {
          CSVText.Cell.number(DecimalText.text(units: $0.units, nanos: $0.nanos, placesMin: 2))
        } ?? .number("0")
      }
      lines.append(
        CSVText.line(texts.map { .text($0) } + counts.map { .number("\($0)") } + amounts))
    }
    for reason in answer.reasons {
      let texts = ["reason", "", reason.step, "", "", "", MessageTexts.reason.name(reason.reason)]
      let rest = [CSVText.Cell](repeating: .text(""), count: 13 + currencies.count)
      lines.append(CSVText.line(texts.map { .text($0) } + [.number("\(reason.count)")] + rest))
    }
    text = lines.joined()
  }
}

/// Lines of CSV that no spreadsheet calculates with.
enum CSVText {
  enum Cell: Hashable {
    /// From outside.
    case text(String)
    /// Made by us: digits and points; a minus is a minus.
    case number(String)
  }

  static func line(_ cells: [Cell]) -> String {
    cells.map { cell in
      switch cell {
      case .text(let text): quoted((isFormula(text) ? "'" : "") + text)
      case .number(let text): quoted(text)
      }
    }.joined(separator: ",") + "\r\n"
  }

  private static func quoted(_ text: String) -> String {
    "\"" + text.replacing("\0", with: "").replacing("\"", with: "\"\"") + "\""
  }

  /// By the first sign behind blanks, in any width.
  static func isFormula(_ text: String) -> Bool {
    for scalar in text.unicodeScalars {
      switch scalar {
      case "=", "+", "-", "@", "\t", "\r", "\n": return true
      // Full-width and small forms, and the minus sign.
      case "\u{FF1D}", "\u{FF0B}", "\u{FF0D}", "\u{FF20}": return true
      case "\u{FE66}", "\u{FE62}", "\u{FE63}", "\u{FE6B}", "\u{2212}": return true
      default:
        let isBlank =
          scalar.value <= 0x20 || scalar.properties.isWhitespace
          || scalar.properties.generalCategory == .format
        if !isBlank { return false }
      }
    }
    return false
  }
}
