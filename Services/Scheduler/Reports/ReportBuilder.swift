internal import Messages

/// Counts enrolments, each at most once a row (R04, R05). Pure.
struct ReportBuilder {
  /// A purchase of somebody who was enrolled. Microseconds.
  struct Bought: Sendable {
    let at: Int64
    let row: PurchaseRow
  }

  private struct Key: Hashable {
    let flow: String
    var step = ""
    var channel = CommonV1.Channel.unspecified
    var template = ""
    var variant = ""
  }

  private struct ReasonKey: Hashable {
    let reason: Int32
    let step: String
  }

  private struct Counts {
    var row: SchedulerV1.ReportRow
    var revenue: [String: CommonV1.Money] = [:]
    /// Where it stands in its flow.
    let order: Int
  }

  let windows: ReportWindows
  private var rows: [Key: Counts] = [:]
  private var reasons: [ReasonKey: UInt64] = [:]

  init(_ windows: ReportWindows) { self.windows = windows }

  /// - Parameters:
  ///   - purchases: of the person, oldest first.
  ///   - version: the flow's versions by number.
  mutating func add(
    _ enrolment: Enrolment, _ purchases: [Bought], stopsCartOnly: Bool,
    version: (UInt32) throws -> FlowVersion?
  ) rethrows {
    if enrolment.phase == .refused { return count(enrolment.reason, step: "") }
    if enrolment.phase == .entering { return }
    if enrolment.phase == .ended { count(enrolment.reason, step: "") }
    let bought = purchases.filter { purchase in
      !stopsCartOnly || enrolment.cart.isEmpty || purchase.row.carts.contains(enrolment.cart)
    }
    var whole = Sight()
    for visit in enrolment.visits {
      guard visit.channel != .unspecified, let flow = try version(visit.version) else { continue }
      let name = flow.name(of: visit.step)
      if let reason = ReportBuilder.skipped(visit) { count(reason, step: name) }
      guard case .send(let send) = flow.definition.steps[visit.step].action else { continue }
      let sight = Sight(visit, bought, windows)
      let key = Key(
        flow: enrolment.flow, step: name, channel: visit.channel, template: send.template,
        variant: ReportBuilder.variant(of: visit, enrolment, flow))
      add(sight, to: key, order: visit.step + 1)
      whole.join(sight)
    }
    add(whole, to: Key(flow: enrolment.flow), order: 0)
  }

  private static func skipped(_ visit: Visit) -> CommonV1.ReasonCode? {
    if visit.verdict == .skipped { return visit.reason }
    guard let order = visit.order else { return nil }
    return [.skipped, .withdrawn, .failed].contains(order.end) ? order.reason : nil
  }

  /// The last branch given by a split before the step.
  private static func variant(
    of visit: Visit, _ enrolment: Enrolment, _ flow: FlowVersion
  ) -> String {
    if enrolment.variants.isEmpty { return "" }
    let before = enrolment.visits.prefix { $0 != visit }.map { flow.name(of: $0.step) }
    return enrolment.variants.last { before.contains($0.step) }?.branch ?? ""
  }

  private mutating func count(_ reason: CommonV1.ReasonCode, step: String) {
    reasons[ReasonKey(reason: reason.rawValue, step: step), default: 0] += 1
  }

  private mutating func add(_ sight: Sight, to key: Key, order: Int) {
    var counts =
      rows[key]
      ?? Counts(
        row: SchedulerV1.ReportRow(
          flow: key.flow, step: key.step, channel: key.channel, template: key.template,
          variant: key.variant), order: order)
    ReportBuilder.count(sight.flags, &counts.row)
    for purchase in sight.purchases.values {
      guard let money = purchase else { continue }
      let known = counts.revenue[money.currencyCode]
      counts.revenue[money.currencyCode] = known.map { Amounts.sum($0, money) } ?? money
    }
    rows[key] = counts
  }

  private static func count(_ flags: Sight.Flags, _ row: inout SchedulerV1.ReportRow) {
    func one(_ flag: Sight.Flags) -> UInt64 { flags.contains(flag) ? 1 : 0 }
    row.entered += 1
    row.wouldSend += one(.wouldSend)
    row.sent += one(.sent)
    row.unknown += one(.unknown)
    row.delivered += one(.delivered)
    row.bounced += one(.bounced)
    row.opened += one(.opened)
    row.clicked += one(.clicked)
    row.machineOpened += one(.machineOpened)
    row.machineClicked += one(.machineClicked)
    row.optedOut += one(.optedOut)
    row.purchased += one(.purchased)
    row.purchasedByClick += one(.purchasedByClick)
  }

  /// Rows by flow, the whole flow first, then its steps in their order.
  func response(asOf now: Int64) -> SchedulerV1.ReportResponse {
    let sorted = rows.sorted { left, right in
      let (a, b) = (left.key, right.key)
      return (a.flow, left.value.order, a.step, a.template, a.variant)
        < (b.flow, right.value.order, b.step, b.template, b.variant)
    }
    return SchedulerV1.ReportResponse(
      windows: windows.message, asOf: Micros.timestamp(now),
      rows: sorted.map { _, counts in
        var row = counts.row
        row.revenue = counts.revenue.sorted { $0.key < $1.key }.map(\.value)
        return row
      },
      reasons: reasons.sorted {
        ($0.key.step, $0.key.reason) < ($1.key.step, $1.key.reason)
      }.map {
        SchedulerV1.ReasonCount(
          reason: .init(rawValue: $0.key.reason), step: $0.key.step, count: $0.value)
      })
  }
}

/// What one enrolment has come to, for one step or for the whole flow.
private struct Sight {
  struct Flags: OptionSet {
    let rawValue: Int

    static let wouldSend = Flags(rawValue: 1)
    static let sent = Flags(rawValue: 1 << 1)
    static let unknown = Flags(rawValue: 1 << 2)
    static let delivered = Flags(rawValue: 1 << 3)
    static let bounced = Flags(rawValue: 1 << 4)
    static let opened = Flags(rawValue: 1 << 5)
    static let clicked = Flags(rawValue: 1 << 6)
    static let machineOpened = Flags(rawValue: 1 << 7)
    static let machineClicked = Flags(rawValue: 1 << 8)
    static let optedOut = Flags(rawValue: 1 << 9)
    static let purchased = Flags(rawValue: 1 << 10)
    static let purchasedByClick = Flags(rawValue: 1 << 11)
  }

  var flags: Flags = []
  /// What each order earned, less its reversals; nil where that is not known.
  var purchases: [String: CommonV1.Money?] = [:]

  init() {}

  init(_ visit: Visit, _ bought: [ReportBuilder.Bought], _ windows: ReportWindows) {
    if visit.verdict == .wouldSend { flags.insert(.wouldSend) }
    guard let order = visit.order else { return }
    let kinds: [(CommonV1.OutcomeKind, Flags)] = [
      (.delivered, .delivered), (.bounced, .bounced), (.opened, .opened), (.clicked, .clicked),
      (.optedOut, .optedOut),
    ]
    for (kind, flag) in kinds where order.first(kind) != nil { flags.insert(flag) }
    if order.end == .handedOver { flags.insert(.sent) }
    if order.end == .unknown { flags.insert(.unknown) }
    if order.machineOpened { flags.insert(.machineOpened) }
    if order.machineClicked { flags.insert(.machineClicked) }
    guard let sent = order.first(.handedOver) ?? order.first(.unknown) else { return }
    let window = sent...Micros.sum(sent, windows.contact(visit.channel))
    for purchase in bought where !purchase.row.isReversal && window.contains(purchase.at) {
      let kept = Sight.kept(of: purchase, bought)
      guard kept.isKept else { continue }
      flags.insert(.purchased)
      purchases[purchase.row.order.isEmpty ? "\(purchase.at)" : purchase.row.order] = kept.money
      if let click = order.first(.clicked), purchase.at >= click,
        purchase.at <= Micros.sum(click, windows.click)
      {
        flags.insert(.purchasedByClick)
      }
    }
  }

  /// What reversals left of a purchase; one that was taken back whole was none.
  private static func kept(
    of purchase: ReportBuilder.Bought, _ all: [ReportBuilder.Bought]
  ) -> (isKept: Bool, money: CommonV1.Money?) {
    guard let revenue = purchase.row.revenue else { return (true, nil) }
    let reversals = all.filter {
      $0.row.isReversal && $0.row.order == purchase.row.order && !$0.row.order.isEmpty
        && $0.row.revenue?.currencyCode == revenue.currencyCode
    }
    let left = reversals.compactMap(\.row.revenue).reduce(revenue) { Amounts.sum($0, $1) }
    let isGone = !reversals.isEmpty && left.units <= 0 && left.nanos <= 0
    return (!isGone, left)
  }

  mutating func join(_ other: Sight) {
    flags.formUnion(other.flags)
    purchases.merge(other.purchases) { first, _ in first }
  }
}

/// Sums of money of one currency (C30).
enum Amounts {
  private static let billion: Int64 = 1_000_000_000

  static func sum(_ left: CommonV1.Money, _ right: CommonV1.Money) -> CommonV1.Money {
    let nanos = Int64(left.nanos) + Int64(right.nanos)
    var units = Micros.sum(Micros.sum(left.units, right.units), nanos / billion)
    var rest = nanos % billion
    if units > 0 && rest < 0 { (units, rest) = (units - 1, rest + billion) }
    if units < 0 && rest > 0 { (units, rest) = (units + 1, rest - billion) }
    return CommonV1.Money(currencyCode: left.currencyCode, units: units, nanos: Int32(rest))
  }
}
