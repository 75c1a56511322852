internal import ArgumentParser
internal import DynamicMessages
internal import Messages
internal import Stubs
internal import Transport
internal import Wire

/// `homing incentives`: what a store gives on top, to whom, and what it costs (M11, M12).
struct IncentivesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "incentives", abstract: "Set up incentives, upload codes, redeem and take back.",
    subcommands: [
      IncentivesPutCommand.self, IncentivesListCommand.self, IncentivesShowCommand.self,
      IncentivesUploadCommand.self, IncentivesGivenCommand.self, IncentivesRedeemCommand.self,
      IncentivesReverseCommand.self, IncentivesVoidCommand.self,
    ])
}

/// `homing incentives list`: every incentive of a store.
struct IncentivesListCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List a store's incentives with what they have come to.")

  @OptionGroup var at: SchedulerStore
  @OptionGroup var output: OutputOptions

  func perform() async throws { try await at.call { try await list($0) { Terminal.print($0) } } }

  func list(_ caller: SchedulerCaller, _ print: (String) -> Void) async throws {
    let all = try await caller.incentives.listIncentives(
      .init(store: at.store), options: caller.options)
    try IncentiveCells.print(all.incentives, output, print)
  }
}

/// `homing incentives show`: one incentive.
struct IncentivesShowCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show one incentive: reserved, given, redeemed, left.")

  @OptionGroup var at: SchedulerStore
  @Argument(help: "Its name.") var name: String
  @OptionGroup var output: OutputOptions

  func perform() async throws { try await at.call { try await show($0) { Terminal.print($0) } } }

  func show(_ caller: SchedulerCaller, _ print: (String) -> Void) async throws {
    let one = try await caller.incentives.getIncentive(
      .init(store: at.store, name: name), options: caller.options)
    try IncentiveCells.print([one], output, print)
  }
}

/// `homing incentives given`: what a contact was given.
struct IncentivesGivenCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "given", abstract: "Show what a contact was given, newest first.")

  @OptionGroup var at: SchedulerStore
  @Option(help: "The contact's id.") var contact: String
  @OptionGroup var output: OutputOptions

  func perform() async throws { try await at.call { try await given($0) { Terminal.print($0) } } }

  func given(_ caller: SchedulerCaller, _ print: (String) -> Void) async throws {
    let answer = try await caller.incentives.listGiven(
      .init(store: at.store, contact: contact), options: caller.options)
    try IncentiveCells.print(answer.given, output, print)
  }
}
