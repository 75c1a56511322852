internal import Glibc
internal import Logging
internal import Messages
internal import ServiceKit
internal import Stubs
internal import TestSupport
internal import Transport
internal import Wire

@testable internal import Gateway

/// A gateway on a port of its own before a notifier that a test directs, both over real sockets.
struct GatewayFixture: Sendable {
  struct Setup: Sendable {
    var limits = WebLimits()
    var proxies: [String] = []
    var drainTime = Duration.seconds(5)
    /// Nobody listens where the notifier should be.
    var isAlone = false
    var hasLetters = true
  }

  struct StillClock: WallClock {
    let now = Instant(seconds: 1_780_000_000)
  }

  let stub: StubNotifier
  let letters: StubDirectMail
  let web: WebClient
  /// Every wait that began, by its length.
  let waits = Journal<Duration>()
  let log: LineJournal
  private let server: TestServer?
  private let front: HTTPFront
  private let client: Client

  static func run<R: Sendable>(
    _ change: (inout Setup) throws -> Void = { _ in },
    _ body: @Sendable (GatewayFixture) async throws -> R
  ) async throws -> R {
    var setup = Setup()
    setup.limits.callTime = .seconds(60)
    setup.limits.openTime = .seconds(60)
    try change(&setup)
    let fixture = try await GatewayFixture(setup)
    do {
      let result = try await body(fixture)
      await fixture.end()
      return result
    } catch {
      await fixture.end()
      throw error
    }
  }

  private init(_ setup: Setup) async throws {
    let stub = StubNotifier()
    let letters = StubDirectMail()
    let lines = LineJournal()
    let log = Logger(label: "test", factory: { _ in lines })
    self.log = lines
    self.stub = stub
    self.letters = letters
    let started = try await TestServer.start { server in
      let authority = try TestAuthority()
      server.authority = authority
      server.grants.add(role: "gateway", stores: .all, to: "spiffe://test/client")
      server.register = {
        stub.register(in: &$0)
        letters.register(in: &$0)
      }
    }
    client = try started.client { $0.attemptsMax = 1 }
    if setup.isAlone { await started.cut() }
    server = started
    let edge = Edge(
      notifier: NotifierV1.NotifierClient(client),
      letters: setup.hasLetters ? DirectMailV1.DirectMailClient(client) : nil,
      clients: ClientAddress(trusted: try setup.proxies.map { try AddressRange(parsing: $0) }),
      limits: setup.limits, clock: StillClock(),
      notifierReach: ServiceReach("the notifier", log: log),
      lettersReach: ServiceReach("direct-mail", log: log), isServing: { true })
    let exchange = HTTPExchange(
      edge: edge, budget: BodyBudget(bytes: setup.limits.bodyBytesMax),
      log: log,
      sleep: { [waits] span in
        waits.add(span)
        try await TestLoops.alarms.sleep(for: span)
      })
    front = HTTPFront(
      exchange, host: "127.0.0.1", port: 0, seed: UInt64(getpid()) &* 31 &+ UInt64(started.port),
      threads: 1, drainTime: setup.drainTime, log: exchange.log)
    try await front.start()
    web = WebClient(port: front.boundPort)
  }

  func stop() async { await front.stop() }

  private func end() async {
    await front.stop()
    client.close()
    await server?.cut()
  }
}

/// Keeps what is logged, whatever the level.
struct LineJournal: LogHandler {
  let lines = Journal<String>()
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.trace

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    lines.add("\(event.level) \(event.message) \(event.metadata ?? [:])")
  }
}

/// An answer as it came over the wire.
struct WebReply: Sendable {
  let status: Int
  /// By name in lower case.
  let headers: [String: String]
  let body: [UInt8]

  var text: String { String(decoding: body, as: UTF8.self) }

  /// - Throws: for what is no answer.
  init(_ bytes: [UInt8]) throws {
    struct NoAnswer: Error { let bytes: Int }
    let text = String(decoding: bytes, as: UTF8.self)
    guard let end = bytes.firstRange(of: [13, 10, 13, 10]),
      let status = text.split(separator: " ").dropFirst().first.flatMap({ Int($0.prefix(3)) })
    else { throw NoAnswer(bytes: bytes.count) }
    self.status = status
    let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
    headers = head.split(separator: "\r\n").dropFirst().reduce(into: [:]) { all, line in
      let parts = line.split(separator: ":", maxSplits: 1)
      all[parts[0].lowercased()] = parts.count == 2 ? String(parts[1].drop { $0 == " " }) : ""
    }
    body = Array(bytes[end.upperBound...])
  }
}

/// Sends bytes and reads until the other side closes.
struct WebClient: Sendable {
  let port: Int

  /// One request on a connection of its own.
  func ask(
    _ method: String, _ path: String, _ headers: [String] = [], body: [UInt8] = []
  ) async throws -> WebReply {
    var lines = ["\(method) \(path) HTTP/1.1", "Host: links.example", "Connection: close"]
    lines += headers
    if !body.isEmpty || method == "POST" { lines.append("Content-Length: \(body.count)") }
    return try WebReply(
      try await exchange(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body))
  }

  /// What comes back for these bytes until the connection is closed.
  func exchange(_ bytes: [UInt8]) async throws -> [UInt8] {
    try await onThread { [port] in
      let socket = try Connection(port: port)
      socket.send(bytes)
      return socket.readToEnd()
    }
  }

  private final class Connection {
    struct Failure: Error { let number: Int32 }
    private let descriptor: Int32

    init(port: Int) throws {
      descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      var limit = timeval(tv_sec: 120, tv_usec: 0)
      setsockopt(
        descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = UInt16(port).bigEndian
      address.sin_addr = in_addr(s_addr: UInt32(0x7F00_0001).bigEndian)
      let result = withUnsafePointer(to: &address) { start in
        start.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      guard result == 0 else { throw Failure(number: errno) }
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8]) {
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = rest.withUnsafeBytes {
          Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        if count <= 0 { return }
        rest = rest.dropFirst(count)
      }
    }

    func readToEnd() -> [UInt8] {
      var all: [UInt8] = []
      var part = [UInt8](repeating: 0, count: 64 << 10)
      while true {
        let count = read(descriptor, &part, part.count)
        if count <= 0 { return all }
        all += part.prefix(count)
      }
    }
  }
}
