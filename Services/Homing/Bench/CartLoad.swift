internal import Messages
internal import ServiceKit
internal import Wire

/// Made-up requests for cart-tracker, another one for each call.
struct CartLoad: Sendable {
  let store: String
  /// Distinct contacts; each event or subject is of one of them.
  let contacts: UInt64
  /// One after the other; else by chance.
  let isInOrder: Bool
  /// Events or subjects in a call.
  let count: Int
  /// Keeps the ids of one run apart from those of another.
  let run: UInt64
  /// Microseconds since 1970; nil: times rise by one from call to call.
  let now: (@Sendable () -> UInt64)?

  static let methods: [String: @Sendable (CartLoad, UInt64) throws -> [UInt8]] = [
    "homing.cart_tracker.v1.CartTracker/Record": { try $0.record($1) },
    "homing.cart_tracker.v1.CartTracker/CheckStop": { try $0.checkStop($1) },
    "homing.cart_tracker.v1.CartTracker/Facts": { try $0.facts($1) },
  ]

  /// Some item added to a cart, with what a shop says of it; about 200 bytes an event.
  private func record(_ number: UInt64) throws -> [UInt8] {
    var chance = SplitMix64(seed: run ^ number &* 0x9E37_79B9_7F4A_7C15)
    var request = CartTrackerV1.RecordRequest(store: store, source: "bench")
    request.events = (0..<count).map { index in
      event(
        "\(run)-\(number)-\(index)", at: instant(number), contact(number, index, &chance), &chance)
    }
    return try request.encoded()
  }

  /// When the call is made; without a clock in the order in which they were made.
  private func instant(_ number: UInt64) -> Protobuf.Timestamp {
    let microseconds = now?() ?? run + number
    return Protobuf.Timestamp(
      seconds: Int64(microseconds / 1_000_000), nanos: Int32(microseconds % 1_000_000) * 1000)
  }

  private func event(
    _ id: String, at: Protobuf.Timestamp, _ contact: String, _ chance: inout SplitMix64
  ) -> CartTrackerV1.Event {
    // A few items of each contact's own, again and again: carts stay as large as real ones.
    let item =
      (UInt64(contact.utf8.reduce(0) { $0 &* 31 &+ Int($1) }.magnitude) % 2500) * 4 + chance.next()
      % 4
    let price = CommonV1.Money(currencyCode: "EUR", units: Int64(item % 500), nanos: 990_000_000)
    let line = CartTrackerV1.CartLine(
      sku: "sku-\(item)", name: "Hydraulic hose, DN \(item % 50)",
      imageURL: "https://cdn.example.com/p/\(item).webp", quantity: .init(units: 1),
      unitPrice: price, lineTotal: price)
    return CartTrackerV1.Event(
      id: id, at: at, contact: contact, header: .init(place: .shop, device: .desktop),
      kind: .itemAdded(.init(line: line)))
  }

  private func contact(_ number: UInt64, _ index: Int, _ chance: inout SplitMix64) -> String {
    let place =
      isInOrder ? (number - min(1, number)) * UInt64(count) + UInt64(index) : chance.next()
    return "contact-\(place % contacts)"
  }

  private func checkStop(_ number: UInt64) throws -> [UInt8] {
    var chance = SplitMix64(seed: number)
    var request = CartTrackerV1.CheckStopRequest(store: store)
    request.subjects = (0..<count).map { index in
      CartTrackerV1.StopSubject(
        contact: contact(number, index, &chance),
        anchor: .init(at: .init(seconds: 1), event: "anchor"), use: .init(channel: .email))
    }
    return try request.encoded()
  }

  private func facts(_ number: UInt64) throws -> [UInt8] {
    var chance = SplitMix64(seed: number)
    var request = CartTrackerV1.FactsRequest(store: store)
    request.subjects = (0..<count).map { index in
      CartTrackerV1.FactsSubject(contact: contact(number, index, &chance))
    }
    return try request.encoded()
  }
}
