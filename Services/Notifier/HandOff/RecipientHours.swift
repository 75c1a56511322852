internal import Delivery
internal import Messages
internal import ServiceKit

/// Whether an order may be handed over now on its recipient's clock (F15). Pure.
struct RecipientHours {
  /// Why it waits, and until when.
  struct Closed: Equatable {
    let reason: CommonV1.ReasonCode
    let opens: Instant
  }

  /// The channel's first, then the step's.
  private let hours: [SendHours]
  private let zones: [TimeZoneRules]

  init(
    _ order: CommonV1.SendOrder, _ facts: CartTrackerV1.Facts,
    _ settings: CartTrackerV1.StoreSettings
  ) {
    let standard = SendHours.standard(order.channel).map { [$0] } ?? []
    hours = (order.windows.isEmpty ? standard : order.windows).compactMap { SendHours($0) }
    // cart-tracker refuses zones that it does not know; another version of the zone files here must
    // not stop the store.
    let store = (try? TimeZoneRules(name: settings.timeZone)) ?? .utc
    zones = RecipientPlace.zones(of: facts.contact?.profile, store: store)
  }

  /// Nil where all are open, in every zone that the recipient may be in. Hours that are never open
  /// together last until the order expires.
  func closed(at now: Instant) -> Closed? {
    let shut = hours.firstIndex { hours in
      zones.contains { !hours.isOpen(at: now, zone: $0) }
    }
    guard let index = shut else { return nil }
    return Closed(
      reason: index == 0 ? .quietHours : .sendWindow,
      opens: SendHours.opening(of: hours, from: now, zones: zones) ?? Instant.latest)
  }
}
