internal import CLinux
internal import Glibc
internal import Wire

/// A host with a port, as people write it: `host:port`, `127.0.0.1:7443`, `[::1]:7443`.
public struct Target: Hashable, Sendable, CustomStringConvertible {
  public var host: String
  public var port: Int

  public init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  /// - Throws: `RPCError` INVALID_ARGUMENT that says what is wrong.
  public init(_ text: String) throws {
    guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
      (0...65535).contains(port)
    else { throw RPCError(.invalidArgument, "`\(text)` is not HOST:PORT") }
    var host = text[..<colon]
    if host.hasPrefix("[") && host.hasSuffix("]") { host = host.dropFirst().dropLast() }
    if host.isEmpty { throw RPCError(.invalidArgument, "`\(text)` has no host before its port") }
    self.init(host: String(host), port: port)
  }

  public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// An address in the form the system takes.
struct SocketAddress: Hashable, Sendable {
  let family: Int32
  let bytes: [UInt8]
  let description: String
}

enum Sockets {
  private static let backlog: Int32 = 4096
  /// Where free ports are looked for: below the range that outgoing connections use.
  private static let freePorts = 20_000..<32_000

  /// Every address of a host. Blocks: not on a loop.
  static func resolve(_ target: Target) throws(RPCError) -> [SocketAddress] {
    var hints = addrinfo()
    hints.ai_family = AF_UNSPEC
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    let result = getaddrinfo(target.host, "\(target.port)", &hints, &found)
    guard result == 0 else {
      throw RPCError(
        .unavailable, "\(target.host): \(String(cString: gai_strerror(result)))")
    }
    defer { freeaddrinfo(found) }
    var addresses: [SocketAddress] = []
    var next = found
    while let info = next?.pointee {
      next = info.ai_next
      guard let start = info.ai_addr else { continue }
      let bytes = [UInt8](UnsafeRawBufferPointer(start: start, count: Int(info.ai_addrlen)))
      let address = SocketAddress(
        family: info.ai_family, bytes: bytes, description: name(of: bytes))
      if !addresses.contains(address) { addresses.append(address) }
    }
    return addresses
  }

  private static func name(of address: [UInt8]) -> String {
    var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    var service = [CChar](repeating: 0, count: Int(NI_MAXSERV))
    let result = address.withSockAddr { address, size in
      getnameinfo(
        address, size, &host, socklen_t(host.count), &service, socklen_t(service.count),
        NI_NUMERICHOST | NI_NUMERICSERV)
    }
    if result != 0 { return "?" }
    func text(_ chars: [CChar]) -> String {
      String(decoding: chars.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
    return Target(host: text(host), port: Int(text(service)) ?? 0).description
  }

  /// Starts to connect; the socket is writable when it is done or has failed.
  static func connect(to address: SocketAddress) throws(SystemError) -> Int32 {
    let socket = homing_tcp_socket(address.family)
    if socket < 0 { throw SystemError("socket") }
    _ = homing_no_delay(socket)
    let result = address.bytes.withSockAddr { Glibc.connect(socket, $0, $1) }
    if result != 0 && errno != EINPROGRESS {
      let error = SystemError("connect")
      close(socket)
      throw error
    }
    return socket
  }

  /// A listening socket. Blocks for the look-up of the host.
  static func listen(on target: Target) throws -> Int32 {
    if target.port != 0 { return try bind(target) }
    // Starts at a place of this process's own, so that several do not try the same ports.
    let start = Int(getpid()) % freePorts.count
    for offset in 0..<freePorts.count {
      let port = freePorts.lowerBound + (start + offset) % freePorts.count
      do {
        return try bind(Target(host: target.host, port: port))
      } catch let error as SystemError where error.number == EADDRINUSE {
        continue
      }
    }
    throw SystemError("bind", EADDRINUSE)
  }

  private static func bind(_ target: Target) throws -> Int32 {
    guard let address = try resolve(target).first else {
      throw RPCError(.unavailable, "\(target.host) has no address")
    }
    let socket = homing_tcp_socket(address.family)
    if socket < 0 { throw SystemError("socket") }
    _ = homing_reuse_address(socket)
    let result = address.bytes.withSockAddr { Glibc.bind(socket, $0, $1) }
    if result != 0 || Glibc.listen(socket, backlog) != 0 {
      let error = SystemError("listen on \(target)")
      close(socket)
      throw error
    }
    return socket
  }

  /// The port a listening socket has.
  static func port(of socket: Int32) -> Int {
    var storage = sockaddr_storage()
    var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let result = withUnsafeMutablePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &size) }
    }
    precondition(result == 0, "a bound socket has a name")
    return withUnsafeBytes(of: storage) { bytes in
      // sockaddr_in and sockaddr_in6 have the port at the same place, in network order.
      Int(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
    }
  }
}

extension [UInt8] {
  fileprivate func withSockAddr<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
    withUnsafeBytes { raw in
      body(raw.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(raw.count))
    }
  }
}
