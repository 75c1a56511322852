internal import Messages
internal import ServiceKit
internal import Synchronization
internal import Texts

/// A stored version of a template in one locale.
///
/// Two with the same store, name, locale and version have the same parts: compiled ones are kept by
/// these four.
struct StoredTemplate: Sendable {
  let store: String
  let name: String
  let channel: CommonV1.Channel
  /// BCP 47; empty for the one that fits everyone.
  let locale: String
  /// From 1; 0 for parts that are not stored, which are compiled each time.
  let version: UInt32
  let parts: NotifierV1.TemplateParts
}

/// What one message is made from: all of it read before, nothing is asked for while rendering.
struct RenderRequest: Sendable {
  let order: CommonV1.SendOrder
  /// Of the order's contact and cart.
  let facts: CartTrackerV1.Facts
  /// With its settings and imprint.
  let store: CartTrackerV1.Store
  let template: StoredTemplate
  /// BCP 47: what the recipient reads, for amounts, dates and the salutation. Where its language is
  /// not the template's, the template's is used.
  let locale: String
  /// One address, as chosen for this hand-off; for a webhook the endpoint's name.
  let recipient: String
  let links: LinkMaker
  /// Whether openings and clicks may be noticed (F16, M19).
  let isTracked: Bool
  /// The message's bucket, which its links carry.
  let bucket: UInt8
  /// For `Date` and for what has expired.
  let now: Instant

  var source: ValueSource { ValueSource(order: order, facts: facts, store: store, now: now) }
}

/// A message that is ready for its provider, or why it has to wait.
enum Rendered: Sendable {
  case email(EmailContent)
  /// SMS, chat, push, internal notification.
  case text(TextContent)
  case webhook(WebhookContent)
  /// Required parameters without a value, in order of their names: MISSING_VALUE.
  case held(missing: [String])
}

/// An e-mail as it goes out.
struct EmailContent: Sendable {
  /// RFC 5322, with CRLF, every line at most 998 bytes, 7-bit.
  let bytes: [UInt8]
  /// Envelope addresses in ASCII: internationalised domains in their `xn--` form.
  let from: String
  let to: String
  /// With its angle brackets.
  let messageID: String
  /// Sealed id of the message, for a return path of its own; empty where links are samples.
  let returnToken: String
  /// What the tracked links lead to; a link's index in its token counts from the first.
  let links: [TrackedLink]
  /// In the order of the order's `copies`, those that are no addresses left out (M04).
  let copies: [EmailCopy]
}

/// The same e-mail without tracking, cart or unsubscribe tokens (M04).
struct EmailCopy: Sendable {
  let to: String
  let bytes: [UInt8]
}

/// A message of one text.
struct TextContent: Sendable {
  let text: String
  let links: [TrackedLink]
}

/// The body of a call of a webhook.
struct WebhookContent: Sendable {
  /// JSON.
  let body: [UInt8]
}

/// Where a link of a message leads. Kept with the message: the link itself carries only its index.
struct TrackedLink: Hashable, Sendable {
  /// The parameter that it stands for, such as `cart_link` or `lines.2.url`; at most 64 bytes.
  let name: String
  /// https, or http where the shop gave that.
  let url: String
}

/// Makes messages out of templates and facts. Safe to use from many threads at once.
///
/// Work for the processor alone, some 100 µs a message: call it on threads of its own, not on an
/// event loop.
final class ContentRenderer: Sendable {
  /// Bytes of one part after its values are in.
  static let renderedBytesMax = 1 << 20

  private let cache: TemplateCache
  private let zones = ZoneCache()

  /// - Parameter templatesMax: compiled templates kept; the least used go first. Too few cost a
  ///   compilation (some milliseconds) a message, each of them some 100 KiB.
  init(templatesMax: Int = 256) {
    cache = TemplateCache(countMax: templatesMax)
  }

  /// - Throws: `ContentError` for what no retry mends.
  func render(_ request: RenderRequest) throws(ContentError) -> Rendered {
    let compiled = try cache.template(request.template)
    return try maker(request, compiled).make()
  }

  func maker(_ request: RenderRequest, _ template: CompiledTemplate) -> MessageMaker {
    let own = request.facts.contact?.profile?.timeZone ?? ""
    let zone = zones[own.isEmpty ? request.store.settings?.timeZone ?? "" : own]
    return MessageMaker(request: request, template: template, zone: zone)
  }
}

/// Time zones that were read, so that each file is read once.
private final class ZoneCache: Sendable {
  private static let countMax = 600

  private let zones = Mutex<[String: TimeZoneRules]>([:])

  /// UTC where there is no such zone: a date in a message may then be a day off, and no more.
  subscript(name: String) -> TimeZoneRules {
    if let known = zones.withLock({ $0[name] }) { return known }
    let rules = (try? TimeZoneRules(name: name)) ?? .utc
    zones.withLock { zones in
      if zones.count < ZoneCache.countMax { zones[name] = rules }
    }
    return rules
  }
}
