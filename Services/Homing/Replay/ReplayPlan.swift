internal import Messages
internal import ServiceKit

/// What a replay is to do.
struct ReplayPlan: Sendable {
  /// Made or changed before the first row is sent.
  var stores: [String]
  var settings: ReplaySettings
  /// The first and the last row's instants, in microseconds since 1970.
  var firstAt: Int64
  var lastAt: Int64
  /// Rows of so long a span are recorded before its timers are decided; nil: every timer is decided
  /// before the rows that follow it are sent.
  var step: Duration?
  /// Whether the clock runs on by one window after the last row.
  var drains = true
  /// What every contact gets with its first event that is not a view.
  var contacts = ContactTemplates()
  /// Nil: no flow runs.
  var flow: ReplayFlow?
  /// Says which file the events are of.
  var idPrefix: String
  /// Done again and again while rows are on their way, for tests of what a crash does.
  var disturbance: Disturbance?

  struct Disturbance: Sendable {
    /// After so many rows.
    let interval: Int
    /// Ends the services and starts them anew.
    let act: @Sendable () async throws -> Void
  }
}

/// What a replay sets for the stores it fills.
struct ReplaySettings: Hashable, Sendable {
  var window: CartTrackerV1.Window
  var lateness: Duration
  var viewsAreActivity: Bool
  /// Of stores that are new.
  var timeZone: String

  /// - Parameter present: the store as it is; nil for a new one.
  func request(
    _ store: String, _ present: CartTrackerV1.Store?, idPrefix: String
  ) throws -> CartTrackerV1.PutStoreRequest {
    var settings =
      present?.settings
      ?? CartTrackerV1.StoreSettings(
        name: store, controller: "replay", timeZone: timeZone, locale: "en", countryCode: "DE")
    if settings.imprint == nil { settings.imprint = ReplaySettings.imprint(store) }
    settings.detection = true
    settings.window = window
    settings.allowedLateness = Protobuf.Duration(lateness)
    settings.viewsAreActivity = viewsAreActivity
    settings.feedLimit = Protobuf.Duration(.zero)
    let revision = present?.revision ?? 0
    // The same request has the same key, another one another.
    let digest = SHA256.hash(try settings.encoded() + Array("\(store)/\(revision)".utf8))
    return CartTrackerV1.PutStoreRequest(
      store: store, idempotencyKey: "replay-\(idPrefix)-\(HexText.text(digest.prefix(8)))",
      settings: settings, revision: revision)
  }
}

extension ReplaySettings {
  /// Who the messages of a store say they come from, where it does not say it itself.
  private static func imprint(_ store: String) -> CartTrackerV1.Imprint {
    CartTrackerV1.Imprint(
      legalName: "Replay of \(store)",
      address: CommonV1.Address(
        countryCode: "DE", company: "Replay", streetLines: ["Beispielweg 1"], postalCode: "12345",
        locality: "Musterstadt"),
      senderName: "Replay of \(store)", senderEmail: "shop@replay.invalid",
      supportEmail: "help@replay.invalid", website: "https://replay.invalid/")
  }
}
