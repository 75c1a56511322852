internal import COpenSSL
internal import Glibc
package import Messages
internal import Transport
internal import Wire

/// What a `RawPeer` offers in its handshake.
package struct RawOffer: Sendable {
  package var identity: TestIdentity
  package var sendsCertificate = true
  package var isTLS12 = false
  package var protocolName: String? = "homing/1"

  package init(_ identity: TestIdentity) { self.identity = identity }
}

/// The other end of a connection, which does only what a test says: TLS on a blocking socket.
///
/// `@unchecked Sendable`, because a test uses it from one task at a time and OpenSSL's objects are
/// bound to no thread.
package final class RawPeer: @unchecked Sendable {
  /// What the other side, or the system, did not let happen.
  package struct Failure: Error, CustomStringConvertible {
    package let description: String
  }

  private let descriptor: Int32
  private let context: OpaquePointer
  private let ssl: OpaquePointer
  private var received: [UInt8] = []
  private var isClosed = false
  /// How many times `SSL_read` gave something: at most one TLS record each.
  package private(set) var recordCount = 0

  fileprivate init(_ descriptor: Int32, _ offer: RawOffer, isServer: Bool) throws {
    self.descriptor = descriptor
    context = try RawPeer.makeContext(offer, isServer: isServer)
    ssl = SSL_new(context)
    // A test that waits for what never comes shall end all the same.
    var limit = timeval(tv_sec: 40, tv_usec: 0)
    setsockopt(
      descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    SSL_set_fd(ssl, descriptor)
    ERR_clear_error()
    let result = isServer ? SSL_accept(ssl) : SSL_connect(ssl)
    if result != 1 { throw RawPeer.failure("handshake") }
  }

  deinit {
    close()
    SSL_free(ssl)
    SSL_CTX_free(context)
  }

  private static func makeContext(_ offer: RawOffer, isServer: Bool) throws -> OpaquePointer {
    guard let context = SSL_CTX_new(isServer ? TLS_server_method() : TLS_client_method()) else {
      throw CertificateFailure(attempt: "context")
    }
    let identity = offer.identity
    if offer.sendsCertificate {
      guard SSL_CTX_use_certificate_chain_file(context, identity.certificateFile) == 1,
        SSL_CTX_use_PrivateKey_file(context, identity.keyFile, SSL_FILETYPE_PEM) == 1
      else {
        SSL_CTX_free(context)
        throw CertificateFailure(attempt: identity.certificateFile)
      }
    }
    SSL_CTX_load_verify_locations(context, identity.authorityFile, nil)
    SSL_CTX_set_verify(context, isServer ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nil)
    if offer.isTLS12 {
      _ = SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
    }
    guard let name = offer.protocolName else { return context }
    let wire = [UInt8(name.utf8.count)] + Array(name.utf8)
    if isServer {
      SSL_CTX_set_alpn_select_cb(context, RawPeer.takeFirst, nil)
    } else {
      SSL_CTX_set_alpn_protos(context, wire, UInt32(wire.count))
    }
    return context
  }

  private static let takeFirst: SSL_CTX_alpn_select_cb_func = { _, chosen, size, offered, _, _ in
    chosen!.pointee = offered! + 1
    size!.pointee = offered!.pointee
    return SSL_TLSEXT_ERR_OK
  }

  private static func failure(_ step: String) -> Failure {
    var reasons: [String] = []
    while case let code = ERR_get_error(), code != 0 {
      if let reason = ERR_reason_error_string(code) { reasons.append(String(cString: reason)) }
    }
    return Failure(description: "\(step): \(reasons.joined(separator: ", "))")
  }

  // MARK: - Making one

  /// Connects to a server on 127.0.0.1 and shakes hands.
  package static func connect(port: Int, _ offer: RawOffer) async throws -> RawPeer {
    try await onThread {
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      var address = loopback(port)
      let result = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      guard result == 0 else {
        Glibc.close(descriptor)
        throw Failure(description: "connect: \(String(cString: strerror(errno)))")
      }
      return try RawPeer(descriptor, offer, isServer: false)
    }
  }

  static func loopback(_ port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    return address
  }

  // MARK: - Speaking

  /// Sends frames in one write.
  package func send(_ frames: RpcV1.Frame...) async throws {
    var bytes: [UInt8] = []
    for frame in frames {
      let body = try frame.encoded()
      let prefix = UInt32(body.count).bigEndian
      withUnsafeBytes(of: prefix) { bytes += $0 }
      bytes += body
    }
    try await send(bytes: bytes)
  }

  package func send(bytes: [UInt8]) async throws {
    try await onThread { [self] in
      try checkOpen()
      ERR_clear_error()
      if SSL_write(ssl, bytes, Int32(bytes.count)) != Int32(bytes.count) {
        throw RawPeer.failure("write")
      }
    }
  }

  /// The next frame; nil at the peer's orderly end.
  package func receive() async throws -> RpcV1.Frame? {
    try await onThread { [self] in
      while true {
        if received.count >= 4 {
          let size = received[..<4].reduce(0) { $0 << 8 | Int($1) }
          if received.count >= 4 + size {
            let frame = try RpcV1.Frame(encoded: Array(received[4..<4 + size]))
            received.removeFirst(4 + size)
            return frame
          }
        }
        try checkOpen()
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        ERR_clear_error()
        let size = SSL_read(ssl, &chunk, Int32(chunk.count))
        if size > 0 {
          recordCount += 1
          received += chunk[..<Int(size)]
        } else if SSL_get_error(ssl, size) == SSL_ERROR_ZERO_RETURN {
          return nil
        } else {
          throw RawPeer.failure("read")
        }
      }
    }
  }

  /// The next frame for which `matches` holds; nil at the end.
  package func receive(where matches: (RpcV1.Frame) -> Bool) async throws -> RpcV1.Frame? {
    while let frame = try await receive() {
      if matches(frame) { return frame }
    }
    return nil
  }

  /// A closed descriptor's number may be another connection's by now.
  private func checkOpen() throws {
    if isClosed { throw Failure(description: "closed by the test") }
  }

  /// The common name of the peer's certificate.
  package var peerName: String? {
    guard let certificate = SSL_get0_peer_certificate(ssl) else { return nil }
    var text = [CChar](repeating: 0, count: 256)
    let name = X509_get_subject_name(certificate)
    guard X509_NAME_get_text_by_NID(name, NID_commonName, &text, 256) > 0 else { return nil }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Ends TCP without a word of TLS: what a killed process leaves.
  package func close() {
    if isClosed { return }
    isClosed = true
    Glibc.close(descriptor)
  }
}

/// A listening socket on 127.0.0.1 for `RawPeer`s.
package final class RawListener: Sendable {
  /// Below the ports that servers look through for a free one.
  private static let ports = 10_000..<20_000

  /// A port that nobody takes who does not ask for it: for servers that are started again.
  package static func freePort() throws -> Int { try RawListener().port }

  package let port: Int
  private let descriptor: Int32

  package init() throws {
    for _ in 0..<200 {
      let port = Int.random(in: RawListener.ports)
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      var address = RawPeer.loopback(port)
      let result = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      if result == 0 && listen(descriptor, 16) == 0 {
        self.port = port
        self.descriptor = descriptor
        return
      }
      Glibc.close(descriptor)
    }
    throw RawPeer.Failure(description: "no free port")
  }

  deinit { close(descriptor) }

  /// Accepts one connection and shakes hands as a server.
  package func accept(_ offer: RawOffer) async throws -> RawPeer {
    try await onThread { [self] in
      let socket = Glibc.accept(descriptor, nil, nil)
      if socket < 0 { throw RawPeer.Failure(description: "accept") }
      return try RawPeer(socket, offer, isServer: true)
    }
  }
}
