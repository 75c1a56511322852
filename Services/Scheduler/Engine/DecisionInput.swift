internal import Delivery
internal import Messages
internal import ServiceKit

/// What decisions may use beside enrolment and flow; read right before.
struct DecisionInput: Sendable {
  /// Microseconds.
  var now: Int64
  /// In force for the flow (F21).
  var mode: CommonV1.Mode
  /// Nil where none were asked for.
  var facts: CartTrackerV1.Facts?
  var store: StoreProfile
  /// Channels that nothing can be sent on, such as letters without direct-mail.
  var closedChannels: Set<CommonV1.Channel> = []
  /// What was due by then may have been done by what a restored database does not know (T31).
  var unknownUntil = Int64.min

  init(
    now: Int64, mode: CommonV1.Mode, facts: CartTrackerV1.Facts? = nil, store: StoreProfile,
    closedChannels: Set<CommonV1.Channel> = [], unknownUntil: Int64 = .min
  ) {
    self.now = now
    self.mode = mode
    self.facts = facts
    self.store = store
    self.closedChannels = closedChannels
    self.unknownUntil = unknownUntil
  }

  /// The contact's, as far as it is known (F20).
  var zone: TimeZoneRules {
    RecipientPlace.zone(of: facts?.contact?.profile, store: store.zone)
  }
}

/// What a store's settings say to the scheduler.
struct StoreProfile: Sendable {
  let store: String
  let revision: UInt32
  let zone: TimeZoneRules
  let purchasedTag: String
  /// When each channel may be used, where the store says so (F15).
  let hours: [CommonV1.Channel: CommonV1.SendWindow]
  /// The legal entity; caps hold across its stores (C15). The store's own id where none is known.
  let controller: String
  /// How often somebody is written to at most (F15).
  let caps: [SendLimit]
  /// Kinds of carts of which a purchase stops that cart only, by number (P09).
  private let scopes: [Int32: CartTrackerV1.StopScope]

  /// A store of which nothing is set.
  init(store: String, revision: UInt32 = 0, zone: TimeZoneRules = .utc) {
    self.store = store
    self.revision = revision
    self.zone = zone
    purchasedTag = "BUY"
    hours = [:]
    controller = store
    caps = SendLimit.standard
    scopes = [:]
  }

  init(_ store: CartTrackerV1.Store) {
    let settings = store.settings
    self.store = store.id
    revision = store.revision
    // The tracker refuses zones it does not know; another version of the zone files must not stop
    // the store.
    zone = (try? TimeZoneRules(name: settings?.timeZone ?? "UTC")) ?? .utc
    let tag = settings?.purchasedTag ?? ""
    purchasedTag = tag.isEmpty ? "BUY" : tag
    var hours: [CommonV1.Channel: CommonV1.SendWindow] = [:]
    for item in settings?.windows ?? [] { hours[item.channel] = item.window }
    self.hours = hours
    let controller = settings?.controller ?? ""
    self.controller = controller.isEmpty ? store.id : controller
    caps = SendLimit.all(of: settings)
    var scopes: [Int32: CartTrackerV1.StopScope] = [:]
    for kind in settings?.kinds ?? [] where kind.stopScope != .unspecified {
      scopes[kind.kind.rawValue] = kind.stopScope
    }
    self.scopes = scopes
  }

  /// Whether a colleague's purchase stops it too.
  func stopsCompany(_ kind: Int32) -> Bool { scopes[kind] == .company }

  /// Whether a purchase stops only what is about the cart bought; else all of the contact's (P09).
  func stopsCartOnly(_ kind: Int32) -> Bool {
    if let stated = scopes[kind] { return stated == .cart }
    switch CartTrackerV1.CartKind(rawValue: kind) {
    case .quote, .configuration, .signup: return true
    default: return false
    }
  }
}
