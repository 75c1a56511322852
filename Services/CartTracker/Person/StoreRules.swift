internal import Messages
internal import ServiceKit

/// A store's settings as detection uses them: instants and spans in microseconds.
struct StoreRules: Sendable {
  let store: String
  let revision: UInt32
  /// Nil while detection is off; else since when it is on (C12).
  let detectsSince: Int64?
  let checkoutGrace: Int64
  let lateness: Int64
  let latenessMax: Int64
  let cartExpiry: Int64
  /// Nil: no heartbeat is expected (C29).
  let feedLimit: Int64?
  let viewsAreActivity: Bool
  let abandonedTag: String
  let purchasedTag: String
  let controller: String
  let weights: Tracked.StoreSettings.ScoreWeights
  private let window: Tracked.Window
  private let kinds: [Tracked.StoreSettings.KindSettings]
  private let zone: TimeZoneRules

  static let minute: Int64 = 60_000_000
  static let day: Int64 = 86_400_000_000

  /// - Throws: where the time zone is not known.
  init(_ store: Tracked.Store) throws {
    let settings = store.settings ?? Tracked.StoreSettings()
    self.store = store.id
    revision = store.revision
    detectsSince = settings.detection ? (store.detectionSince?.microseconds ?? 0) : nil
    checkoutGrace = settings.checkoutGrace?.microseconds ?? 15 * StoreRules.minute
    lateness = settings.allowedLateness?.microseconds ?? 0
    latenessMax = settings.maxLateness?.microseconds ?? 3 * StoreRules.day
    cartExpiry = settings.cartExpiry?.microseconds ?? 365 * StoreRules.day
    let limit = settings.feedLimit?.microseconds ?? 15 * StoreRules.minute
    feedLimit = limit > 0 ? limit : nil
    viewsAreActivity = settings.viewsAreActivity
    abandonedTag = settings.abandonedTag.isEmpty ? "AB CART" : settings.abandonedTag
    purchasedTag = settings.purchasedTag.isEmpty ? "BUY" : settings.purchasedTag
    controller = settings.controller
    weights =
      settings.scoreWeights
      ?? Tracked.StoreSettings.ScoreWeights(worth: 25, stage: 25, history: 25, recency: 25)
    window = settings.window ?? Tracked.Window(length: .span(Protobuf.Duration(seconds: 3600)))
    kinds = settings.kinds
    zone = try TimeZoneRules(name: settings.timeZone)
  }

  /// The window in force for a kind of cart (C13).
  func window(for kind: Tracked.CartKind) -> Tracked.Window {
    kinds.first { $0.kind == kind }?.window ?? window
  }

  /// What a purchase of such a cart stops (P09).
  func stopScope(for kind: Tracked.CartKind) -> Tracked.StopScope {
    let stated = kinds.first { $0.kind == kind }?.stopScope ?? .unspecified
    if stated != .unspecified { return stated }
    switch kind {
    case .quote, .configuration, .signup: return .cart
    default: return .contact
    }
  }

  /// Whether a colleague's purchase stops anything in the store (P09).
  var stopsCompanies: Bool { kinds.contains { $0.stopScope == .company } }

  /// When a silence that began at `start` has lasted the window (C13).
  func end(of window: Tracked.Window, from start: Int64) -> Int64 {
    switch window.length {
    case .span(let span): start.addingClamped(span.microseconds)
    case .months(let months):
      zone.adding(months: Int(months), to: Instant(microseconds: start)).microseconds
    case nil: start
    }
  }
}

extension Protobuf.Timestamp {
  /// Since 1970, rounded down.
  var microseconds: Int64 { seconds * 1_000_000 + Int64(nanos) / 1000 }

  /// Nil for 0, which stands for "none" in stored rows.
  init?(microseconds: Int64) {
    if microseconds == 0 { return nil }
    self.init(instant: microseconds)
  }

  init(instant microseconds: Int64) {
    let seconds = microseconds.quotientRoundedDown(by: 1_000_000)
    self.init(seconds: seconds, nanos: Int32(microseconds - seconds * 1_000_000) * 1000)
  }
}

extension Protobuf.Duration {
  /// Cut to what fits, about 290,000 years.
  var microseconds: Int64 {
    let (whole, isOver) = seconds.multipliedReportingOverflow(by: 1_000_000)
    return isOver ? (seconds < 0 ? .min / 2 : .max / 2) : whole + Int64(nanos) / 1000
  }
}

extension Int64 {
  func addingClamped(_ other: Int64) -> Int64 {
    let (sum, isOver) = addingReportingOverflow(other)
    return isOver ? (other < 0 ? .min : .max) : sum
  }

  func quotientRoundedDown(by divisor: Int64) -> Int64 {
    let quotient = self / divisor
    return self % divisor < 0 ? quotient - 1 : quotient
  }
}
