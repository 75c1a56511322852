internal import DynamicMessages
internal import Messages

/// Incentives as tables for people, or an object a line.
enum IncentiveCells {
  static func print(
    _ incentives: [SchedulerV1.Incentive], _ output: OutputOptions, _ print: (String) -> Void
  ) throws {
    if output.isJSON {
      let json = try ContractJSON()
      for incentive in incentives { print(output.line(try json.value(incentive))) }
      return
    }
    var printer = ListPrinter([
      ("INCENTIVE", .left), ("GIFT", .left), ("CODES", .left), ("RESERVED", .right),
      ("GIVEN", .right), ("REDEEMED", .right), ("POOL", .right), ("BUDGET", .left),
    ])
    for line in printer.lines(incentives.map(row)) { print(line) }
  }

  private static func row(_ incentive: SchedulerV1.Incentive) -> [String] {
    let terms = incentive.terms ?? .init()
    let name = terms.closed ? "\(terms.name) (closed)" : terms.name
    return [
      name, gift(terms.gift), codes(terms), "\(incentive.reserved)", "\(incentive.outstanding)",
      "\(incentive.redeemed)", terms.codes == .pool ? "\(incentive.poolLeft)" : "",
      incentive.worth.map(worth).joined(separator: "; "),
    ]
  }

  /// Such as `20.00 EUR of 100.00 EUR spent, 30.00 EUR reserved`.
  private static func worth(_ worth: SchedulerV1.Incentive.Worth) -> String {
    let limit = worth.limit.map { " of \(ValueText.text($0))" } ?? ""
    let reserved = ValueText.text(worth.reserved)
    return "\(ValueText.text(worth.spent))\(limit) spent, \(reserved) reserved"
  }

  static func gift(_ gift: CommonV1.Incentive?) -> String {
    guard let gift else { return "" }
    switch gift.kind {
    case .percentage:
      let (whole, rest) = gift.basisPoints.quotientAndRemainder(dividingBy: 100)
      let text = DecimalText.text(units: Int64(whole), nanos: Int32(rest) * 10_000_000)
      return "\(text) %"
    case .amount: return ValueText.text(gift.amount)
    case .freeShipping: return "free shipping"
    case .loyaltyPoints: return "\(gift.points) points"
    case .sample: return "sample \(gift.item)"
    default: return "resource \(gift.item)"
    }
  }

  private static func codes(_ terms: SchedulerV1.IncentiveTerms) -> String {
    switch terms.codes {
    case .fixed: terms.gift?.code ?? ""
    case .pool: "pool"
    case .generated: "generated"
    default: "none"
    }
  }

  static func words(_ refusal: SchedulerV1.RedeemResponse.Refusal) -> String {
    switch refusal {
    case .unknown: "the code is not known"
    case .expired: "the code has expired"
    case .wrongPersonOrCart: "the code is somebody else's, or of another cart"
    case .redeemed: "the code was redeemed by another order"
    case .void: "the code is void"
    case .budget: "the budget has no room for it"
    case .minimum: "the order is below the minimum, or in another currency"
    default: "\(refusal)"
    }
  }

  // MARK: - What somebody was given

  static func print(
    _ given: [SchedulerV1.GivenIncentive], _ output: OutputOptions, _ print: (String) -> Void
  ) throws {
    if output.isJSON {
      let json = try ContractJSON()
      for one in given { print(output.line(try json.value(one))) }
      return
    }
    var printer = ListPrinter([
      ("GIVEN", .left), ("INCENTIVE", .left), ("CODE", .left), ("STATE", .left),
      ("EXPIRES", .left), ("CARTS", .left), ("ORDER", .left), ("WORTH", .right),
    ])
    let rows = given.map { one in
      let state = "\(one.state)".replacing("STATE_", with: "").lowercased()
      return [
        ValueText.text(one.givenAt), one.incentive, one.code,
        one.dryRun ? "\(state) (dry run)" : state, ValueText.text(one.expiresAt),
        one.carts.joined(separator: ", "), one.order,
        ValueText.text(one.value ?? one.liability),
      ]
    }
    for line in printer.lines(rows) { print(line) }
  }
}
