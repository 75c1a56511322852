internal import COpenSSL
internal import Glibc
internal import Synchronization
internal import Wire

/// TLS on one socket: OpenSSL straight on the non-blocking descriptor. Belongs to its loop's
/// thread.
final class TLSSession {
  enum Outcome: Equatable {
    /// The handshake is done.
    case done
    case wantsRead
    case wantsWrite
    /// The peer ended the stream in order (`close_notify`).
    case closed
    /// Anything else; the connection is dead.
    case failed(String)
  }

  private let ssl: OpaquePointer
  private let context: TLSContext
  private let tickets: SessionTickets?

  /// - Parameter tickets: for a client: where sessions to this peer are kept.
  init(_ context: TLSContext, descriptor: Int32, tickets: SessionTickets? = nil) {
    self.context = context
    self.tickets = tickets
    ssl = context.makeConnection()
    precondition(SSL_set_fd(ssl, descriptor) == 1)
    switch context.role {
    case .server: SSL_set_accept_state(ssl)
    case .client:
      SSL_set_connect_state(ssl)
      if let tickets {
        homing_set_owner(ssl, Unmanaged.passUnretained(tickets).toOpaque())
        tickets.offer(to: ssl)
      }
    }
  }

  deinit { SSL_free(ssl) }

  /// Whether OpenSSL holds bytes that epoll cannot see.
  var hasPending: Bool { SSL_has_pending(ssl) == 1 }
  var isResumed: Bool { SSL_session_reused(ssl) == 1 }

  /// Gives OpenSSL's record buffers back, where they are empty; the next read or write takes new
  /// ones.
  func releaseBuffers() { _ = SSL_free_buffers(ssl) }

  func handshake() -> Outcome {
    ERR_clear_error()
    let result = SSL_do_handshake(ssl)
    if result == 1 { return .done }
    return outcome(result, "handshake")
  }

  /// The peer's name after the handshake, checked against the context's rule; also on a resumed
  /// session, where OpenSSL has checked no chain.
  func peerName() throws(TLSError) -> PeerName {
    var selected: UnsafePointer<UInt8>?
    var size: UInt32 = 0
    SSL_get0_alpn_selected(ssl, &selected, &size)
    guard
      UnsafeBufferPointer(start: selected, count: Int(size)).elementsEqual(
        TLSContext.protocolName.utf8)
    else { throw TLSError("the peer does not speak \(TLSContext.protocolName)") }
    guard SSL_get_verify_result(ssl) == Int(X509_V_OK),
      let certificate = SSL_get0_peer_certificate(ssl)
    else { throw TLSError("the peer has no accepted certificate") }
    let name = try PeerName(certificate: certificate)
    try name.check(context.peerRule, own: context.ownIdentity)
    return name
  }

  /// Bytes read; 0 or less: see `outcome(ofRead:)`, to be asked at once.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    Int(SSL_read(ssl, buffer.baseAddress, Int32(clamping: buffer.count)))
  }

  /// Bytes written; 0 or less: see `outcome(ofWrite:)`, to be asked at once.
  func write(_ bytes: UnsafeRawBufferPointer) -> Int {
    Int(SSL_write(ssl, bytes.baseAddress, Int32(clamping: bytes.count)))
  }

  func outcome(ofRead result: Int) -> Outcome { outcome(Int32(result), "read") }
  func outcome(ofWrite result: Int) -> Outcome { outcome(Int32(result), "write") }

  /// Sends `close_notify`, as far as the socket takes it.
  func close() {
    ERR_clear_error()
    _ = SSL_shutdown(ssl)
    ERR_clear_error()
  }

  private func outcome(_ result: Int32, _ step: String) -> Outcome {
    let number = errno
    switch SSL_get_error(ssl, result) {
    case SSL_ERROR_WANT_READ: return .wantsRead
    case SSL_ERROR_WANT_WRITE: return .wantsWrite
    case SSL_ERROR_ZERO_RETURN: return .closed
    case SSL_ERROR_SYSCALL:
      ERR_clear_error()
      return .failed(
        number == 0 ? "\(step): cut off" : "\(step): \(String(cString: strerror(number)))")
    default:
      let verify = SSL_get_verify_result(ssl)
      let reason = TLSError.openSSL("TLS \(step)").description
      if step == "handshake" && verify != Int(X509_V_OK) {
        return .failed("\(reason) (\(String(cString: X509_verify_cert_error_string(verify))))")
      }
      return .failed(reason)
    }
  }

  /// OpenSSL's call-back: a server sent a ticket. Returns 1 where the session is kept.
  static func received(session: OpaquePointer?, on ssl: OpaquePointer?) -> Int32 {
    guard let ssl, let session, let owner = homing_owner(ssl) else { return 0 }
    Unmanaged<SessionTickets>.fromOpaque(owner).takeUnretainedValue().keep(session)
    return 1
  }
}

/// The newest session to one peer, for resumption. A ticket is used once (RFC 8446 C.4).
///
/// `@unchecked Sendable`, because the pointer is only reached under the lock and OpenSSL's sessions
/// are counted atomically.
final class SessionTickets: @unchecked Sendable {
  private let session = Mutex<UInt>(0)

  deinit { replace(with: 0) }

  func keep(_ new: OpaquePointer) { replace(with: UInt(bitPattern: new)) }

  func offer(to ssl: OpaquePointer) {
    let taken = session.withLock { session in exchange(&session, with: 0) }
    guard let pointer = OpaquePointer(bitPattern: taken) else { return }
    SSL_set_session(ssl, pointer)
    SSL_SESSION_free(pointer)
  }

  private func replace(with new: UInt) {
    let old = session.withLock { session in exchange(&session, with: new) }
    if let pointer = OpaquePointer(bitPattern: old) { SSL_SESSION_free(pointer) }
  }
}
