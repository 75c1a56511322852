internal import ArgumentParser
internal import Messages
internal import ServiceKit
internal import Stubs
internal import Transport
internal import Wire

/// `homing letters approve`: lets a batch over its cost limit go to print (F21).
struct LettersApproveCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "approve", abstract: "Let a held batch go to print.",
    discussion: """
      A batch that costs more than `letters budget --approval-over` says is held at its cut-off. \
      It is decided on by an identity other than the one that set the limit, or closed the batch \
      early. Permission for each letter is asked for at the approval: what was bought, objected \
      to or expired meanwhile is left out.
      """)

  @OptionGroup var decision: BatchDecision
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await decision.at.call { try await approve($0) { Terminal.print($0) } }
  }

  func approve(_ caller: LetterCaller, _ print: (String) -> Void) async throws {
    let batch = try await caller.client.approveBatch(decision.request, options: caller.options)
    try BatchCells.print(batch, output, print)
  }
}

/// `homing letters reject`: ends a batch over its cost limit without printing it (F21).
struct LettersRejectCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "reject", abstract: "End a held batch without printing it.",
    discussion: """
      Its letters end with BUDGET, so that flows take their `if not sent`, and the budget gets \
      back what they had.
      """)

  @OptionGroup var decision: BatchDecision
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await decision.at.call { try await reject($0) { Terminal.print($0) } }
  }

  func reject(_ caller: LetterCaller, _ print: (String) -> Void) async throws {
    let batch = try await caller.client.rejectBatch(decision.request, options: caller.options)
    try BatchCells.print(batch, output, print)
  }
}

/// Which held batch, and why.
struct BatchDecision: ParsableArguments {
  @OptionGroup var at: LetterStore
  @Option(help: "The batch's id.") var batch: String
  @Option(help: "Why, for the record.") var note = ""
  @Option(help: "Idempotency key, to repeat a call safely.") var idempotencyKey: String?

  var request: DirectMailV1.DecideBatchRequest {
    .init(
      store: at.store, idempotencyKey: IdempotencyKey.make(idempotencyKey), batch: batch,
      note: note)
  }
}
