internal import Messages

/// What the rows of a report say together.
struct ReportFigures {
  /// One stage of the way from an abandoned cart to a purchase.
  struct Stage: Hashable {
    let name: String
    let count: UInt64
  }

  /// What went out on one channel. An enrolment counts once for each message.
  struct ChannelFigures: Hashable {
    let channel: CommonV1.Channel
    var sent: UInt64 = 0
    var opened: UInt64 = 0
    var clicked: UInt64 = 0
    var purchased: UInt64 = 0
  }

  /// Rows of whole flows.
  let flows: [SchedulerV1.ReportRow]
  /// Rows of their messages, without variants.
  let steps: [SchedulerV1.ReportRow]
  let reasons: [SchedulerV1.ReasonCount]

  init(_ answer: SchedulerV1.ReportResponse) {
    flows = answer.rows.filter { $0.step.isEmpty && $0.variant.isEmpty }
    steps = answer.rows.filter { !$0.step.isEmpty && $0.variant.isEmpty }
    reasons = answer.reasons
  }

  func total(_ figure: KeyPath<SchedulerV1.ReportRow, UInt64>) -> UInt64 {
    flows.reduce(0) { $0 + $1[keyPath: figure] }
  }

  /// Of all flows, one sum for each currency, in order of their names.
  var revenue: [CommonV1.Money] { MoneySum.of(flows.flatMap(\.revenue)) }

  /// Where nothing was sent since the mode forbids it, what would have been takes its place.
  var isRehearsal: Bool { total(\.sent) == 0 && total(\.wouldSend) > 0 }

  /// From entering to buying. `delivered` comes only from providers that tell, and is left out
  /// where none did.
  var funnel: [Stage] {
    var stages = [Stage(name: "Entered", count: total(\.entered))]
    if isRehearsal {
      return stages + [Stage(name: "Would be sent", count: total(\.wouldSend))]
    }
    stages.append(Stage(name: "Sent", count: total(\.sent)))
    if total(\.delivered) > 0 { stages.append(Stage(name: "Delivered", count: total(\.delivered))) }
    return stages + [
      Stage(name: "Opened", count: total(\.opened)),
      Stage(name: "Clicked", count: total(\.clicked)),
      Stage(name: "Bought", count: total(\.purchased)),
    ]
  }

  /// In the order of the contract's channels.
  var channels: [ChannelFigures] {
    var all: [CommonV1.Channel: ChannelFigures] = [:]
    for step in steps {
      var figures = all[step.channel] ?? ChannelFigures(channel: step.channel)
      figures.sent += isRehearsal ? step.wouldSend : step.sent
      figures.opened += step.opened
      figures.clicked += step.clicked
      figures.purchased += step.purchased
      all[step.channel] = figures
    }
    return all.values.sorted { $0.channel.rawValue < $1.channel.rawValue }
  }

  /// How often each reason came, the most frequent first.
  var reasonTotals: [(reason: CommonV1.ReasonCode, count: UInt64)] {
    var totals: [CommonV1.ReasonCode: UInt64] = [:]
    for reason in reasons { totals[reason.reason, default: 0] += reason.count }
    return totals.sorted { ($1.value, $0.key.rawValue) < ($0.value, $1.key.rawValue) }
      .map { ($0.key, $0.value) }
  }
}

/// Sums of money, never across currencies.
enum MoneySum {
  static func of(_ amounts: [CommonV1.Money]) -> [CommonV1.Money] {
    var sums: [String: CommonV1.Money] = [:]
    for amount in amounts {
      var sum = sums[amount.currencyCode] ?? CommonV1.Money(currencyCode: amount.currencyCode)
      let (nanos, units) = (Int64(sum.nanos) + Int64(amount.nanos), sum.units &+ amount.units)
      var whole = units &+ nanos / 1_000_000_000
      var rest = nanos % 1_000_000_000
      // Units and billionths have the same sign.
      if whole > 0 && rest < 0 { (whole, rest) = (whole - 1, rest + 1_000_000_000) }
      if whole < 0 && rest > 0 { (whole, rest) = (whole + 1, rest - 1_000_000_000) }
      (sum.units, sum.nanos) = (whole, Int32(rest))
      sums[amount.currencyCode] = sum
    }
    return sums.values.sorted { $0.currencyCode < $1.currencyCode }
  }
}

/// Figures as a person reads them.
enum FigureText {
  /// Such as `12,345`.
  static func count(_ count: UInt64) -> String { grouped("\(count)") }

  /// A share such as `12.3 %`; empty where there is no whole.
  static func share(_ part: UInt64, of whole: UInt64) -> String {
    guard whole > 0 else { return "" }
    let thousandths = (Double(part) / Double(whole) * 1000).rounded()
    return "\(Int64(thousandths) / 10).\(Int64(thousandths) % 10) %"
  }

  /// Such as `1,234.50 EUR`.
  static func money(_ money: CommonV1.Money) -> String {
    let text = ValueText.text(money)
    let whole = text.prefix { $0 != "." }
    let sign = whole.hasPrefix("-") ? "-" : ""
    return sign + grouped(String(whole.dropFirst(sign.count))) + text.dropFirst(whole.count)
  }

  static func money(_ amounts: [CommonV1.Money]) -> String {
    amounts.map(money).joined(separator: ", ")
  }

  private static func grouped(_ digits: String) -> String {
    var result = ""
    for (index, digit) in digits.enumerated() {
      if index > 0 && (digits.count - index) % 3 == 0 { result += "," }
      result.append(digit)
    }
    return result
  }

  /// Such as `7 days`.
  static func span(_ span: Duration) -> String {
    let seconds = span.components.seconds
    for (length, one) in [(86_400, "day"), (3600, "hour"), (60, "minute")] as [(Int64, String)]
    where seconds >= length && seconds % length == 0 {
      return "\(seconds / length) \(one)\(seconds == length ? "" : "s")"
    }
    return ValueText.spanText(span)
  }
}
