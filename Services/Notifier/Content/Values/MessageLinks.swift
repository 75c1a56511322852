internal import ServiceKit
internal import Texts

/// What the links of a message carry.
enum LinkKind: Sendable {
  /// Tokens: where they lead to is kept, and whoever follows them is noticed (M19).
  case tracked
  /// The shop's own addresses, and a token to unsubscribe with; nothing tells of an opening.
  case untracked
  /// For staff and copies: the shop's own addresses alone (M04).
  case plain
}

/// The links of one message while it is made: each address is noted once, in the order of need.
struct MessageLinks: ValueLinks {
  /// A link's index is one byte in its token.
  static let countMax = 255

  private let maker: LinkMaker
  private let message: [UInt8]
  private let bucket: UInt8
  private let now: Instant
  let kind: LinkKind
  private(set) var tracked: [TrackedLink] = []

  init(_ maker: LinkMaker, message: [UInt8], bucket: UInt8, now: Instant, kind: LinkKind) {
    self.maker = maker
    self.message = message
    self.bucket = bucket
    self.now = now
    self.kind = kind
  }

  /// What to show for a link to `url`; nil where that is no address of the web.
  mutating func link(_ name: String, _ url: String) -> String? {
    guard let url = WebURL(url) else { return nil }
    guard kind == .tracked, tracked.count < MessageLinks.countMax else { return url.text }
    tracked.append(TrackedLink(name: name, url: url.text))
    return maker.address(
      .click, message: message, bucket: bucket, link: UInt8(tracked.count - 1), now: now)
  }

  var unsubscribe: String? { kind == .plain ? nil : address(.unsubscribe) }
  var openPixel: String? { kind == .tracked ? address(.open) : nil }

  private func address(_ purpose: LinkPurpose) -> String {
    maker.address(purpose, message: message, bucket: bucket, now: now)
  }
}
