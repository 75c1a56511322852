internal import ArgumentParser
internal import DynamicMessages
internal import Messages
internal import Stubs
internal import Transport
internal import Wire

/// `homing health`: for people, and as a probe.
struct HealthCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "health", abstract: "Check the health of a server or of one service.",
    discussion: """
      Without a service the server as a whole decides, and all its services are listed. With \
      --watch every change is printed until the server ends the call.

      Ends with 0 (SERVING), 1 (usage), 2 (no connection), 3 (the check failed or timed out) or \
      4 (not SERVING).
      """)

  /// What a probe ends with where another command would end with the status' number.
  static let exitFailed: Int32 = 3
  static let exitUnhealthy: Int32 = 4

  @Argument(help: "HOST:PORT.") var target: String
  @Argument(help: "package.Service; without it, the server as a whole.") var service: String?

  @Flag(help: "Print every change until the server ends the call.") var watch = false

  @Option(
    help: ArgumentHelp(
      "Time for the check (default: 1s; with --watch: none).", valueName: "span"))
  var deadline: TimeSpan?

  @OptionGroup var connection: ConnectionOptions
  @OptionGroup var output: OutputOptions

  func exitCode(of error: CommandError) -> Int32 {
    switch error.kind {
    case .usage, .file: ExitStatus.usage
    case .connection: ExitStatus.connection
    case .status: HealthCommand.exitFailed
    case .unhealthy: HealthCommand.exitUnhealthy
    }
  }

  func perform() async throws {
    let timeout = deadline?.duration ?? (watch ? nil : .seconds(1))
    let client = try connection.client(target, timeout: timeout)
    defer { client.close() }
    try await check(client, CallOptions(timeout: timeout))
  }

  /// - Throws: `ExitCode` for a status other than SERVING, which is printed like any other.
  func check(_ channel: any Channel, _ options: CallOptions) async throws {
    let check = HealthCheck(
      client: HealthV1.HealthClient(channel), service: service, options: options)
    let status: HealthV1.ServingStatus
    do {
      if watch {
        status = try await check.watch { printOne($0) }
      } else if service == nil {
        let services = try await check.list()
        printAll(services)
        status = services.first { $0.service.isEmpty }?.status ?? .unspecified
      } else {
        status = try await check.check()
        printOne(status)
      }
    } catch let error as RPCError {
      throw CommandError.call(error, target)
    }
    if status != .serving { throw ExitCode(HealthCommand.exitUnhealthy) }
  }

  private func printOne(_ status: HealthV1.ServingStatus) {
    if output.isJSON {
      output.printObject(json(service ?? "", status))
    } else {
      Terminal.print(status.description)
    }
  }

  private func printAll(_ services: [HealthV1.ServiceHealth]) {
    if output.isJSON {
      for entry in services { output.printObject(json(entry.service, entry.status)) }
      return
    }
    var table = Table([("SERVICE", .left), ("STATUS", .left)])
    for entry in services {
      table.add([
        entry.service.isEmpty ? "(the server)" : entry.service, entry.status.description,
      ])
    }
    table.print()
  }

  private func json(_ service: String, _ status: HealthV1.ServingStatus) -> JSONValue {
    ["service": .string(service), "status": .string(status.description)]
  }
}

/// The three questions one can ask about health.
struct HealthCheck: Sendable {
  let client: HealthV1.HealthClient
  /// Nil: the server as a whole.
  let service: String?
  let options: CallOptions

  func check() async throws -> HealthV1.ServingStatus {
    try await client.check(.init(service: service ?? ""), options: options).status
  }

  /// Every service, the server as a whole first.
  func list() async throws -> [HealthV1.ServiceHealth] {
    try await client.list(.init(), options: options).services
  }

  /// Reports every change until the call ends; gives the last status.
  func watch(
    _ report: (HealthV1.ServingStatus) -> Void
  ) async throws -> HealthV1.ServingStatus {
    let call = try await client.watch(.init(service: service ?? ""), options: options)
    var last = HealthV1.ServingStatus.unspecified
    while let answer = try await call.next() {
      last = answer.status
      report(last)
    }
    return last
  }
}
