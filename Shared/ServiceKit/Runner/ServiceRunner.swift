internal import Glibc
internal import Logging
internal import Transport

/// Runs a service as a process: what every service's Main calls, and all that it does beside
/// naming its parts.
package enum ServiceRunner {
  /// Reads the configuration, starts logs, clock, loops and the server, composes the service,
  /// serves until SIGTERM or SIGINT, ends in order.
  ///
  /// Prints `listening on HOST:PORT` when it takes connections; health is NOT_SERVING, and calls
  /// are turned away with UNAVAILABLE, until all parts have started. SIGHUP looks at the
  /// certificates again; a second signal to end ends at once. Exit codes are `ServiceExit`'s.
  ///
  /// - Parameters:
  ///   - name: of the program.
  ///   - purpose: one line for `--help`, which lists all keys.
  ///   - hasData: whether `HOMING_DATA` is needed.
  ///   - arguments: after the program's name; none but `--help` is known.
  ///   - settings: reads the service's own keys.
  ///   - compose: makes the parts; what takes time is done when they start.
  package static func run<Configuration: Sendable>(
    name: String, purpose: String, hasData: Bool = true,
    arguments: [String] = Array(CommandLine.arguments.dropFirst()),
    settings read: @Sendable (inout Settings) -> Configuration,
    compose: @Sendable (ServiceContext, Configuration) async throws -> ServiceParts
  ) async -> Never {
    // A reader of our output that has gone away is no reason to end.
    Glibc.signal(SIGPIPE, SIG_IGN)
    if !arguments.isEmpty { exit(answer(arguments, name, purpose, hasData, read)) }
    do {
      var settings = Settings(environment: try ProcessEnvironment.read())
      let shared = ServiceConfiguration(&settings, hasData: hasData)
      let own = read(&settings)
      try settings.check()
      exit(try await run(name, shared) { try await compose($0, own) })
    } catch let error as SettingsError {
      for problem in error.problems { write("\(name): \(problem)", to: STDERR_FILENO) }
      exit(ServiceExit.misconfigured)
    } catch {
      write("\(name): \(error)", to: STDERR_FILENO)
      exit(ServiceExit.failed)
    }
  }

  private static func run(
    _ name: String, _ configuration: ServiceConfiguration,
    _ compose: @Sendable (ServiceContext) async throws -> ServiceParts
  ) async throws -> Int32 {
    let signals = Signals([.terminate, .interrupt, .hangUp])
    let virtualClock = configuration.clock == .virtual ? VirtualClock() : nil
    // Log lines tell the time of day even where the service's clock is virtual.
    let log = LineLog.logger(
      LineLog(
        service: name, format: configuration.logFormat, level: configuration.logLevel,
        clock: SystemClock()))
    let group = try EventLoopGroup(count: configuration.threads)
    let context = ServiceContext(
      name: name, configuration: configuration, log: log, clock: virtualClock ?? SystemClock(),
      virtualClock: virtualClock, group: group, health: HealthRegistry(),
      seed: configuration.seed ?? SplitMix64.systemSeed())
    let run = ServiceRun(
      context: context, signals: signals.received, onEnd: { signals.endOnNext() },
      print: { write($0, to: STDOUT_FILENO) }, giveUp: { _exit($0) })
    return await run.run(compose)
  }

  private static func answer<Configuration>(
    _ arguments: [String], _ name: String, _ purpose: String, _ hasData: Bool,
    _ read: (inout Settings) -> Configuration
  ) -> Int32 {
    guard ["--help", "-h", "--print-settings"].contains(arguments[0]), arguments.count == 1 else {
      write(
        "\(name) takes no arguments but --help: its keys are read from the environment",
        to: STDERR_FILENO)
      return ServiceExit.misconfigured
    }
    var settings = Settings(environment: [:])
    _ = ServiceConfiguration(&settings, hasData: hasData)
    _ = read(&settings)
    write("\(name): \(purpose)\n\n" + settings.listing, to: STDOUT_FILENO)
    return ServiceExit.ended
  }

  private static func write(_ line: String, to descriptor: Int32) {
    LogSink(descriptor: descriptor).write(Array((line + "\n").utf8))
  }
}

extension Settings {
  /// Every key with its type, default and purpose, for people.
  package var listing: String {
    declarations.map { key in
      let fallback = key.fallback.map { "default \($0)" } ?? "required"
      let secret = key.isSecret ? ", never shown" : ""
      return "\(key.name)\n    \(key.purpose)\n    \(key.type); \(fallback)\(secret)"
    }.joined(separator: "\n")
  }
}
