internal import Messages

/// What an erasure leaves of the log (P10): what was put into carts and bought, when, and for how
/// much; the shop's ids, by which a repeat is known and a hand-off proved; consents, which are
/// proof. Whatever else could say who somebody is goes.
extension Tracked.LogRecord {
  /// Without personal fields. Redacting twice is redacting once.
  var redacted: Tracked.LogRecord {
    var record = self
    switch kind {
    case .event(let event): record.kind = .event(event.redacted)
    case .link(var link):
      link.note = ""
      record.kind = .link(link)
    case .declaration, .erasure, nil: break
    }
    return record
  }
}

extension Tracked.Event {
  fileprivate var redacted: Tracked.Event {
    var event = self
    event.header = header?.redacted
    switch kind {
    case .itemAdded(var added):
      // A text of the shopper's own, such as an engraving.
      added.line?.configuration = ""
      event.kind = .itemAdded(added)
    case .reasonGiven(var reason):
      reason.note = ""
      event.kind = .reasonGiven(reason)
    case .contactUpserted(let upsert):
      event.kind = .contactUpserted(
        Tracked.ContactUpserted(profile: upsert.profile?.redacted ?? Tracked.ContactProfile()))
    case .tagsChanged: event.kind = .tagsChanged(Tracked.TagsChanged())
    case .signal(var signal):
      signal.attributes = []
      event.kind = .signal(signal)
    default: break
    }
    return event
  }
}

extension Tracked.CartHeader {
  /// The address restores a cart for whoever opens it.
  fileprivate var redacted: Tracked.CartHeader {
    var header = self
    header.url = ""
    header.quote = ""
    return header
  }
}

extension Tracked.ContactProfile {
  fileprivate var redacted: Tracked.ContactProfile {
    Tracked.ContactProfile(consents: consents, sourceAt: sourceAt)
  }
}

extension Tracked.LogRecord {
  /// Where it says that somebody can be written to.
  var destinations: [CommonV1.ErasePerson.Destination] {
    profile?.destinations.map { .init(channel: $0.channel, address: $0.address) } ?? []
  }

  /// Where it says that somebody lives.
  var address: CommonV1.Address? { profile?.address }

  private var profile: Tracked.ContactProfile? {
    guard case .event(let event) = kind, case .contactUpserted(let upsert) = event.kind else {
      return nil
    }
    return upsert.profile
  }
}
