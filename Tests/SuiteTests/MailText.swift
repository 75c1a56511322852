internal import Foundation
internal import TestSupport

/// The parts of a mail that a person sees, decoded, as far as our own mails need it.
struct MailText {
  struct Failure: Error {
    let what: String
  }

  /// By media type, such as `text/html`.
  private(set) var parts: [String: String] = [:]

  init(_ mail: SMTPSink.Mail) throws { try add(mail.text[...], depth: 0) }

  private mutating func add(_ entity: Substring, depth: Int) throws {
    guard depth < 4, let end = entity.range(of: "\r\n\r\n") else {
      throw Failure(what: "an entity without an end of its headers")
    }
    let folded = entity[..<end.lowerBound].replacingOccurrences(of: "\r\n ", with: " ")
      .replacingOccurrences(of: "\r\n\t", with: " ")
    var headers: [String: String] = [:]
    for line in folded.components(separatedBy: "\r\n") {
      guard let colon = line.firstIndex(of: ":") else { continue }
      headers[line[..<colon].lowercased()] = line[line.index(after: colon)...]
        .trimmingCharacters(in: .whitespaces)
    }
    let type = headers["content-type"] ?? "text/plain"
    let body = entity[end.upperBound...]
    if type.lowercased().hasPrefix("multipart/") {
      guard let start = type.range(of: "boundary=") else { throw Failure(what: "no boundary") }
      let boundary = type[start.upperBound...].drop { $0 == "\"" }
        .prefix { $0 != "\"" && $0 != ";" }
      for part in ("\r\n" + body).components(separatedBy: "\r\n--" + boundary).dropFirst()
      where !part.hasPrefix("--") {
        try add(part.drop { $0 != "\r\n" }.dropFirst(), depth: depth + 1)
      }
      return
    }
    let media = type.split(separator: ";")[0].lowercased()
    parts[media] = try MailText.decoded(
      String(body), headers["content-transfer-encoding"]?.lowercased() ?? "7bit")
  }

  private static func decoded(_ body: String, _ encoding: String) throws -> String {
    switch encoding {
    case "base64":
      let data = Data(base64Encoded: body, options: .ignoreUnknownCharacters)
      return String(decoding: data ?? Data(), as: UTF8.self)
    case "quoted-printable":
      var bytes: [UInt8] = []
      var rest = Array(body.replacingOccurrences(of: "=\r\n", with: "").utf8)[...]
      while let byte = rest.popFirst() {
        if byte == UInt8(ascii: "="), rest.count >= 2,
          let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
        {
          bytes.append(value)
          rest = rest.dropFirst(2)
        } else {
          bytes.append(byte)
        }
      }
      return String(decoding: bytes, as: UTF8.self)
    default: return body
    }
  }

  /// The first link of the kind `c`, `o` or `u`, as a path such as `/c/TOKEN`.
  func link(_ kind: String, in media: String = "text/html") throws -> String {
    let text = parts[media] ?? ""
    guard let start = text.range(of: "/\(kind)/", options: .regularExpression) else {
      throw Failure(what: "no /\(kind)/ link in the \(media) part: \(text.prefix(2000))")
    }
    let allowed = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-_."))
    let token = text[start.upperBound...].unicodeScalars.prefix { allowed.contains($0) }
    return "/\(kind)/" + String(token)
  }
}
