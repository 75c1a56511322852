internal import Foundation
internal import Messages
internal import Stubs
internal import TestSupport
internal import Transport
internal import Wire

/// A real `cart-tracker` process over TLS, on a folder of its own and a virtual clock.
final class TrackerProcess {
  struct Failure: Error {
    let what: String
  }

  let folder: TemporaryFolder
  let authority: TestAuthority
  private let identity: TestIdentity
  private let server: TestIdentity
  private var process: Process?
  private(set) var client: Client?

  var tracker: CartTrackerV1.CartTrackerClient {
    get throws { CartTrackerV1.CartTrackerClient(try connected()) }
  }

  var clock: ClockV1.ClockClient {
    get throws { ClockV1.ClockClient(try connected()) }
  }

  private let isVirtual: Bool

  init(isVirtual: Bool = true) throws {
    self.isVirtual = isVirtual
    folder = try TemporaryFolder()
    authority = try TestAuthority()
    identity = try authority.issue("you")
    server = try authority.issue("cart-tracker")
  }

  deinit {
    client?.close()
    if let process, process.isRunning { kill(process.processIdentifier, SIGKILL) }
  }

  private func connected() throws -> Client {
    guard let client else { throw Failure(what: "the process does not run") }
    return client
  }

  // MARK: - Life

  /// Starts the process and waits until it is ready.
  func start(_ settings: [String: String] = [:]) async throws {
    let process = Process()
    process.executableURL = TrackerProcess.executable
    var environment = ProcessInfo.processInfo.environment
    for key in environment.keys where key.hasPrefix("HOMING_") { environment[key] = nil }
    let all = ["shop", "staff", "marketer", "operator", "scheduler", "notifier", "gateway"]
    environment["HOMING_LISTEN"] = "127.0.0.1:0"
    environment["HOMING_CERT"] = server.certificateFile
    environment["HOMING_KEY"] = server.keyFile
    environment["HOMING_CA"] = server.authorityFile
    environment["HOMING_DATA"] = folder.path
    environment["HOMING_CLOCK"] = isVirtual ? "virtual" : "system"
    environment["HOMING_GRANTS"] = "spiffe://test/you=\(all.joined(separator: ","))"
    environment.merge(settings) { $1 }
    process.environment = environment
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    self.process = process
    let port = try TrackerProcess.port(output)
    client = try TestServer.client(port: port, identity)
    try await waitUntilServing()
  }

  /// The line in which it says where it listens.
  private static func port(_ output: Pipe) throws -> Int {
    var text = ""
    while !text.contains("\n") {
      let bytes = output.fileHandleForReading.availableData
      if bytes.isEmpty { throw Failure(what: "it ended before it listened: \(text)") }
      text += String(decoding: bytes, as: UTF8.self)
    }
    guard let port = text.split(whereSeparator: \.isNewline).first?.split(separator: ":").last,
      let number = Int(port)
    else { throw Failure(what: "it said \(text)") }
    return number
  }

  private func waitUntilServing() async throws {
    let watch = try await HealthV1.HealthClient(connected()).watch(
      .init(service: "homing.cart_tracker.v1.CartTracker"))
    while let answer = try await watch.next() {
      if answer.status == .serving { return }
    }
    throw Failure(what: "it never served")
  }

  /// Ends it as a power cut ends a process: at once.
  func kill9() {
    client?.close()
    client = nil
    guard let process, process.isRunning else { return }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  /// Ends it in order; its exit code.
  func stop() -> Int32 {
    client?.close()
    client = nil
    guard let process else { return -1 }
    process.terminate()
    process.waitUntilExit()
    return process.terminationStatus
  }

  /// Beside this bundle, where the build puts both.
  private static var executable: URL {
    let bundle = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    let named = ProcessInfo.processInfo.environment["HOMING_BIN"].map { URL(fileURLWithPath: $0) }
    return (named ?? bundle).appendingPathComponent("cart-tracker")
  }
}

/// What journeys do again and again.
extension TrackerProcess {
  static let day: Int64 = 86_400
  /// 2026-03-02T09:00:00Z, a Monday.
  static let morning: Int64 = 1_772_442_000

  func putStore(
    _ id: String = "shop", revision: UInt32 = 0, window: Int64 = 3600,
    _ change: (inout CartTrackerV1.StoreSettings) -> Void = { _ in }
  ) async throws -> CartTrackerV1.Store {
    var settings = CartTrackerV1.StoreSettings(
      name: "Shop", controller: "Shop GmbH", timeZone: "Europe/Berlin", locale: "de-DE",
      countryCode: "DE", detection: true,
      window: .init(length: .span(.init(seconds: window))))
    change(&settings)
    return try await tracker.putStore(
      .init(
        store: id, idempotencyKey: "put-\(id)-\(revision)", settings: settings,
        revision: revision))
  }

  func record(_ events: [CartTrackerV1.Event], store: String = "shop") async throws {
    let answer = try await tracker.record(.init(store: store, events: events))
    guard answer.stored == UInt32(events.count) else {
      throw Failure(what: "\(answer.stored) of \(events.count) events were stored")
    }
  }

  /// Lets time run to an instant, and waits until all that became due is decided.
  func advance(to second: Int64) async throws {
    _ = try await clock.advance(.init(to: .init(seconds: second)))
    try await settle()
  }

  /// Waits until nothing is left to do at the present instant.
  func settle() async throws {
    while try await !clock.status(.init()).idle { await Task.yield() }
  }

  func episodes(
    contact: String = "", _ states: [CartTrackerV1.EpisodeState] = []
  ) async throws -> [CartTrackerV1.Episode] {
    try await tracker.listEpisodes(
      .init(store: "shop", query: .init(states: states, contact: contact))
    ).episodes
  }

  func carts(_ states: [CartTrackerV1.CartState]) async throws -> [CartTrackerV1.Cart] {
    try await tracker.listCarts(
      .init(store: "shop", query: .init(states: states, withLines: true))
    ).rows.compactMap(\.cart)
  }
}

/// Events with few words; instants in seconds.
enum Make {
  static func event(
    _ id: String, _ at: Int64, contact: String = "", guest: String = "", cart: String = "",
    header: CartTrackerV1.CartHeader? = nil, _ kind: CartTrackerV1.Event.Kind
  ) -> CartTrackerV1.Event {
    .init(
      id: id, at: .init(seconds: at), contact: contact, guest: guest, cart: cart, header: header,
      kind: kind)
  }

  static func add(_ sku: String, price: Int64 = 10) -> CartTrackerV1.Event.Kind {
    .itemAdded(
      .init(
        line: .init(
          sku: sku, name: "Item \(sku)", quantity: .init(units: 1),
          unitPrice: .init(currencyCode: "EUR", units: price))))
  }
}
