internal import Messages
internal import Stubs
internal import Synchronization
internal import Transport
internal import Wire

/// cart-tracker and scheduler as the notifier sees them.
final class StandIn: Sendable {
  private struct State {
    var outcomes: [CommonV1.OutcomeKind: Int] = [:]
    var first: MonotonicInstant?
    var last: MonotonicInstant?
    var waiting: (count: Int, continuation: CheckedContinuation<Void, Never>)?

    /// Whoever waits for so many.
    mutating func takeWaiting() -> CheckedContinuation<Void, Never>? {
      guard let waiting, outcomes.values.reduce(0, +) >= waiting.count else { return nil }
      self.waiting = nil
      return waiting.continuation
    }
  }

  private let state = Mutex(State())

  static let store = CartTrackerV1.Store(
    id: "bench",
    settings: .init(
      name: "Möbelhaus Süd", controller: "Möbelhaus Süd GmbH", timeZone: "Europe/Berlin",
      locale: "en", countryCode: "DE",
      window: .init(length: .span(.init(seconds: 3600))),
      imprint: .init(
        legalName: "Möbelhaus Süd GmbH",
        address: .init(
          countryCode: "DE", streetLines: ["Hauptstraße 1"], postalCode: "80331",
          locality: "München"), senderName: "Möbelhaus Süd", senderEmail: "hello@moebel.example",
        supportEmail: "help@moebel.example", website: "https://www.moebel.example")),
    revision: 1)

  func register(_ table: inout MethodTable) {
    table.unary(CartTrackerV1.CartTrackerMethods.getStore) {
      try $0.answer([:], [:], StandIn.store.encode)
    }
    table.unary(CartTrackerV1.CartTrackerMethods.checkStop) {
      let request = try CartTrackerV1.CheckStopRequest.decode($0.message, in: $0.arena)
      let answer = CartTrackerV1.CheckStopResponse(answers: request.subjects.map(StandIn.answer))
      try $0.answer([:], [:], answer.encode)
    }
    table.unary(SchedulerV1.SchedulerMethods.takeOutcomes) {
      let request = try SchedulerV1.TakeOutcomesRequest.decode($0.message, in: $0.arena)
      self.note(request.rows.compactMap { $0.outcome?.kind })
      let answer = CommonV1.Receipts(
        receipts: request.rows.map { .init(position: $0.position, verdict: .stored) })
      try $0.answer([:], [:], answer.encode)
    }
  }

  private func note(_ kinds: [CommonV1.OutcomeKind]) {
    let now = MonotonicInstant.now
    let reached = state.withLock { state in
      state.first = state.first ?? now
      state.last = now
      for kind in kinds { state.outcomes[kind, default: 0] += 1 }
      return state.takeWaiting()
    }
    reached?.resume()
  }

  /// Returns when so many outcomes have come. For one caller at a time.
  func reached(_ count: Int) async {
    await withCheckedContinuation { continuation in
      let reached = state.withLock { state in
        state.waiting = (count, continuation)
        return state.takeWaiting()
      }
      reached?.resume()
    }
  }

  var outcomes: [CommonV1.OutcomeKind: Int] { state.withLock { $0.outcomes } }
  var last: MonotonicInstant? { state.withLock { $0.last } }

  private static func euros(_ units: Int64) -> CommonV1.Money {
    .init(currencyCode: "EUR", units: units, nanos: 950_000_000)
  }

  private static let lines = (1...3).map { number in
    CartTrackerV1.CartLine(
      id: "\(number)", sku: "SKU-471\(number)", name: "Swivel chair “Ergo” No. \(number)",
      imageURL: "https://img.moebel.example/471\(number).jpg",
      productURL: "https://www.moebel.example/p/471\(number)", quantity: .init(units: 2),
      unitPrice: euros(617), lineTotal: euros(1235))
  }

  private static func answer(
    _ subject: CartTrackerV1.StopSubject
  ) -> CartTrackerV1.StopAnswer {
    let cart = CartTrackerV1.Cart(
      id: subject.cart, contact: subject.contact, state: .abandoned,
      header: .init(kind: .cart, url: "https://www.moebel.example/cart/\(subject.cart)"),
      lines: lines, totals: [euros(3707)])
    return .init(
      grant: .init(
        positions: [.init(bucket: 1, seq: 17)], grantedAt: subject.anchor?.at,
        lifetime: .init(seconds: 1)),
      facts: .init(
        contact: .init(
          store: "bench", id: subject.contact,
          profile: .init(
            givenName: "Zoë", familyName: "Großmann", locale: "en",
            destinations: [.init(channel: .email, address: "\(subject.contact)@bench.test")])),
        carts: [cart], storeRevision: 1))
  }
}
