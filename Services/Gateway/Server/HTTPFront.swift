internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import ServiceKit
internal import Synchronization

/// Takes HTTP/1.1 on one port, from the service's start to its end.
final class HTTPFront: ServicePart {
  let name = "http"
  private let exchange: HTTPExchange
  private let host: String
  private let port: Int
  private let log: Logger
  private let loops: MultiThreadedEventLoopGroup
  /// How long running requests may take after the end was asked for.
  private let drainTime: Duration
  private let state = Mutex(State())

  private struct State {
    var running: Running?
    /// Connections with a request in work.
    var busy: [ObjectIdentifier: any Channel] = [:]
  }

  private struct Running {
    let server: Server<HTTP1Channel>
    let task: Task<Void, any Error>
    let port: Int
  }

  /// Free ports are looked for here: below those that outgoing connections use.
  private static let freePorts = 20_000..<32_000
  private static let attemptsMax = 64

  /// - Parameters:
  ///   - seed: of the ports that are tried where `port` is 0.
  ///   - threads: that serve connections.
  init(
    _ exchange: HTTPExchange, host: String, port: Int, seed: UInt64, threads: Int,
    drainTime: Duration, log: Logger
  ) {
    self.exchange = exchange
    self.host = host
    self.port = port
    self.log = log
    self.drainTime = drainTime
    chance = Mutex(SplitMix64(seed: seed))
    loops = MultiThreadedEventLoopGroup(numberOfThreads: threads)
  }

  private let chance: Mutex<SplitMix64>

  /// Where it listens; 0 before it does.
  var boundPort: Int { state.withLock { $0.running?.port ?? 0 } }

  func start() async throws {
    for attempt in 1... {
      do {
        let running = try await listen(on: port == 0 ? freePort() : port)
        state.withLock { $0.running = running }
        log.notice("listening for HTTP", metadata: ["address": "\(host):\(running.port)"])
        return
      } catch let error as IOError
        where port == 0 && error.errnoCode == EADDRINUSE && attempt < HTTPFront.attemptsMax
      {
        continue
      }
    }
  }

  func stop() async {
    let taken = state.withLock { state in
      defer { state.running = nil }
      return state.running
    }
    guard let running = taken else { return }
    await withTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try? await running.server.shutdownGracefully() }
      tasks.addTask { [self] in
        do { try await exchange.sleep(drainTime) } catch { return }
        // Requests that still run are cut off.
        for channel in state.withLock({ Array($0.busy.values) }) { channel.close(promise: nil) }
      }
      await tasks.next()
      await running.server.shutdownIgnoringErrors()
      tasks.cancelAll()
    }
    running.task.cancel()
    _ = await running.task.result
    try? await loops.shutdownGracefully()
  }

  private func freePort() -> Int {
    let span = UInt64(HTTPFront.freePorts.count)
    return HTTPFront.freePorts.lowerBound + chance.withLock { Int($0.next() % span) }
  }

  /// Returns when connections are taken.
  private func listen(on port: Int) async throws -> Running {
    let (opened, open) = AsyncThrowingStream.makeStream(of: Int.self)
    let server = Server(
      childChannelSetup: HTTP1Channel(
        responder: { [self] request, writer, channel in
          try await serve(request, writer, channel)
        }, configuration: channelConfiguration),
      configuration: ServerConfiguration(
        address: .hostname(host, port: port),
        availableConnectionsDelegate: MaximumAvailableConnections(
          exchange.edge.limits.connectionsMax, logger: quiet)),
      onServerRunning: { channel in
        open.yield(channel.localAddress?.port ?? port)
        open.finish()
      }, eventLoopGroup: loops, logger: quiet)
    let task = Task.immediate {
      do {
        try await server.run()
      } catch {
        open.finish(throwing: error)
        throw error
      }
    }
    for try await bound in opened { return Running(server: server, task: task, port: bound) }
    throw CancellationError()
  }

  private func serve(
    _ request: Request, _ writer: consuming ResponseWriter, _ channel: any Channel
  ) async throws {
    let key = ObjectIdentifier(channel)
    state.withLock { $0.busy[key] = channel }
    defer { state.withLock { _ = $0.busy.removeValue(forKey: key) } }
    try await exchange.run(request, writer, peer: channel.remoteAddress?.ipAddress ?? "")
  }

  private var channelConfiguration: HTTP1Channel.Configuration {
    let limits = exchange.edge.limits
    return HTTP1Channel.Configuration(
      idleTimeout: .nanoseconds(limits.idleTime.nanosecondsClamped),
      httpDecoderConfiguration: .init(
        maxHeaderFieldSize: limits.headerSizeMax, maxHeaderListSize: limits.headersSizeMax,
        maxHeaderFieldCount: limits.headersMax * 2))
  }

  /// The library's log, without what it says of each start and connection.
  private var quiet: Logger {
    var log = log
    log.logLevel = max(log.logLevel, .warning)
    return log
  }
}

extension Server {
  fileprivate func shutdownIgnoringErrors() async { try? await shutdownGracefully() }
}

extension Duration {
  fileprivate var nanosecondsClamped: Int64 {
    let (seconds, attoseconds) = components
    let (whole, isOver) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    return isOver ? .max : whole + attoseconds / 1_000_000_000
  }
}
