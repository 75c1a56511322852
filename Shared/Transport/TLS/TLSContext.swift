internal import COpenSSL
internal import Glibc
internal import Wire

/// Where a process finds its certificate, and whom it accepts.
public struct TLSConfiguration: Sendable, Hashable {
  /// PEM: this process's certificate, then any intermediate ones.
  public var certificateFile: String
  /// PEM: the private key.
  public var keyFile: String
  /// PEM: the certificates that peers' chains must lead to.
  public var authorityFile: String
  /// Which peers are accepted beyond a valid chain.
  public var peer: PeerRule

  public init(
    certificateFile: String, keyFile: String, authorityFile: String, peer: PeerRule = .trustDomain
  ) {
    self.certificateFile = certificateFile
    self.keyFile = keyFile
    self.authorityFile = authorityFile
    self.peer = peer
  }
}

/// Which identities are accepted from peers whose chain is valid.
public enum PeerRule: Sendable, Hashable {
  /// Exactly this URI name.
  case identity(String)
  /// Any URI name of the trust domain of our own certificate.
  case trustDomain
}

/// Certificates that cannot be used, or a peer that is not accepted.
public struct TLSError: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String

  init(_ what: String) { description = what }

  /// With what OpenSSL has to say, whose error queue is emptied.
  static func openSSL(_ what: String) -> TLSError {
    var reasons: [String] = []
    var number = ERR_get_error()
    while number != 0 {
      var text = [CChar](repeating: 0, count: 256)
      ERR_error_string_n(number, &text, text.count)
      let line = text.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
      // "error:0A000086:SSL routines::certificate verify failed": the last part is for people.
      reasons.append(line.split(separator: ":").last.map(String.init) ?? line)
      number = ERR_get_error()
    }
    return TLSError(reasons.isEmpty ? what : "\(what): \(reasons.joined(separator: ", "))")
  }
}

/// One `SSL_CTX`: our certificate, the authority, the rules of `proto/README.md` §1.
///
/// `@unchecked Sendable`, because OpenSSL counts references to an `SSL_CTX` atomically, and after
/// `init` this class only makes sessions from it, which OpenSSL allows from any thread.
final class TLSContext: @unchecked Sendable {
  enum Role { case server, client }

  static let protocolName = "homing/1"
  static let suites =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
  static let resumptionSeconds = 3600

  let role: Role
  let peerRule: PeerRule
  /// The URI name of our own certificate.
  let ownIdentity: PeerName
  /// A client's session to its one target; goes with the certificates it was made with.
  let tickets = SessionTickets()
  private let context: OpaquePointer

  init(_ role: Role, _ configuration: TLSConfiguration) throws(TLSError) {
    ERR_clear_error()
    guard let context = SSL_CTX_new(role == .server ? TLS_server_method() : TLS_client_method())
    else { throw .openSSL("TLS cannot start") }
    do throws(TLSError) {
      try TLSContext.load(configuration, into: context)
      try TLSContext.setRules(context, role)
      guard let own = SSL_CTX_get0_certificate(context) else { throw TLSError("no certificate") }
      ownIdentity = try PeerName(certificate: own)
    } catch {
      SSL_CTX_free(context)
      throw error
    }
    self.context = context
    self.role = role
    peerRule = configuration.peer
  }

  deinit { SSL_CTX_free(context) }

  /// A connection of this context: OpenSSL's `SSL`, owned by the caller.
  func makeConnection() -> OpaquePointer {
    guard let ssl = SSL_new(context) else { preconditionFailure("out of memory") }
    return ssl
  }

  private static func load(
    _ files: TLSConfiguration, into context: OpaquePointer
  ) throws(TLSError) {
    if SSL_CTX_use_certificate_chain_file(context, files.certificateFile) != 1 {
      throw .openSSL("certificate \(files.certificateFile)")
    }
    if SSL_CTX_use_PrivateKey_file(context, files.keyFile, SSL_FILETYPE_PEM) != 1 {
      throw .openSSL("key \(files.keyFile)")
    }
    if SSL_CTX_check_private_key(context) != 1 {
      throw .openSSL("key \(files.keyFile) does not belong to \(files.certificateFile)")
    }
    if SSL_CTX_load_verify_locations(context, files.authorityFile, nil) != 1 {
      throw .openSSL("authority \(files.authorityFile)")
    }
  }

  private static func setRules(_ context: OpaquePointer, _ role: Role) throws(TLSError) {
    guard homing_ctx_set_min_tls13(context) == 1,
      SSL_CTX_set_ciphersuites(context, suites) == 1
    else { throw .openSSL("TLS 1.3") }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
    homing_ctx_set_modes(context)
    SSL_CTX_set_timeout(context, resumptionSeconds)
    switch role {
    case .server:
      // Tickets carry the session, so nothing is cached; the id binds them to this protocol.
      homing_ctx_no_session_cache(context)
      homing_ctx_prefer_own_suites(context)
      _ = SSL_CTX_set_session_id_context(context, protocolName, UInt32(protocolName.utf8.count))
      SSL_CTX_set_num_tickets(context, 1)
      SSL_CTX_set_alpn_select_cb(context, selectProtocol, nil)
    case .client:
      homing_ctx_cache_client_sessions(context)
      SSL_CTX_sess_set_new_cb(context) { ssl, session in
        TLSSession.received(session: session, on: ssl)
      }
      let offer = [UInt8(protocolName.utf8.count)] + Array(protocolName.utf8)
      if SSL_CTX_set_alpn_protos(context, offer, UInt32(offer.count)) != 0 {
        throw .openSSL("ALPN")
      }
    }
  }

  /// The server takes `homing/1` and refuses a handshake that does not offer it.
  private static let selectProtocol: SSL_CTX_alpn_select_cb_func = {
    _, selected, selectedSize, offered, offeredSize, _ in
    var at = 0
    while at < Int(offeredSize) {
      let size = Int(offered![at])
      if at + 1 + size > Int(offeredSize) { break }
      let name = UnsafeBufferPointer(start: offered! + at + 1, count: size)
      if name.elementsEqual(protocolName.utf8) {
        selected!.pointee = offered! + at + 1
        selectedSize!.pointee = UInt8(size)
        return SSL_TLSEXT_ERR_OK
      }
      at += 1 + size
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL
  }
}
