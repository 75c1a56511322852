internal import ArgumentParser
internal import DynamicMessages
internal import Messages
internal import Stubs
internal import Transport
internal import Wire

/// `homing restores`: databases that were put back from a backup, and what waits for a word (T31).
struct RestoresCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restores",
    abstract: "List databases put back from a backup, and release what a service holds since.",
    subcommands: [RestoresListCommand.self, RestoresReleaseCommand.self])
}

/// Which service, and how it is reached.
struct RestoreOptions: ParsableArguments {
  /// By the names that the services give themselves.
  enum Service: String, CaseIterable, ExpressibleByArgument {
    case tracker = "cart-tracker"
    case scheduler
    case notifier
    case directMail = "direct-mail"
  }

  @Argument(help: "HOST:PORT of the service.") var target: String
  @Option(help: "Which service it is.") var service: Service
  @Option(help: ArgumentHelp("Time for each call.", valueName: "span"))
  var deadline = TimeSpan(.seconds(10))
  @OptionGroup var connection: ConnectionOptions

  /// - Throws: `CommandError` for the status of a call.
  func call<Result>(_ body: (RestoreCaller) async throws -> Result) async throws -> Result {
    let client = try connection.client(target, timeout: deadline.duration)
    defer { client.close() }
    do {
      return try await body(
        RestoreCaller(
          service: service, channel: client, options: CallOptions(timeout: deadline.duration)))
    } catch let error as RPCError {
      throw CommandError.call(error, target)
    }
  }
}

/// The same questions to whichever service.
struct RestoreCaller {
  let service: RestoreOptions.Service
  let channel: any Channel
  let options: CallOptions

  func list() async throws -> [CommonV1.RestoredBackup] {
    let request = CommonV1.ListRestoresRequest()
    switch service {
    case .tracker:
      return try await CartTrackerV1.CartTrackerClient(channel)
        .listRestores(request, options: options).restores
    case .scheduler:
      return try await SchedulerV1.SchedulerClient(channel)
        .listRestores(request, options: options).restores
    case .notifier:
      return try await NotifierV1.NotifierClient(channel)
        .listRestores(request, options: options).restores
    case .directMail:
      return try await DirectMailV1.DirectMailClient(channel)
        .listRestores(request, options: options).restores
    }
  }

  /// - Throws: where the service holds nothing.
  func release(
    _ request: CommonV1.ReleaseRestoreRequest
  ) async throws -> CommonV1.RestoredBackup {
    switch service {
    case .tracker:
      return try await CartTrackerV1.CartTrackerClient(channel)
        .releaseRestore(request, options: options)
    case .scheduler:
      return try await SchedulerV1.SchedulerClient(channel)
        .releaseRestore(request, options: options)
    case .notifier, .directMail:
      throw CommandError.usage("\(service.rawValue) holds nothing after a restore")
    }
  }
}

/// `homing restores list`.
struct RestoresListCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the restores that a service has found, newest first.")

  @OptionGroup var of: RestoreOptions
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await of.call { try await list($0) { Terminal.print($0) } }
  }

  func list(_ caller: RestoreCaller, _ print: (String) -> Void) async throws {
    let restores = try await caller.list()
    if output.isJSON {
      let json = try ContractJSON()
      for restore in restores { print(output.line(try json.value(restore))) }
      return
    }
    var printer = ListPrinter([
      ("FOUND", .left), ("IN DOUBT UNTIL", .left), ("HOLDS", .left), ("RELEASED BY", .left),
      ("STEPS OF THEN", .left),
    ])
    for line in printer.lines(restores.map(RestoreTexts.row)) { print(line) }
  }
}

/// `homing restores release`.
struct RestoresReleaseCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "release", abstract: "Let a service go on after its database was put back.",
    discussion: """
      cart-tracker: when the shop has reported again what happened since the backup, so that \
      purchases of then are known; nothing is sent before. scheduler: steps that were due before \
      the start that found the restore are skipped and listed with their reason, since they may \
      have been taken; with --decide-steps they are decided, which is right where the notifier's \
      and direct-mail's databases were not put back.
      """)

  @OptionGroup var of: RestoreOptions
  @Flag(help: "scheduler: decide steps that were due, in place of skipping them.")
  var decideSteps = false
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if decideSteps && of.service != .scheduler {
      throw ValidationError("--decide-steps is for --service scheduler.")
    }
  }

  func perform() async throws {
    try await of.call { try await release($0) { Terminal.print($0) } }
  }

  func release(_ caller: RestoreCaller, _ print: (String) -> Void) async throws {
    let held = try await caller.list().filter { $0.releasedAt == nil }
    guard !held.isEmpty else {
      throw CommandError.usage("\(of.service.rawValue) holds nothing after a restore")
    }
    for restore in held {
      let released = try await caller.release(
        .init(foundAt: restore.foundAt, decidesSteps: decideSteps))
      if output.isJSON {
        print(output.line(try ContractJSON().value(released)))
      } else {
        print("released: what was in doubt until \(ValueText.text(released.until))")
      }
    }
  }
}

/// Restores in words.
enum RestoreTexts {
  static func row(_ restore: CommonV1.RestoredBackup) -> [String] {
    [
      ValueText.text(restore.foundAt), ValueText.text(restore.until),
      restore.releasedAt == nil ? "yes" : "no", restore.releasedBy,
      restore.releasedAt == nil ? "" : restore.decidesSteps ? "decided" : "skipped",
    ]
  }
}
