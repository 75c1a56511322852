internal import ArgumentParser
internal import DynamicMessages
internal import Messages
internal import Stubs

/// `homing flow approve`: lets a version go live (F21).
struct FlowApproveCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "approve", abstract: "Let a version of a flow go live.",
    discussion: """
      Whoever applied a version cannot approve it. A flow is set live once its newest version is \
      approved; a version that nobody approved is tested at the most.
      """)

  @OptionGroup var at: SchedulerStore
  @Argument(help: "The flow's name.") var name: String
  @Option(help: "The version (default: the newest).") var version: UInt32?
  @Option(help: "A remark for the audit.") var note = ""
  @Option(help: "Idempotency key, to repeat a call safely.") var idempotencyKey: String?
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await at.call { try await approve($0) { Terminal.print($0) } }
  }

  func approve(_ caller: SchedulerCaller, _ print: (String) -> Void) async throws {
    let flow = try await caller.client.approveFlow(
      .init(
        store: at.store, idempotencyKey: IdempotencyKey.make(idempotencyKey), flow: name,
        version: try await chosenVersion(caller), note: note),
      options: caller.options)
    if output.isJSON { return print(output.line(try ContractJSON().value(flow))) }
    print(
      Printable.text("\(flow.name): version \(flow.version) is approved by \(flow.approver)"))
  }

  private func chosenVersion(_ caller: SchedulerCaller) async throws -> UInt32 {
    if let version { return version }
    return try await caller.client.getFlow(
      .init(store: at.store, flow: name), options: caller.options
    ).version
  }
}
