internal import Logging
internal import Stubs
internal import Synchronization
internal import Transport
internal import Wire

/// One run of a service from composition to its end, without what only a process has: arguments,
/// an environment, an exit.
struct ServiceRun: Sendable {
  let context: ServiceContext
  let signals: AsyncStream<Signals.Signal>
  /// Called when the run begins to end: another signal then ends the process.
  let onEnd: @Sendable () -> Void
  /// Writes a line to standard output.
  let print: @Sendable (String) -> Void
  /// Ends the process; called where parts do not stop in time.
  let giveUp: @Sendable (Int32) -> Void

  private static let starting = "starting"

  private enum Event: Sendable {
    case signal(Signals.Signal)
    case started
    case failed(part: String, any Error)
  }

  private var log: Logger { context.log }

  /// - Returns: how the process is to end.
  func run(_ compose: @Sendable (ServiceContext) async throws -> ServiceParts) async -> Int32 {
    context.health.hold("", because: ServiceRun.starting)
    do {
      let parts = try await compose(context)
      let gate = StartGate()
      let server = try makeServer(parts, gate)
      let port = try await server.listen(on: context.configuration.listen)
      let target = Target(host: context.configuration.listen.host, port: port)
      print("listening on \(target)")
      log.notice("listening", metadata: ["address": "\(target)"])
      return await serve(parts, server, gate)
    } catch {
      log.critical("cannot start", metadata: ["error": "\(error)"])
      return ServiceExit.failed
    }
  }

  private func makeServer(_ parts: ServiceParts, _ gate: StartGate) throws -> Server {
    var methods = MethodTable()
    parts.register(&methods)
    if let clock = context.virtualClock {
      guard let subject = parts.virtualTime else {
        throw SettingsError(["HOMING_CLOCK: \(context.name) runs on the system's clock only"])
      }
      ClockHandler(clock, subject).register(in: &methods)
    }
    try methods.addStandardServices(context.health)
    var configuration = ServerConfiguration(tls: context.configuration.tls)
    configuration.grants = context.configuration.grants
    configuration.connectionsMax = context.configuration.connectionsMax
    configuration.interceptors = [gate] + parts.interceptors
    configuration.observe = { [log] in ServiceRun.note($0, log) }
    return try Server(configuration, methods: methods, group: context.group)
  }

  private func serve(_ parts: ServiceParts, _ server: Server, _ gate: StartGate) async -> Int32 {
    let (events, tell) = AsyncStream.makeStream(of: Event.self)
    let started = StartedParts()
    return await withTaskGroup(of: Void.self) { tasks in
      tasks.addTask { [signals] in
        for await signal in signals { tell.yield(.signal(signal)) }
      }
      let starting = Promise()
      tasks.addTask {
        tell.yield(await start(parts.parts, started))
        starting.fulfil()
      }
      let exit = await follow(events, server, gate)
      onEnd()
      context.health.drain()
      await server.drain(timeout: context.configuration.drainTime)
      tasks.cancelAll()
      await stop(started, after: starting)
      return exit
    }
  }

  /// Until the service is to end.
  private func follow(
    _ events: AsyncStream<Event>, _ server: Server, _ gate: StartGate
  ) async -> Int32 {
    for await event in events {
      switch event {
      case .started:
        gate.openForAll()
        context.health.release("", because: ServiceRun.starting)
        log.notice("ready")
      case .failed(let part, let error):
        log.critical("a part failed to start", metadata: ["part": "\(part)", "error": "\(error)"])
        return ServiceExit.failed
      case .signal(.hangUp): server.reloadCertificates()
      case .signal(let signal):
        log.notice("ending", metadata: ["signal": "\(signal)"])
        return ServiceExit.ended
      }
    }
    return ServiceExit.ended
  }

  private func start(_ parts: [any ServicePart], _ started: StartedParts) async -> Event {
    for part in parts {
      do {
        try Task.checkCancellation()
        try await part.start()
        started.add(part)
      } catch {
        return .failed(part: part.name, error)
      }
    }
    return .started
  }

  /// Stops in reverse order what was started, or gives up when that takes too long.
  private func stop(_ started: StartedParts, after starting: Promise) async {
    await withTaskGroup(of: Void.self) { tasks in
      tasks.addTask {
        let limit = context.configuration.stopTime
        do { try await context.group.loops[0].sleep(for: limit) } catch { return }
        log.critical(
          "parts did not stop in time", metadata: ["part": "\(started.last ?? "one that starts")"])
        giveUp(ServiceExit.failed)
      }
      await starting.wait()
      while let part = started.takeLast() {
        await part.stop()
        log.debug("stopped", metadata: ["part": "\(part.name)"])
      }
      tasks.cancelAll()
    }
    log.notice("ended")
  }

  private static func note(_ event: ServerEvent, _ log: Logger) {
    switch event {
    case .opened(let peer, let resumed):
      log.debug("connection opened", metadata: ["peer": "\(peer)", "resumed": "\(resumed)"])
    case .closed(let peer, let reason):
      log.debug("connection closed", metadata: ["peer": "\(peer ?? "")", "reason": "\(reason)"])
    case .handlerFailed(let method, let error):
      log.error("a handler failed", metadata: ["method": "\(method)", "error": "\(error)"])
    case .certificatesReloaded: log.notice("certificates reloaded")
    case .certificatesUnusable(let reason):
      log.error("new certificates cannot be used", metadata: ["reason": "\(reason)"])
    case .acceptFailed(let reason):
      log.error("a connection could not be accepted", metadata: ["reason": "\(reason)"])
    }
  }
}

/// The parts that run, in the order in which they started.
private final class StartedParts: Sendable {
  private let parts: Mutex<[any ServicePart]> = Mutex([])
  /// Being stopped, else the last that runs.
  private let current: Mutex<String?> = Mutex(nil)

  var last: String? { current.withLock { $0 } }

  func add(_ part: any ServicePart) { parts.withLock { $0.append(part) } }

  func takeLast() -> (any ServicePart)? {
    let part = parts.withLock { $0.popLast() }
    current.withLock { $0 = part?.name }
    return part
  }
}

/// Something that happens once, and whoever waits for it.
private final class Promise: Sendable {
  private let happened: AsyncStream<Void>
  private let happening: AsyncStream<Void>.Continuation

  init() { (happened, happening) = AsyncStream.makeStream() }

  func fulfil() { happening.finish() }

  /// For one waiter.
  func wait() async { for await _ in happened {} }
}
