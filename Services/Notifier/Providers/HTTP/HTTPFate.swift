internal import Messages
internal import ServiceKit

/// What an HTTP service answered, and what came of it. Pure.
struct HTTPExchange: Sendable {
  /// 0 where none came.
  var status = 0
  var body: [UInt8] = []
  /// Of `Retry-After` in seconds; a date is read as none.
  var retryAfter: Duration?
  /// The request was written, as far as anybody knows.
  var wasSent = false

  static let bodyMax = 64 << 10

  /// How the hand-off ended. The idempotency key allows a call of unknown fate to be made again.
  ///
  /// 2xx with a JSON object, or with no body: taken; another body is none of this service's
  /// answers, so nobody knows. 408, 425, 429 and 5xx: later, not before `Retry-After`. Other
  /// statuses: refused for good; 3xx too, since nothing is followed.
  func fate(_ fault: TransferFault, _ problem: String) -> ProviderResult {
    guard fault == .none, status != 0 else {
      if !wasSent {
        return ProviderResult(
          .later(fault == .tls ? .tlsRequired : .providerUnreachable, after: nil), answer: problem)
      }
      return ProviderResult(.unsure, answer: problem)
    }
    let text = String(decoding: body.prefix(ProviderResult.textMax), as: UTF8.self)
    let number = UInt32(clamping: status)
    switch status {
    case 200..<300:
      if body.isEmpty { return ProviderResult(.taken, status: number) }
      guard let json = try? JSON(body), case .object = json else {
        return ProviderResult(.unsure, status: number, answer: text)
      }
      return ProviderResult(
        .taken, status: number, answer: text, providerID: json["id"]?.text ?? "")
    case 408, 425, 429, 500..<600:
      return ProviderResult(
        .later(.providerRefused, after: retryAfter), status: number, answer: text)
    default: return ProviderResult(.refused, status: number, answer: text)
    }
  }

  /// Takes a header line.
  mutating func hear(_ line: [UInt8]) {
    let text = String(decoding: line.prefix(256), as: UTF8.self).lowercased()
    if text.hasPrefix("http/") {
      // Of a further answer, such as after 100.
      retryAfter = nil
      body = []
    }
    guard text.hasPrefix("retry-after:") else { return }
    let value = text.dropFirst(12).filter { !$0.isWhitespace }
    if let seconds = Int64(value), seconds >= 0, value.utf8.count <= 9 {
      retryAfter = .seconds(seconds)
    }
  }

  mutating func receive(_ bytes: UnsafeRawBufferPointer) {
    let room = HTTPExchange.bodyMax - body.count
    body.append(contentsOf: bytes.prefix(max(0, room)))
  }
}
