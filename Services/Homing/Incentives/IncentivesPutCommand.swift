internal import ArgumentParser
internal import DynamicMessages
internal import Messages
internal import ServiceKit
internal import Stubs
internal import Wire

/// `homing incentives put`: makes an incentive, or changes its terms.
struct IncentivesPutCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "put", abstract: "Make an incentive or change its terms.",
    discussion: """
      GIFT is such as 10%, 5 EUR, free shipping, 200 points, sample:SKU or \
      resource:https://shop.example/guide.pdf. Terms that no option names stay as they are; \
      --data replaces all of them first, in protobuf's JSON mapping \
      (homing.scheduler.v1.IncentiveTerms). What was given keeps its terms.
      """)

  @OptionGroup var at: SchedulerStore
  @Argument(help: "Its name: flows give it by this.") var name: String
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("JSON, @FILE, or - for standard input.", valueName: "json"))
  var data: String?
  @Option(help: "What is given.") var gift: String?
  @Option(
    help: ArgumentHelp(
      "none, pool, generated, or a fixed code by fixed=SAVE10.", valueName: "source"))
  var codes: String?
  @Option(help: "Given from this time on, such as 2026-11-22.") var from: String?
  @Option(help: "Neither given nor redeemed from this time on.") var until: String?
  @Option(help: ArgumentHelp("How long what is given holds (30d).", valueName: "span"))
  var validFor: SpanText?
  @Option(
    parsing: .singleValue,
    help: ArgumentHelp("Redeemed and outstanding at most; one a currency.", valueName: "amount"))
  var budget: [String] = []
  @Option(help: "How often it is given at most; 0: no limit.") var count: UInt64?
  @Option(
    parsing: .singleValue,
    help: ArgumentHelp("The cart's total at least; one a currency.", valueName: "amount"))
  var minimum: [String] = []
  @Option(
    parsing: .singleValue,
    help: ArgumentHelp("A percentage's worth at most; one a currency.", valueName: "amount"))
  var most: [String] = []
  @Option(
    parsing: .singleValue,
    help: ArgumentHelp("What one costs that is no money; one a currency.", valueName: "amount"))
  var cost: [String] = []
  @Option(
    help: ArgumentHelp("A person and a company get one in this time (90d).", valueName: "span"))
  var limit: SpanText?
  @Option(help: "The shop that gives points and samples, as HOMING_REWARDS names it.")
  var rewards: String?
  @Option(help: ArgumentHelp("Whether no more is given.", valueName: "on|off"))
  var closed: String?
  @Option(help: "Idempotency key, to repeat a call safely.") var idempotencyKey: String?
  @OptionGroup var output: OutputOptions

  func perform() async throws { try await at.call { try await put($0) { Terminal.print($0) } } }

  func put(_ caller: SchedulerCaller, _ print: (String) -> Void) async throws {
    var terms = try await present(caller) ?? .init()
    if let data { terms = try await ContractJSON().message(data) }
    terms.name = name
    try apply(to: &terms)
    let answer = try await caller.incentives.putIncentive(
      .init(
        store: at.store, idempotencyKey: IdempotencyKey.make(idempotencyKey), terms: terms),
      options: caller.options)
    try IncentiveCells.print([answer], output, print)
  }

  private func present(_ caller: SchedulerCaller) async throws -> SchedulerV1.IncentiveTerms? {
    do {
      return try await caller.incentives.getIncentive(
        .init(store: at.store, name: name), options: caller.options
      ).terms
    } catch let error as RPCError where error.code == .notFound {
      return nil
    }
  }

  private func apply(to terms: inout SchedulerV1.IncentiveTerms) throws(CommandError) {
    let code = terms.gift?.code ?? ""
    if let gift {
      guard let read = GiftText.gift(gift) else {
        throw .usage(
          "--gift must be such as 10%, 5 EUR, free shipping, 200 points, sample:SKU or "
            + "resource:https://…, is \"\(Printable.text(gift))\"")
      }
      terms.gift = read
      terms.gift?.code = code
    }
    if let codes { try GiftText.set(codes, in: &terms) }
    if from != nil { terms.validFrom = try TimeOption.time(from, "--from") }
    if until != nil { terms.validUntil = try TimeOption.time(until, "--until") }
    if let validFor { terms.codeValidFor = Protobuf.Duration(validFor.duration) }
    if let limit { terms.limitPeriod = Protobuf.Duration(limit.duration) }
    if let count { terms.countMax = count }
    if !budget.isEmpty { terms.budgets = try GiftText.money(budget, "--budget") }
    if !minimum.isEmpty { terms.minimums = try GiftText.money(minimum, "--minimum") }
    if !most.isEmpty { terms.valueMax = try GiftText.money(most, "--most") }
    if !cost.isEmpty { terms.costs = try GiftText.money(cost, "--cost") }
    if let rewards { terms.rewards = rewards }
    switch closed {
    case nil: break
    case "on": terms.closed = true
    case "off": terms.closed = false
    default: throw .usage("--closed must be on or off")
    }
  }
}

/// Gifts and amounts as people write them.
enum GiftText {
  /// Nil where it is none.
  static func gift(_ text: String) -> CommonV1.Incentive? {
    if text == "free shipping" { return .init(kind: .freeShipping) }
    if text.hasSuffix("%") {
      let number = text.dropLast().filter { $0 != " " }
      guard let percent = DecimalText(number.utf8), (0...100).contains(percent.units),
        percent.nanos >= 0, percent.nanos % 10_000_000 == 0
      else { return nil }
      let points = UInt32(percent.units) * 100 + UInt32(percent.nanos / 10_000_000)
      return .init(kind: .percentage, basisPoints: points)
    }
    let sides = text.split(separator: ":", maxSplits: 1).map(String.init)
    if sides.count == 2 && sides[0] == "sample" { return .init(kind: .sample, item: sides[1]) }
    if sides.count == 2 && sides[0] == "resource" {
      return .init(kind: .resource, item: sides[1])
    }
    let words = text.split(separator: " ")
    if words.count == 2, words[1] == "points", let points = UInt32(words[0]) {
      return .init(kind: .loyaltyPoints, points: points)
    }
    return money(text).map { .init(kind: .amount, amount: $0) }
  }

  static func set(
    _ text: String, in terms: inout SchedulerV1.IncentiveTerms
  ) throws(CommandError) {
    if terms.gift == nil { throw .usage("--codes needs --gift for a new incentive") }
    terms.gift?.code = ""
    switch text {
    case "none": terms.codes = .none
    case "pool": terms.codes = .pool
    case "generated": terms.codes = .generated
    default:
      guard text.hasPrefix("fixed="), text.count > 6 else {
        throw .usage("--codes must be none, pool, generated or fixed=CODE")
      }
      terms.codes = .fixed
      terms.gift?.code = String(text.dropFirst(6))
    }
  }

  static func money(
    _ texts: [String], _ option: String
  ) throws(CommandError) -> [CommonV1.Money] {
    if texts == ["none"] { return [] }
    var list: [CommonV1.Money] = []
    for text in texts {
      guard let money = money(text) else {
        throw .usage("\(option) must be such as \"250.00 EUR\", or none alone")
      }
      list.append(money)
    }
    return list
  }

  /// Such as `250.00 EUR`.
  private static func money(_ text: String) -> CommonV1.Money? {
    let words = text.split(separator: " ")
    guard words.count == 2, words[1].utf8.count == 3, let number = DecimalText(words[0].utf8)
    else { return nil }
    return .init(currencyCode: String(words[1]), units: number.units, nanos: number.nanos)
  }
}
