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
  /// What every contact gets with its first event.
  var contacts = ContactTemplates()
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

/// The addresses that a replay gives to contacts, `{contact}` standing for their id.
struct ContactTemplates: Hashable, Sendable {
  var email: String?
  var phone: String?
  /// `STREET; POSTCODE TOWN; COUNTRY`.
  var address: String?

  var isEmpty: Bool { email == nil && phone == nil && address == nil }

  /// With consent to everything, which a replay assumes.
  func profile(_ contact: String, at: Protobuf.Timestamp) -> CartTrackerV1.ContactProfile {
    var profile = CartTrackerV1.ContactProfile()
    let channels: [(template: String?, channel: CommonV1.Channel)] = [
      (email, .email), (phone, .sms),
    ]
    for (template, channel) in channels {
      guard let template else { continue }
      profile.destinations.append(
        .init(
          channel: channel, address: ContactTemplates.filled(template, contact), confirmedAt: at))
      for purpose in ["recovery", "feedback"] {
        profile.consents.append(
          .init(
            channel: channel, purpose: purpose, source: "homing replay", givenAt: at,
            confirmedAt: at))
      }
    }
    if let address { profile.address = ContactTemplates.address(address, contact) }
    return profile
  }

  /// - Throws: `CommandError` for an address that is not in its form.
  func check() throws(CommandError) {
    guard let address, ContactTemplates.address(address, "1") == nil else { return }
    throw .usage(
      "--address must be \"STREET; POSTCODE TOWN; COUNTRY\" with a country of two capital letters, "
        + "is \"\(Printable.text(address))\"")
  }

  private static func filled(_ template: String, _ contact: String) -> String {
    template.split(separator: "{contact}", omittingEmptySubsequences: false)
      .joined(separator: contact)
  }

  private static func address(_ template: String, _ contact: String) -> CommonV1.Address? {
    let parts = filled(template, contact).split(separator: ";").map {
      String($0.drop { $0 == " " })
    }
    guard parts.count == 3, parts[2].utf8.count == 2,
      parts[2].utf8.allSatisfy({ (0x41...0x5A).contains($0) }),
      let space = parts[1].firstIndex(of: " ")
    else { return nil }
    return CommonV1.Address(
      countryCode: parts[2], streetLines: [parts[0]], postalCode: String(parts[1][..<space]),
      locality: String(parts[1][parts[1].index(after: space)...]))
  }
}
