internal import ArgumentParser
internal import Messages
internal import Stubs
internal import Wire

/// `homing letters budget`: what a store may spend on printing and postage, and what it has (D08).
struct LettersBudgetCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "budget", abstract: "Show a store's budgets, or set the limits of one.",
    discussion: """
      With --currency the limits in it are set: a limit that is not named stays as it is, none \
      takes it away. Without a budget in the currency of a letter's cost no letter is ordered. A \
      limit below what is spent stops new letters only.
      """)

  @OptionGroup var at: LetterStore
  @Option(help: ArgumentHelp("Set the limits in this currency, such as EUR.", valueName: "code"))
  var currency: String?
  @Option(help: ArgumentHelp("For each day of the store's zone.", valueName: "amount|none"))
  var daily: String?
  @Option(help: ArgumentHelp("In all.", valueName: "amount|none"))
  var total: String?
  @Option(
    help: ArgumentHelp(
      "A batch that costs more waits for somebody else's approval.", valueName: "amount|none"))
  var approvalOver: String?
  @Option(help: "Idempotency key, to repeat a call safely.") var idempotencyKey: String?
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if currency == nil && (daily != nil || total != nil || approvalOver != nil) {
      throw ValidationError("--daily, --total and --approval-over need --currency.")
    }
  }

  func perform() async throws {
    try await at.call { try await budget($0) { Terminal.print($0) } }
  }

  func budget(_ caller: LetterCaller, _ print: (String) -> Void) async throws {
    let known = try await caller.client.listBudgets(
      .init(store: at.store), options: caller.options
    ).budgets
    guard let currency else { return try show(known, print) }
    let present = known.first { $0.spent?.currencyCode == currency }
    let budget = try await caller.client.setBudget(
      .init(
        store: at.store, idempotencyKey: IdempotencyKey.make(idempotencyKey),
        currencyCode: currency, daily: try limit(daily, "--daily", currency, present?.daily),
        total: try limit(total, "--total", currency, present?.total),
        approvalOver: try limit(
          approvalOver, "--approval-over", currency, present?.approvalOver)),
      options: caller.options)
    try show([budget], print)
  }

  private func limit(
    _ text: String?, _ option: String, _ currency: String, _ present: CommonV1.Money?
  ) throws(CommandError) -> CommonV1.Money? {
    guard let text else { return present }
    if text == "none" { return nil }
    guard let number = DecimalText(text.utf8), number.units >= 0, number.nanos >= 0 else {
      throw .usage("\(option) must be an amount such as 250.00, or none")
    }
    return .init(currencyCode: currency, units: number.units, nanos: number.nanos)
  }

  private func show(_ budgets: [DirectMailV1.Budget], _ print: (String) -> Void) throws {
    if output.isJSON {
      let json = try ContractJSON()
      for budget in budgets { print(output.line(try json.value(budget))) }
      return
    }
    var table = Table([
      ("CURRENCY", .left), ("DAILY LIMIT", .right), ("SPENT TODAY", .right),
      ("LIMIT IN ALL", .right), ("SPENT IN ALL", .right), ("APPROVAL OVER", .right),
    ])
    for budget in budgets {
      table.add([
        budget.spent?.currencyCode ?? "", LettersBudgetCommand.text(budget.daily),
        ValueText.text(budget.spentToday), LettersBudgetCommand.text(budget.total),
        ValueText.text(budget.spent), LettersBudgetCommand.text(budget.approvalOver),
      ])
    }
    for line in table.lines(style: Terminal.heading) { print(line) }
  }

  private static func text(_ limit: CommonV1.Money?) -> String {
    limit.map { ValueText.text($0) } ?? "none"
  }
}
