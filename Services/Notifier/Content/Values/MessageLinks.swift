internal import ServiceKit
internal import Texts

/// The links of one message while it is made: each address is noted once, in the order of need.
struct MessageLinks: ValueLinks {
  /// A link's index is one byte in its token.
  static let countMax = 255

  private let maker: LinkMaker
  private let message: [UInt8]
  private let bucket: UInt8
  private let now: Instant
  /// Off for staff and copies: they get the shop's own address.
  let tracks: Bool
  private(set) var tracked: [TrackedLink] = []

  init(_ maker: LinkMaker, message: [UInt8], bucket: UInt8, now: Instant, tracks: Bool) {
    self.maker = maker
    self.message = message
    self.bucket = bucket
    self.now = now
    self.tracks = tracks
  }

  /// What to show for a link to `url`; nil where that is no address of the web.
  mutating func link(_ name: String, _ url: String) -> String? {
    guard let url = WebURL(url) else { return nil }
    guard tracks, tracked.count < MessageLinks.countMax else { return url.text }
    tracked.append(TrackedLink(name: name, url: url.text))
    return maker.address(
      .click, message: message, bucket: bucket, link: UInt8(tracked.count - 1), now: now)
  }

  var unsubscribe: String? { address(.unsubscribe) }
  var openPixel: String? { address(.open) }

  /// Nil where nothing is tracked.
  private func address(_ purpose: LinkPurpose) -> String? {
    tracks ? maker.address(purpose, message: message, bucket: bucket, now: now) : nil
  }
}
