internal import Delivery

/// The envelope sender of our mails: `LOCAL+TOKEN@DOMAIN`, where the token seals the message's id.
enum ReturnPath {
  /// Nil where the operator names none, or links are samples.
  static func text(_ address: MailAddress?, _ token: String) -> String? {
    guard let address, !token.isEmpty else { return nil }
    let local = address.text.dropLast(address.domain.utf8.count + 1)
    return "\(local)+\(token)@\(address.domain)"
  }

  /// What stands between the first plus and the last at sign; nil where there is nothing.
  static func token(_ recipient: String) -> String? {
    guard let at = recipient.lastIndex(of: "@"),
      let plus = recipient[..<at].firstIndex(of: "+")
    else { return nil }
    let token = recipient[recipient.index(after: plus)..<at]
    return token.utf8.count == LinkToken.textSize ? String(token) : nil
  }
}
