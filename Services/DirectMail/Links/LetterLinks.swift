internal import ServiceKit
internal import Texts
internal import Wire

/// What a code on a letter is for.
enum LetterPurpose: UInt8, CaseIterable, Sendable {
  /// Leads to the cart.
  case cart = 0x6C
  /// Objects to mail.
  case objection = 0x62

  /// The letter in the link's path: `l` or `b`.
  var letter: String { String(UnicodeScalar(rawValue)) }
}

/// Makes the addresses behind the codes on a letter, and reads them again.
///
/// A token is base64url (RFC 4648 §5, no padding) of 40 bytes: version 1, key id, purpose, piece
/// (16), bucket, expiry in seconds since 1970 (4, big end first, 0 for never), and the first 16
/// bytes of HMAC-SHA-256 over `homing letter` with a zero byte and the 24 bytes before.
struct LetterLinks: Sendable {
  /// Links of previews lead here: a domain that no one can own (RFC 2606).
  static let sampleBase = "https://sample.invalid"
  static let keysMax = 8
  static let version: UInt8 = 1
  private static let claimsSize = 24
  private static let context = Array("homing letter\0".utf8)
  private static let codeContext = Array("homing letter code\0".utf8)

  /// Without a slash at its end.
  let base: String
  /// Newest first; none makes samples.
  private let keys: [LinkSeal]
  /// Of codes that lead to the cart; those that object never end (D10).
  private let lifetime: Duration

  /// Makes links that lead nowhere and that nothing accepts.
  static let samples = LetterLinks(sampleBase: sampleBase)

  private init(sampleBase: String) {
    base = sampleBase
    keys = []
    lifetime = .zero
  }

  /// - Parameters:
  ///   - base: where the gateway is reached: https, or http at a loopback address. A path is kept.
  ///   - keys: newest first, each with a number of its own and 32 random bytes or more.
  ///   - lifetime: of codes that lead to the cart; a letter travels for days and lies for weeks.
  /// - Throws: INVALID_ARGUMENT that names what is wrong, without showing a key.
  init(
    base: String, keys: [(id: UInt8, secret: Secret<[UInt8]>)],
    lifetime: Duration = .seconds(90 * 86_400)
  ) throws(RPCError) {
    func wrong(_ text: String) -> RPCError { RPCError(.invalidArgument, text) }
    let base = base.hasSuffix("/") ? String(base.dropLast()) : base
    guard let url = WebURL(base), !url.hasQuery, url.isSecure || url.isLoopback else {
      throw wrong("the public URL is no https address without a query, or http at loopback")
    }
    guard !keys.isEmpty, keys.count <= LetterLinks.keysMax else {
      throw wrong("\(keys.count) link keys, allowed are 1 to \(LetterLinks.keysMax)")
    }
    var seals: [LinkSeal] = []
    for (id, secret) in keys {
      let secret = secret.reveal()
      guard secret.count >= LinkSeal.secretSizeMin else {
        throw wrong(
          "link key \(id) has \(secret.count) bytes, the least is \(LinkSeal.secretSizeMin)")
      }
      guard !seals.contains(where: { $0.id == id }) else { throw wrong("link key \(id) is twice") }
      seals.append(LinkSeal(id: id, secret: secret))
    }
    precondition(lifetime > .zero)
    self.base = base
    self.keys = seals
    self.lifetime = lifetime
  }

  /// The address behind a code of a piece.
  func address(_ purpose: LetterPurpose, _ piece: PieceKey, now: Instant) -> String {
    guard let key = keys.first else { return "\(base)/\(purpose.letter)/sample" }
    var bytes: [UInt8] = [LetterLinks.version, key.id, purpose.rawValue]
    bytes += piece.id
    bytes.append(piece.bucket)
    let expires = purpose == .cart ? UInt32(clamping: max(1, (now + lifetime).seconds)) : 0
    for shift in [24, 16, 8, 0] as [UInt32] {
      bytes.append(UInt8(truncatingIfNeeded: expires >> shift))
    }
    assert(bytes.count == LetterLinks.claimsSize)
    bytes += key.seal(LetterLinks.context + bytes)
    return "\(base)/\(purpose.letter)/\(Base64URL.text(bytes))"
  }

  /// The piece of a token; nil for one that is not ours, is for something else, or has expired.
  func piece(_ token: String, _ purpose: LetterPurpose, now: Instant) -> PieceKey? {
    guard let bytes = Base64URL.bytes(token),
      bytes.count == LetterLinks.claimsSize + LinkSeal.size, bytes[0] == LetterLinks.version,
      let key = keys.first(where: { $0.id == bytes[1] }), bytes[2] == purpose.rawValue
    else { return nil }
    let claims = bytes[..<LetterLinks.claimsSize]
    guard key.fits(Array(bytes[LetterLinks.claimsSize...]), LetterLinks.context + claims) else {
      return nil
    }
    let seconds = bytes[20..<24].reduce(Int64(0)) { $0 << 8 | Int64($1) }
    if seconds != 0 && Instant(seconds: seconds) <= now { return nil }
    return PieceKey(bucket: bytes[19], id: Array(bytes[3..<19]))
  }

  // MARK: - The code to be typed

  /// The code beside the notice, for who reads it out or types it: 16 of `PrintedCode`'s characters
  /// for the first 5 bytes of the piece's id and 5 of a seal over all of it.
  func code(_ piece: PieceKey) -> String {
    guard let key = keys.first else { return "SAMP-LE00-0000-0000" }
    return PrintedCode.text(LetterLinks.codeBytes(piece.id, key))
  }

  /// With what the ids of a code's piece begin; nil for a text that is no code.
  func codePrefix(_ text: String) -> [UInt8]? {
    PrintedCode.bytes(text).map { Array($0.prefix(PrintedCode.prefixSize)) }
  }

  /// Whether a code is a piece's.
  func isCode(_ text: String, of piece: PieceKey) -> Bool {
    guard let bytes = PrintedCode.bytes(text) else { return false }
    return keys.contains { LetterLinks.codeBytes(piece.id, $0) == bytes }
  }

  private static func codeBytes(_ id: [UInt8], _ key: LinkSeal) -> [UInt8] {
    Array(id.prefix(PrintedCode.prefixSize))
      + key.seal(codeContext + id).prefix(PrintedCode.size - PrintedCode.prefixSize)
  }
}

/// Codes that people type: Crockford's base 32, in which no letter looks like a digit.
enum PrintedCode {
  /// In bytes.
  static let size = 10
  static let prefixSize = 5
  private static let digits = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)

  /// Four groups of four characters.
  static func text(_ bytes: [UInt8]) -> String {
    precondition(bytes.count == size)
    var characters: [UInt8] = []
    for half in [bytes[0..<5], bytes[5..<10]] {
      let number = half.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      for place in (0..<8).reversed() {
        if !characters.isEmpty && characters.count % 5 == 4 { characters.append(0x2D) }
        characters.append(digits[Int(number >> UInt64(place * 5) & 31)])
      }
    }
    return String(decoding: characters, as: UTF8.self)
  }

  /// Nil for what is no code. Small letters, spaces and hyphens do not matter; `O` is 0, `I` and
  /// `L` are 1.
  static func bytes(_ text: String) -> [UInt8]? {
    guard text.utf8.count <= 64 else { return nil }
    var values: [UInt64] = []
    for byte in text.utf8 where byte != 0x2D && byte != 0x20 {
      var byte = (0x61...0x7A).contains(byte) ? byte - 0x20 : byte
      if byte == 0x4F { byte = 0x30 }
      if byte == 0x49 || byte == 0x4C { byte = 0x31 }
      guard let value = digits.firstIndex(of: byte) else { return nil }
      values.append(UInt64(value))
    }
    guard values.count == 16 else { return nil }
    return [values[0..<8], values[8..<16]].flatMap { half -> [UInt8] in
      let number = half.reduce(UInt64(0)) { $0 << 5 | $1 }
      return [32, 24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> UInt64($0)) }
    }
  }
}
