internal import Glibc
internal import Synchronization
internal import Transport

/// A plain TCP server on 127.0.0.1 that blocks: one thread takes connections, each has its own.
package final class LoopbackListener: Sendable {
  private struct State {
    var isClosed = false
    var number = 0
    var open: [Int: Int32] = [:]
  }

  package let port: Int
  private let descriptor: Int32
  private let serve: @Sendable (LoopbackConnection) -> Void
  private let state = Mutex(State())
  private static let next = Mutex(0)

  /// - Parameters:
  ///   - port: 0 takes a free one below those of outgoing connections.
  ///   - serve: called on a thread of its own for each connection, which ends when it returns.
  package init(
    port: Int = 0, serve: @escaping @Sendable (LoopbackConnection) -> Void
  ) throws {
    self.serve = serve
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var on: Int32 = 1
    setsockopt(
      descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    self.port = try LoopbackListener.bind(descriptor, port)
    guard listen(descriptor, 128) == 0 else { throw TemporaryFolder.Failure(what: "listen") }
  }

  /// Begins to take connections.
  package func start() {
    LoopbackListener.thread { [self] in
      while true {
        let accepted = accept(descriptor, nil, nil)
        if accepted < 0 {
          if errno == EINTR || errno == ECONNABORTED { continue }
          break
        }
        _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
        take(accepted)
      }
      Glibc.close(descriptor)
    }
  }

  /// Cuts all connections and takes no more.
  package func close() {
    state.withLock { state in
      guard !state.isClosed else { return }
      state.isClosed = true
      shutdown(descriptor, Int32(SHUT_RDWR))
      for other in state.open.values { shutdown(other, Int32(SHUT_RDWR)) }
    }
  }

  private func take(_ accepted: Int32) {
    let number = state.withLock { state -> Int? in
      guard !state.isClosed else { return nil }
      state.number += 1
      state.open[state.number] = accepted
      return state.number
    }
    guard let number else {
      Glibc.close(accepted)
      return
    }
    LoopbackListener.thread { [self] in
      serve(LoopbackConnection(accepted, number: number))
      _ = state.withLock { $0.open.removeValue(forKey: number) }
      Glibc.close(accepted)
    }
  }

  private static func thread(_ body: @escaping @Sendable () -> Void) {
    do { try Thread.start(name: "loopback", body) } catch {
      preconditionFailure("no thread for a connection: \(error)")
    }
  }

  /// Ports that nobody listens on, for processes that must know each other's before they start.
  package static func freePorts(_ count: Int) throws -> [Int] {
    try (0..<count).map { _ in
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      defer { Glibc.close(descriptor) }
      return try bind(descriptor, 0)
    }
  }

  private static func bind(_ descriptor: Int32, _ wanted: Int) throws -> Int {
    if wanted != 0 {
      if attempt(descriptor, wanted) { return wanted }
      throw TemporaryFolder.Failure(what: "bind \(wanted)")
    }
    for _ in 0..<2000 {
      // Several test processes begin in different places; one gives each port once.
      let index = next.withLock { number -> Int in
        number += 1
        return number
      }
      let port = 15_000 + (Int(getpid()) &* 97 + index) % 17_000
      if attempt(descriptor, port) { return port }
    }
    throw TemporaryFolder.Failure(what: "no free port")
  }

  private static func attempt(_ descriptor: Int32, _ port: Int) -> Bool {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
    return withUnsafePointer(to: &address) { start in
      start.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }
}

/// One connection of a `LoopbackListener`, used by its thread alone.
package final class LoopbackConnection {
  /// From 1, in the order of arrival.
  package let number: Int
  private let descriptor: Int32
  private var buffer: [UInt8] = []

  fileprivate init(_ descriptor: Int32, number: Int) {
    self.descriptor = descriptor
    self.number = number
  }

  /// The next line without its end; nil where the connection ends.
  package func line() -> String? {
    while true {
      if let end = buffer.firstIndex(of: 0x0A) {
        var line = buffer[..<end]
        if line.last == 0x0D { line.removeLast() }
        let text = String(decoding: line, as: UTF8.self)
        buffer.removeFirst(end + 1)
        return text
      }
      if !fill() { return nil }
    }
  }

  /// Bytes up to and without `end`, which is taken too; nil where the connection ends.
  package func bytes(until end: [UInt8]) -> [UInt8]? {
    var from = 0
    while true {
      if let at = LoopbackConnection.find(end, in: buffer, from: from) {
        let bytes = Array(buffer[..<at])
        buffer.removeFirst(at + end.count)
        return bytes
      }
      from = max(0, buffer.count - end.count)
      if !fill() { return nil }
    }
  }

  package func bytes(_ count: Int) -> [UInt8]? {
    while buffer.count < count { if !fill() { return nil } }
    let bytes = Array(buffer[..<count])
    buffer.removeFirst(count)
    return bytes
  }

  /// False where the connection has ended.
  @discardableResult
  package func write(_ text: String) -> Bool {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes {
        send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { return false }
      rest.removeFirst(count)
    }
    return true
  }

  /// Waits until the other side, or the listener, ends it.
  package func waitForEnd() { while fill() { buffer = [] } }

  private func fill() -> Bool {
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = recv(descriptor, &chunk, chunk.count, 0)
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { return false }
      buffer += chunk[..<count]
      return true
    }
  }

  private static func find(_ part: [UInt8], in bytes: [UInt8], from: Int) -> Int? {
    guard bytes.count >= part.count else { return nil }
    for start in from...(bytes.count - part.count) where from <= bytes.count - part.count {
      if bytes[start] == part[0] && bytes[start..<(start + part.count)].elementsEqual(part) {
        return start
      }
    }
    return nil
  }
}
