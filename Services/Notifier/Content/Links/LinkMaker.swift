internal import ServiceKit
internal import Texts

/// Makes the addresses under which people come back from a message, and reads them again.
struct LinkMaker: Sendable {
  /// Links of previews lead here: a domain that no one can own (RFC 2606).
  static let sampleBase = "https://sample.invalid"

  /// Without a slash at its end.
  let base: String
  /// Nil makes samples.
  private let keys: LinkKeys?
  private let lifetime: Duration

  /// - Parameters:
  ///   - base: where the gateway is reached: https, or http at a loopback address. A path is kept.
  ///   - lifetime: of clicks and openings. Too short and late readers land nowhere; too long and an
  ///     old mail that was passed on still shows a cart. Unsubscribe links never end.
  /// - Throws: naming `public URL`.
  init(base: String, keys: LinkKeys, lifetime: Duration = .seconds(90 * 86_400))
    throws(ContentError)
  {
    let base = base.hasSuffix("/") ? String(base.dropLast()) : base
    guard let url = WebURL(base), !url.hasQuery else {
      throw ContentError("public URL", "is no address of a web server without a query")
    }
    guard url.isSecure || url.isLoopback else {
      throw ContentError("public URL", "is not https, which only a loopback address may be")
    }
    precondition(lifetime > .zero)
    self.base = base
    self.keys = keys
    self.lifetime = lifetime
  }

  private init(sampleBase: String) {
    base = sampleBase
    keys = nil
    lifetime = .zero
  }

  /// Makes links that lead nowhere and that nothing accepts.
  static let samples = LinkMaker(sampleBase: sampleBase)

  /// The address for a link of a message.
  ///
  /// - Parameters:
  ///   - message: the message's id, 16 bytes.
  ///   - link: index in the message's `TrackedLink`s, for a click.
  func address(
    _ purpose: LinkPurpose, message: [UInt8], bucket: UInt8, link: UInt8 = 0, now: Instant
  ) -> String {
    guard let keys else { return "\(base)/\(purpose.letter)/sample-\(link)" }
    let claims = LinkClaims(
      purpose: purpose, message: message, bucket: bucket, link: link,
      expires: purpose == .unsubscribe ? nil : now + lifetime)
    return "\(base)/\(purpose.letter)/\(LinkToken.text(claims, keys.newest))"
  }

  /// What stands in a message's return path; it does not end. Empty where links are samples.
  func returnToken(message: [UInt8], bucket: UInt8) -> String {
    guard let keys else { return "" }
    return LinkToken.text(
      LinkClaims(purpose: .bounce, message: message, bucket: bucket, link: 0, expires: nil),
      keys.newest)
  }

  /// What a token says; nil for one that is not ours, is for something else, or has expired.
  func verify(_ token: String, purpose: LinkPurpose, now: Instant) -> LinkClaims? {
    guard let keys else { return nil }
    return LinkToken.claims(token, purpose: purpose, keys: keys, now: now)
  }
}
