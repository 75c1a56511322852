internal import ServiceKit

/// What following a link does.
enum LinkPurpose: UInt8, CaseIterable, Sendable {
  case click = 0x63
  case open = 0x6F
  case unsubscribe = 0x75
  /// Not followed: stands in a mail's return path.
  case bounce = 0x72

  /// The letter in the link's path: `c`, `o`, `u`, or `r` for a return path, which is none.
  var letter: String { String(UnicodeScalar(rawValue)) }
}

/// What a link says about itself: ids, never a target.
struct LinkClaims: Hashable, Sendable {
  let purpose: LinkPurpose
  /// The message's id: 16 bytes.
  let message: [UInt8]
  let bucket: UInt8
  /// Index in the message's `TrackedLink`s; 0 where the purpose needs none.
  let link: UInt8
  /// Whole seconds; nil never ends.
  let expires: Instant?
}

/// The text of a signed link.
///
/// Base64url (RFC 4648 §5, no padding) of 41 bytes: version 1, key id, purpose, message (16),
/// bucket, link, expiry in seconds since 1970 (4, big end first, 0 for never), and the first 16
/// bytes of HMAC-SHA-256 over `homing link` with a zero byte and the 25 bytes before.
enum LinkToken {
  static let version: UInt8 = 1
  /// In characters.
  static let textSize = 55
  private static let claimsSize = 25
  private static let context = Array("homing link\0".utf8)

  static func text(_ claims: LinkClaims, _ key: LinkSeal) -> String {
    precondition(claims.message.count == 16)
    var bytes: [UInt8] = [version, key.id, claims.purpose.rawValue]
    bytes.reserveCapacity(claimsSize + LinkSeal.size)
    bytes += claims.message
    bytes.append(claims.bucket)
    bytes.append(claims.link)
    let seconds = claims.expires.map { UInt32(clamping: max(1, $0.seconds)) } ?? 0
    for shift in [24, 16, 8, 0] as [UInt32] {
      bytes.append(UInt8(truncatingIfNeeded: seconds >> shift))
    }
    assert(bytes.count == claimsSize)
    bytes += key.seal(context + bytes)
    return Base64URL.text(bytes)
  }

  /// What a text claims, nil for anything but one of ours: wrong form, purpose, key or seal, or one
  /// that has expired.
  ///
  /// Only the one text that signing gives is accepted, so a link has no second form.
  static func claims(
    _ text: String, purpose: LinkPurpose, keys: LinkKeys, now: Instant
  ) -> LinkClaims? {
    guard text.utf8.count == textSize, let bytes = Base64URL.bytes(text),
      bytes.count == claimsSize + LinkSeal.size, bytes[0] == version, let key = keys[bytes[1]]
    else { return nil }
    let claimed = bytes[..<claimsSize]
    guard key.fits(Array(bytes[claimsSize...]), context + claimed),
      LinkPurpose(rawValue: bytes[2]) == purpose
    else { return nil }
    let seconds = bytes[21..<25].reduce(Int64(0)) { $0 << 8 | Int64($1) }
    let expires = seconds == 0 ? nil : Instant(seconds: seconds)
    if let expires, expires <= now { return nil }
    return LinkClaims(
      purpose: purpose, message: Array(bytes[3..<19]), bucket: bytes[19], link: bytes[20],
      expires: expires)
  }
}
