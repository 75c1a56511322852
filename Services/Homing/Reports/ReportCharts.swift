internal import Messages

/// The pictures of a report: shapes in SVG, words and numbers as text beside them, so that they
/// are read aloud, found and copied, and keep their size on a small screen.
enum ReportCharts {
  /// A band that narrows from stage to stage, with each stage's count above it.
  static func funnel(_ stages: [ReportFigures.Stage]) -> String {
    let whole = stages.first?.count ?? 0
    let columns = stages.enumerated().map { index, stage in
      let share = index == 0 ? "" : FigureText.share(stage.count, of: whole)
      return "<li><span>\(Markup.escaped(stage.name))</span> "
        + "<b>\(FigureText.count(stage.count))</b> "
        + "<small>\(share.isEmpty ? "&nbsp;" : share)</small></li>"
    }
    return """
      <figure class="funnel">
      <ol style="--stages: \(stages.count)">
      \(columns.joined(separator: "\n"))
      </ol>
      <svg viewBox="0 0 \(stages.count * 100) 100" preserveAspectRatio="none" aria-hidden="true">
      \(band(stages, whole))
      </svg>
      <figcaption>Shares are of those who entered.</figcaption>
      </figure>
      """
  }

  private static func band(_ stages: [ReportFigures.Stage], _ whole: UInt64) -> String {
    let halves = stages.map { stage -> Double in
      guard whole > 0, stage.count > 0 else { return 0 }
      // What is there is seen, however small its share.
      return max(1, 50 * min(1, Double(stage.count) / Double(whole)))
    }
    return halves.indices.map { index -> String in
      let here = halves[index]
      let next = index + 1 < halves.count ? halves[index + 1] : here
      let left = Double(index * 100)
      // Level first, then a curve towards the next stage.
      let (level, middle, right) = (left + 46, left + 73, left + 100)
      let path =
        "M\(left) \(50 - here)H\(level)C\(middle) \(50 - here) \(middle) \(50 - next) \(right) "
        + "\(50 - next)V\(50 + next)C\(middle) \(50 + next) \(middle) \(50 + here) \(level) "
        + "\(50 + here)H\(left)Z"
      let kind = stages[index].name.lowercased().prefix { $0 != " " }
      return "<path class=\"\(kind)\" d=\"\(path)\"/>"
    }.joined(separator: "\n")
  }

  /// For each channel what was sent and what came of it, all on one scale.
  static func channels(_ channels: [ReportFigures.ChannelFigures]) -> String {
    let most = channels.map { max($0.sent, $0.purchased) }.max() ?? 0
    let groups = channels.map { figures -> String in
      let bars = [
        ("Sent", figures.sent, "sent"), ("Opened", figures.opened, "opened"),
        ("Clicked", figures.clicked, "clicked"), ("Bought", figures.purchased, "bought"),
      ].filter { $0.1 > 0 || canTell(figures.channel, $0.2) }.map { name, count, kind in
        let share = kind == "sent" || count == 0 ? "" : FigureText.share(count, of: figures.sent)
        return bar(name, count, of: most, kind, note: share)
      }
      return "<h3>\(Markup.escaped(word(figures.channel)))</h3>\n<ul class=\"bars\">\n"
        + bars.joined(separator: "\n") + "\n</ul>"
    }
    return "<figure class=\"channels\">\n"
      + groups.map { "<div>\($0)</div>" }.joined(separator: "\n")
      + "\n<figcaption>An enrolment counts once for each message that it got. Shares are of what "
      + "was sent on the channel.</figcaption>\n</figure>"
  }

  /// Whether a channel can tell of it at all: nobody learns when a letter is opened.
  private static func canTell(_ channel: CommonV1.Channel, _ kind: String) -> Bool {
    switch kind {
    case "opened": [.email, .push, .chat].contains(channel)
    case "clicked": ![.letter, .postcard, .internal, .webhook].contains(channel)
    default: true
    }
  }

  /// How often each reason came.
  static func reasons(_ reasons: [(reason: CommonV1.ReasonCode, count: UInt64)]) -> String {
    let most = reasons.first?.count ?? 0
    let bars = reasons.map { reason, count in
      bar(ReasonWords.of(reason), count, of: most, "reason", code: MessageTexts.reason.name(reason))
    }
    return "<figure>\n<ul class=\"bars wide\">\n\(bars.joined(separator: "\n"))\n</ul>\n</figure>"
  }

  private static func bar(
    _ name: String, _ count: UInt64, of most: UInt64, _ kind: String, note: String = "",
    code: String = ""
  ) -> String {
    let share = most > 0 ? Double(count) / Double(most) : 0
    let width = count == 0 ? 0 : max(0.5, 100 * share)
    let small = code.isEmpty ? "" : " <small>\(Markup.escaped(code))</small>"
    return """
      <li><span>\(Markup.escaped(name))\(small)</span>\
      <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">\
      <rect class="track" width="100" height="10"/>\
      <rect class="\(kind)" width="\(rounded(width))" height="10"/></svg>\
      <b>\(FigureText.count(count))\(note.isEmpty ? "" : " <small>\(note)</small>")</b></li>
      """
  }

  private static func rounded(_ width: Double) -> String {
    let hundredths = Int((width * 100).rounded())
    let rest = hundredths % 100
    return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
  }

  private static func word(_ channel: CommonV1.Channel) -> String {
    switch channel {
    case .email: "E-mail"
    case .sms: "SMS"
    case .unspecified: "No channel"
    default:
      MessageTexts.channel.name(channel).prefix(1).uppercased()
        + MessageTexts.channel.name(channel).dropFirst()
    }
  }
}
