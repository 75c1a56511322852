internal import Messages

@testable internal import CartTracker

/// Small parts for tests of the fold: one store, instants in seconds.
enum FoldFixture {
  static func store(
    window: Int64 = 3600, _ change: (inout Tracked.StoreSettings) -> Void = { _ in }
  ) -> Tracked.Store {
    var settings = Tracked.StoreSettings(
      name: "Shop", controller: "Shop Ltd", timeZone: "UTC", locale: "en", countryCode: "GB",
      detection: true, window: Tracked.Window(length: .span(Protobuf.Duration(seconds: window))))
    change(&settings)
    return Tracked.Store(
      id: "shop", settings: settings, revision: 1,
      detectionSince: Protobuf.Timestamp(seconds: 0))
  }

  static func rules(
    window: Int64 = 3600, _ change: (inout Tracked.StoreSettings) -> Void = { _ in }
  ) throws -> StoreRules {
    try StoreRules(store(window: window, change))
  }

  static func group(_ contact: String) -> PersonGroup {
    let identity = Identity(store: "shop", kind: .contact, id: contact)
    let person = Tracked.StoredPerson(store: "shop", contact: contact)
    return PersonGroup(members: [PersonGroup.Member(key: identity.key, person: person)])
  }

  static func event(_ row: ShopLog.Row, _ number: UInt64) -> FoldEvent {
    let kind: Tracked.Event.Kind =
      switch row.kind {
      case .add: .itemAdded(.init(line: Tracked.CartLine(sku: row.item)))
      case .remove: .itemRemoved(.init(line: row.item))
      case .purchase: .purchase(.init())
      }
    return event(kind, at: row.at, number, contact: "u" + row.user)
  }

  static func event(
    _ kind: Tracked.Event.Kind, at: Int64, _ number: UInt64, contact: String = "ann",
    cart: String = "", member: Int = 0
  ) -> FoldEvent {
    let event = Tracked.Event(
      id: "e\(number)", at: Protobuf.Timestamp(seconds: at), sourceOrder: number,
      contact: contact, cart: cart, kind: kind)
    let record = Tracked.LogRecord(
      store: "shop", contact: contact, receivedAt: at * 1_000_000, kind: .event(event))
    return FoldEvent(
      order: Tracked.EventOrder(at: at * 1_000_000, sourceOrder: number, event: event.id),
      member: member, record: record, position: number + 1)
  }

  static func body(
    _ kind: Tracked.Event.Kind, at: Int64, _ id: String, contact: String = "ann",
    guest: String = "", cart: String = ""
  ) -> Tracked.Event {
    Tracked.Event(
      id: id, at: Protobuf.Timestamp(seconds: at), contact: contact, guest: guest, cart: cart,
      kind: kind)
  }
}
