/// An HTTP server that keeps what it is asked in memory, and misbehaves as a test wants it to.
///
/// HTTP/1.1 in clear with bodies of a stated length; connections stay open.
package final class HTTPSink: Sendable {
  package struct Request: Sendable {
    package let connection: Int
    package let method: String
    package let path: String
    /// By lower-case names.
    package let headers: [String: String]
    package let body: [UInt8]
    package let at: ContinuousClock.Instant

    package var text: String { String(decoding: body, as: UTF8.self) }
  }

  package enum Answer: Sendable {
    case reply(Int, headers: [String: String] = [:], body: String = "")
    case cut
    /// No answer until the other side gives up.
    case hang
  }

  package let requests = Journal<Request>()
  private let listener: LoopbackListener

  package var port: Int { listener.port }
  package var url: String { "http://127.0.0.1:\(port)" }

  /// - Parameter answer: called on the connection's thread, after the request was recorded.
  package init(
    port: Int = 0,
    answer: @escaping @Sendable (Request) -> Answer = { _ in .reply(200, body: "{}") }
  ) throws {
    let requests = requests
    listener = try LoopbackListener(port: port) { connection in
      while let request = HTTPSink.request(connection) {
        requests.add(request)
        switch answer(request) {
        case .reply(let status, let headers, let body):
          var text = "HTTP/1.1 \(status) Status\r\nContent-Length: \(body.utf8.count)\r\n"
          if headers["Content-Type"] == nil { text += "Content-Type: application/json\r\n" }
          for (name, value) in headers { text += "\(name): \(value)\r\n" }
          if !connection.write(text + "\r\n" + body) { return }
        case .cut: return
        case .hang:
          connection.waitForEnd()
          return
        }
      }
    }
    listener.start()
  }

  deinit { listener.close() }

  /// Cuts all connections and takes no more.
  package func close() { listener.close() }

  private static func request(_ connection: LoopbackConnection) -> Request? {
    guard let first = connection.line() else { return nil }
    let words = first.split(separator: " ")
    guard words.count == 3 else { return nil }
    var headers: [String: String] = [:]
    while let line = connection.line(), !line.isEmpty {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { return nil }
      headers[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
    }
    if headers["expect"] == "100-continue" { connection.write("HTTP/1.1 100 Continue\r\n\r\n") }
    let length = headers["content-length"].flatMap { Int($0) } ?? 0
    guard let body = connection.bytes(length) else { return nil }
    return Request(
      connection: connection.number, method: String(words[0]), path: String(words[1]),
      headers: headers, body: body, at: .now)
  }
}
