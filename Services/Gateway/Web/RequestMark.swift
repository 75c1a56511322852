internal import ServiceKit

/// What tells one request from another: the same sent again, by an impatient click or a proxy, has
/// the same mark.
enum RequestMark {
  /// 64 hexadecimal digits of a hash of the path, the address and every header.
  static func of(_ request: WebRequest, address: String) -> String {
    var hash = SHA256()
    // Each part with its length, so that no two requests make the same text.
    func add(_ text: String, _ hash: inout SHA256) {
      hash.update("\(text.utf8.count):")
      hash.update(text)
    }
    add(request.method, &hash)
    add(String(request.path), &hash)
    add(address, &hash)
    // What only a proxy or the connection adds may differ from one attempt to the next.
    let own = request.headers.filter { !perAttempt.contains($0.name) }
    for header in own.sorted(by: { ($0.name, $0.value) < ($1.name, $1.value) }) {
      add(header.name, &hash)
      add(header.value, &hash)
    }
    return hash.finish().map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
  }

  private static let perAttempt: Set = [
    "connection", "keep-alive", "x-forwarded-for", "x-request-id", "traceparent", "tracestate",
    "x-amzn-trace-id", "x-cloud-trace-context", "cf-ray", "via", "forwarded",
  ]
}

/// What proves an opt-out (M18): the request line, without the token, and the headers that matter.
enum OptOutEvidence {
  /// In bytes.
  static let sizeMax = 4096
  private static let headers = [
    "host", "user-agent", "content-type", "origin", "accept-language", "list-unsubscribe",
  ]

  /// - Parameter path: without the token.
  static func text(
    _ request: WebRequest, _ path: String, address: String, body: String
  ) -> String {
    var lines = ["\(request.method) \(path) HTTP/1.1", "from: \(address)", "body: \(body)"]
    for name in headers {
      if let value = request.header(name) { lines.append("\(name): \(value)") }
    }
    return lines.joined(separator: "\n").cut(toBytes: sizeMax)
  }
}

extension String {
  /// At most so many bytes, no character broken.
  func cut(toBytes sizeMax: Int) -> String {
    if utf8.count <= sizeMax { return self }
    var size = 0
    return String(
      prefix { character in
        size += character.utf8.count
        return size <= sizeMax
      })
  }
}
