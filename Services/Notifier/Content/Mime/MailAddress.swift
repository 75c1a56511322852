internal import Messages
internal import Texts

/// The address of one mailbox: `local@domain` and nothing round it.
struct MailAddress: Hashable, Sendable {
  /// In bytes (RFC 5321 §4.5.3.1.3).
  static let sizeMax = 254
  static let localSizeMax = 64

  /// In ASCII, an internationalised domain in its `xn--` form.
  let text: String
  let domain: String

  /// Quoted local parts, comments, domain literals and domains of one label are refused: they are
  /// no addresses that shops have, and each is a way to write something else between the lines.
  ///
  /// - Parameter field: what the error names, such as `recipient`.
  init(
    _ address: String, field: String, reason: CommonV1.ReasonCode = .unspecified
  ) throws(ContentError) {
    func refused(_ problem: String) -> ContentError { ContentError(field, problem, reason) }
    let size = address.utf8.count
    guard size <= MailAddress.sizeMax else {
      throw refused("an address of \(size) bytes, the limit is \(MailAddress.sizeMax)")
    }
    guard !address.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) else {
      throw refused("holds white space or a control character")
    }
    let parts = address.split(separator: "@", omittingEmptySubsequences: false)
    guard parts.count == 2 else { throw refused("is no address of the form local@domain") }
    guard MailAddress.isLocal(parts[0]) else {
      throw refused("has a part before its @ that is not allowed")
    }
    guard MailAddress.isDomain(parts[1]) else { throw refused("has no domain that mail goes to") }
    if address.utf8.allSatisfy({ $0 < 0x80 }) {
      text = address
      domain = String(parts[1])
      return
    }
    // One more check: what a domain maps to may hold what the domain did not.
    guard let ascii = MimeCodec.asciiAddress(address), ascii.utf8.count <= MailAddress.sizeMax,
      let domain = ascii.split(separator: "@", omittingEmptySubsequences: false).last,
      ascii.hasPrefix(parts[0] + "@"), MailAddress.isDomain(domain)
    else { throw refused("has a domain that cannot be written in ASCII") }
    text = ascii
    self.domain = String(domain)
  }

  /// RFC 5322's dot-atom, in ASCII.
  private static func isLocal(_ text: Substring) -> Bool {
    let atoms = text.split(separator: ".", omittingEmptySubsequences: false)
    return text.utf8.count <= localSizeMax
      && atoms.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { isAtomText[Int($0)] } }
  }

  private static func isDomain(_ text: Substring) -> Bool {
    let labels = text.split(separator: ".", omittingEmptySubsequences: false)
    return labels.count >= 2 && text.utf8.count <= 253
      && labels.allSatisfy { label in
        !label.isEmpty && label.utf8.count <= 63 && label.first != "-" && label.last != "-"
          && label.unicodeScalars.allSatisfy(isLabelScalar)
      }
  }

  private static func isLabelScalar(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x2D, 0x30...0x39, 0x41...0x5A, 0x61...0x7A: return true
    case 0..<0x80: return false
    default: break
    }
    return scalar.properties.isAlphabetic || scalar.properties.generalCategory == .nonspacingMark
      || scalar.properties.numericType != nil
  }

  /// Letters, digits and RFC 5322's `!#$%&'*+-/=?^_{|}~` with the back quote.
  static let isAtomText: [Bool] = (0..<256).map { byte in
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
      || "!#$%&'*+-/=?^_`{|}~".utf8.contains(UInt8(byte))
  }
}
