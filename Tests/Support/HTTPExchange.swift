internal import Glibc

/// One request over a connection of its own to 127.0.0.1, nothing followed.
package struct HTTPExchange: Sendable {
  package struct Failure: Error {
    package let what: String
  }

  package let status: Int
  /// By lower-case names; the last one where there are several.
  package let headers: [String: String]
  package let body: [UInt8]

  package var text: String { String(decoding: body, as: UTF8.self) }

  /// Waits for the whole answer on a thread of its own.
  package static func ask(
    port: Int, _ method: String = "GET", _ path: String, headers: [String: String] = [:],
    body: String = ""
  ) async throws -> HTTPExchange {
    var request = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n"
    for (name, value) in headers { request += "\(name): \(value)\r\n" }
    if !body.isEmpty { request += "Content-Length: \(body.utf8.count)\r\n" }
    let bytes = Array((request + "\r\n" + body).utf8)
    return try HTTPExchange(reading: try await onThread { try exchange(port, bytes) })
  }

  private init(reading answer: [UInt8]) throws {
    let text = String(decoding: answer, as: UTF8.self)
    guard let end = text.range(of: "\r\n\r\n") else { throw Failure(what: "no answer: \(text)") }
    let lines = text[..<end.lowerBound].split(separator: "\r\n")
    guard let words = lines.first?.split(separator: " "), words.count >= 2,
      let status = Int(words[1])
    else { throw Failure(what: "no status: \(text)") }
    self.status = status
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      if parts.count == 2 { headers[parts[0].lowercased()] = String(parts[1].dropFirst()) }
    }
    self.headers = headers
    body = Array(text[end.upperBound...].utf8)
  }

  private static func exchange(_ port: Int, _ request: [UInt8]) throws -> [UInt8] {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
    let isConnected = withUnsafePointer(to: &address) { start in
      start.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
    guard isConnected else { throw Failure(what: "nobody listens on \(port)") }
    guard send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
      throw Failure(what: "the request was not taken")
    }
    var answer: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = recv(descriptor, &chunk, chunk.count, 0)
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { return answer }
      answer += chunk[..<count]
    }
  }
}

extension String {
  /// Where the first occurrence of `part` lies.
  fileprivate func range(of part: String) -> Range<String.Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(part) {
        return start..<index(start, offsetBy: part.count)
      }
      start = index(after: start)
    }
    return nil
  }
}
