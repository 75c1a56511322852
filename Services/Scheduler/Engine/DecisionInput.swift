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

  init(
    now: Int64, mode: CommonV1.Mode, facts: CartTrackerV1.Facts? = nil, store: StoreProfile,
    closedChannels: Set<CommonV1.Channel> = []
  ) {
    self.now = now
    self.mode = mode
    self.facts = facts
    self.store = store
    self.closedChannels = closedChannels
  }

  /// The contact's own zone, else what the address's country has, else the store's (F20).
  var zone: TimeZoneRules {
    let profile = facts?.contact?.profile
    let stated = profile?.timeZone ?? ""
    if !stated.isEmpty, let zone = try? TimeZoneRules(name: stated) { return zone }
    let country = profile?.address?.countryCode ?? ""
    if let name = DecisionInput.zones[country], let zone = try? TimeZoneRules(name: name) {
      return zone
    }
    for destination in profile?.destinations ?? [] where destination.channel == .sms {
      let prefix = DecisionInput.prefixes.first { destination.address.hasPrefix($0.key) }
      if let name = prefix.flatMap({ DecisionInput.zones[$0.value] }),
        let zone = try? TimeZoneRules(name: name)
      {
        return zone
      }
    }
    return store.zone
  }

  /// Countries with one zone.
  private static let zones = [
    "AT": "Europe/Vienna", "BE": "Europe/Brussels", "CH": "Europe/Zurich", "CZ": "Europe/Prague",
    "DE": "Europe/Berlin", "DK": "Europe/Copenhagen", "FR": "Europe/Paris", "GB": "Europe/London",
    "IE": "Europe/Dublin", "IT": "Europe/Rome", "LI": "Europe/Vaduz", "LU": "Europe/Luxembourg",
    "NL": "Europe/Amsterdam", "NO": "Europe/Oslo", "PL": "Europe/Warsaw", "SE": "Europe/Stockholm",
  ]

  /// Of telephone numbers in E.164; those that several countries share are left out.
  private static let prefixes = [
    "+43": "AT", "+32": "BE", "+41": "CH", "+420": "CZ", "+49": "DE", "+45": "DK", "+33": "FR",
    "+353": "IE", "+39": "IT", "+423": "LI", "+352": "LU", "+31": "NL", "+47": "NO", "+48": "PL",
    "+46": "SE",
  ]
}

/// What a store's settings say to the scheduler.
struct StoreProfile: Sendable {
  let store: String
  let revision: UInt32
  let zone: TimeZoneRules
  let purchasedTag: String
  /// Kinds of carts of which a purchase stops that cart only, by number (P09).
  private let scopes: [Int32: CartTrackerV1.StopScope]

  /// A store of which nothing is set.
  init(store: String, revision: UInt32 = 0, zone: TimeZoneRules = .utc) {
    self.store = store
    self.revision = revision
    self.zone = zone
    purchasedTag = "BUY"
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
    var scopes: [Int32: CartTrackerV1.StopScope] = [:]
    for kind in settings?.kinds ?? [] where kind.stopScope != .unspecified {
      scopes[kind.kind.rawValue] = kind.stopScope
    }
    self.scopes = scopes
  }

  /// Whether a purchase stops only what is about the cart bought; else all of the contact's (P09).
  func stopsCartOnly(_ kind: Int32) -> Bool {
    if let stated = scopes[kind] { return stated == .cart }
    switch CartTrackerV1.CartKind(rawValue: kind) {
    case .quote, .configuration, .signup: return true
    default: return false
    }
  }
}
