internal import Messages
internal import Stubs
internal import TestSupport
internal import Transport
internal import Wire

/// A real `cart-tracker` process over TLS, on a folder of its own and a virtual clock.
final class TrackerProcess {
  typealias Failure = ServiceProcess.Failure

  let authority: TestAuthority
  private let service: ServiceProcess

  init(isVirtual: Bool = true) throws {
    authority = try TestAuthority()
    service = try ServiceProcess(
      "cart-tracker", authority: authority, caller: authority.issue("you"), isVirtual: isVirtual)
  }

  var folder: TemporaryFolder { service.folder }

  var tracker: CartTrackerV1.CartTrackerClient {
    get throws { CartTrackerV1.CartTrackerClient(try service.connected()) }
  }

  var clock: ClockV1.ClockClient { get throws { try service.clock } }

  func start(_ settings: [String: String] = [:]) async throws { try await service.start(settings) }

  func kill9() { service.kill9() }

  func stop() -> Int32 { service.stop() }
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
