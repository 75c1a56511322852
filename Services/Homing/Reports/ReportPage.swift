internal import Messages

/// A report as one HTML page that needs nothing else: no script, no font, no request.
struct ReportPage {
  private let answer: SchedulerV1.ReportResponse
  private let heading: ReportHeading
  private let figures: ReportFigures

  init(_ answer: SchedulerV1.ReportResponse, _ heading: ReportHeading) {
    self.answer = answer
    self.heading = heading
    figures = ReportFigures(answer)
  }

  var html: String { ReportPage.html([self]) }

  /// One page for several reports, each in a part of its own.
  ///
  /// - Parameter pages: one at least.
  static func html(_ pages: [ReportPage]) -> String {
    let names = pages.map(\.heading).map { $0.flow.isEmpty ? $0.store : $0.flow }
    let title = "Recovery report: " + names.joined(separator: ", ")
    return """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta http-equiv="Content-Security-Policy" \
      content="default-src 'none'; style-src 'unsafe-inline'">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <title>\(Markup.escaped(title))</title>
      <style>\(ReportStyle.css)</style>
      </head>
      <body>
      <main>
      \(pages.map(\.part).joined(separator: "\n"))
      \(pages[0].notes)
      </main>
      </body>
      </html>

      """
  }

  private var part: String {
    let empty = "<p class=\"notice\">Nobody has entered.</p>"
    return head + "\n" + (answer.rows.isEmpty ? empty : sections)
  }

  private var head: String {
    let flow = heading.flow.isEmpty ? "all flows" : "flow \(heading.flow)"
    let asOf = Markup.escaped(ReportPage.minute(heading.asOf))
    let rehearsal = """
      <p class="notice">A rehearsal: the mode lets nothing out. What would have been sent is shown \
      in its place.</p>

      """
    return """
      <header>
      <h1>Recovery report</h1>
      <p>Store <strong>\(Markup.escaped(heading.store))</strong> · \(Markup.escaped(flow)) · \
      \(Markup.escaped(heading.period)) · as of \(asOf)</p>
      \(figures.isRehearsal ? rehearsal : "")</header>
      """
  }

  /// `2026-05-28T20:26:40Z` as `2026-05-28 20:26 UTC`.
  private static func minute(_ time: String) -> String {
    time.utf8.count < 16 ? time : time.prefix(16).replacing("T", with: " ") + " UTC"
  }

  private var sections: String {
    var parts = [tiles, section("From entering to buying", ReportCharts.funnel(figures.funnel))]
    if !figures.isRehearsal { parts.append(outcome) }
    if !figures.steps.isEmpty { parts.append(section("Message by message", messages)) }
    if !figures.isRehearsal && !figures.channels.isEmpty {
      parts.append(section("Channel by channel", ReportCharts.channels(figures.channels)))
    }
    if figures.flows.count > 1 { parts.append(section("Flow by flow", flows)) }
    let reasons = figures.reasonTotals
    if !reasons.isEmpty {
      parts.append(section("Why something was not sent, or ended", ReportCharts.reasons(reasons)))
    }
    return parts.joined(separator: "\n")
  }

  private func section(_ title: String, _ content: String) -> String {
    "<section>\n<h2>\(Markup.escaped(title))</h2>\n\(content)\n</section>"
  }

  // MARK: - Figures at a glance

  private var tiles: String {
    let entered = figures.total(\.entered)
    let sent = figures.total(\.sent)
    var tiles = [("Entered", FigureText.count(entered), "enrolments")]
    if figures.isRehearsal {
      let would = figures.total(\.wouldSend)
      tiles.append(
        (
          "Would be sent", FigureText.count(would),
          FigureText.share(would, of: entered) + " of those who entered"
        ))
    } else {
      tiles += [
        (
          "Sent to", FigureText.count(sent),
          FigureText.share(sent, of: entered) + " of those who entered"
        ),
        share("Opened", figures.total(\.opened), sent),
        share("Clicked", figures.total(\.clicked), sent),
        (
          "Bought", FigureText.count(figures.total(\.purchased)),
          "\(FigureText.count(figures.total(\.purchasedByClick))) of them after a click"
        ),
      ]
      let revenue = figures.revenue
      if !revenue.isEmpty {
        tiles.append(
          (
            "Revenue", revenue.map(FigureText.money).joined(separator: "\n"),
            "net of tax, shipping and reversals"
          ))
      }
    }
    let items = tiles.map { name, value, note in
      let lines = value.split(separator: "\n").map { Markup.escaped(String($0)) }
      let kind = name == "Revenue" ? " class=\"money\"" : ""
      return
        "<div\(kind)><dt>\(Markup.escaped(name))</dt><dd><b>\(lines.joined(separator: "<br>"))</b> "
        + "<span>\(Markup.escaped(note))</span></dd></div>"
    }
    return "<dl class=\"tiles\">\n\(items.joined(separator: "\n"))\n</dl>"
  }

  private func share(_ name: String, _ part: UInt64, _ whole: UInt64) -> (String, String, String) {
    let share = FigureText.share(part, of: whole)
    return (name, share.isEmpty ? "0" : share, "\(FigureText.count(part)) people")
  }

  /// What else became of what was sent.
  private var outcome: String {
    let facts: [(String, UInt64)] = [
      ("without a known outcome", figures.total(\.unknown)),
      ("bounced", figures.total(\.bounced)), ("opted out", figures.total(\.optedOut)),
      ("opened by machines", figures.total(\.machineOpened)),
      ("clicked by machines", figures.total(\.machineClicked)),
    ].filter { $0.1 > 0 }
    if facts.isEmpty { return "" }
    let items = facts.map { "<li><b>\(FigureText.count($0.1))</b> \(Markup.escaped($0.0))</li>" }
    return "<ul class=\"beside\">\n\(items.joined(separator: "\n"))\n</ul>"
  }

  // MARK: - Tables

  private var messages: String {
    let rows = answer.rows.filter { !$0.step.isEmpty }
    let hasFlows = Set(rows.map(\.flow)).count > 1
    let lines = rows.map { row -> String in
      let isVariant = !row.variant.isEmpty
      let name = isVariant ? "variant \(row.variant)" : row.step
      let flow = hasFlows && !isVariant ? " <small>\(Markup.escaped(row.flow))</small>" : ""
      let what = [MessageTexts.channel.name(row.channel), row.template].filter { !$0.isEmpty }
      let head =
        "<th scope=\"row\">\(Markup.escaped(name))\(flow)"
        + (isVariant ? "" : "<small>\(Markup.escaped(what.joined(separator: " · ")))</small>")
      return "<tr\(isVariant ? " class=\"variant\"" : "")>\(head)</th>\(cells(row))</tr>"
    }
    return table("Messages", "Message", lines)
  }

  private var flows: String {
    table(
      "Flows", "Flow",
      figures.flows.map { row in
        "<tr><th scope=\"row\">\(Markup.escaped(row.flow))</th>\(cells(row))</tr>"
      })
  }

  private func cells(_ row: SchedulerV1.ReportRow) -> String {
    let sent = figures.isRehearsal ? row.wouldSend : row.sent
    func part(_ count: UInt64) -> String {
      let share = count == 0 ? "" : FigureText.share(count, of: sent)
      return FigureText.count(count) + (share.isEmpty ? "" : "<small>\(share)</small>")
    }
    let texts =
      [FigureText.count(sent)]
      + (figures.isRehearsal
        ? []
        : [
          part(row.opened), part(row.clicked), part(row.purchased),
          FigureText.count(row.purchasedByClick), Markup.escaped(FigureText.money(row.revenue)),
        ])
    return texts.map { "<td>\($0)</td>" }.joined()
  }

  private func table(_ label: String, _ first: String, _ rows: [String]) -> String {
    let headings =
      figures.isRehearsal
      ? ["Would be sent"] : ["Sent", "Opened", "Clicked", "Bought", "After a click", "Revenue"]
    let heads = headings.map { "<th scope=\"col\">\($0)</th>" }.joined()
    return """
      <div class="scroll" role="region" tabindex="0" aria-label="\(label)">
      <table>
      <thead><tr><th scope="col">\(first)</th>\(heads)</tr></thead>
      <tbody>
      \(rows.joined(separator: "\n"))
      </tbody>
      </table>
      </div>
      """
  }

  private var notes: String {
    """
    <footer>
    <h2>How to read this</h2>
    <p>Counts are enrolments: one person on the way through one flow, at most once a row. \
    <b>Opened</b> and <b>clicked</b> are people's; what machines opened or followed is told apart. \
    <b>Bought</b> is after a message, <b>after a click</b> is through our link; neither says that \
    the message was the cause. \(Markup.escaped(ReportTable.note(answer)))</p>
    </footer>
    """
  }
}

/// Text within HTML.
enum Markup {
  /// Text that says nothing in HTML, within an element or a quoted attribute.
  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\0": result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
