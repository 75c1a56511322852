internal import COpenSSL
internal import Wire

/// The one URI name of a certificate, `spiffe://<trust domain>/<path>`, and when the certificate
/// ends.
struct PeerName: Hashable, Sendable {
  static let scheme = "spiffe://"
  static let bytesMax = 2048

  let uri: String
  let trustDomain: String
  /// How long the certificate was still valid when this was read.
  let secondsLeft: Int64

  /// - Throws: where the certificate has no URI name, several, one of another form, or where it is
  ///   not valid now.
  init(certificate: OpaquePointer) throws(TLSError) {
    uri = try PeerName.onlyURI(of: certificate)
    let rest = uri.dropFirst(PeerName.scheme.count)
    let parts = rest.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard uri.hasPrefix(PeerName.scheme), parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty
    else { throw TLSError("the certificate's URI name is not spiffe://<trust domain>/<path>") }
    trustDomain = String(parts[0])
    var days: Int32 = 0
    var seconds: Int32 = 0
    // From now to the end; both parts have the same sign.
    guard ASN1_TIME_diff(&days, &seconds, nil, X509_get0_notAfter(certificate)) == 1 else {
      throw TLSError("the certificate's end cannot be read")
    }
    let left = Int64(days) * 86_400 + Int64(seconds)
    if left <= 0 { throw TLSError("the certificate of \(uri) has expired") }
    secondsLeft = left
  }

  private static func onlyURI(of certificate: OpaquePointer) throws(TLSError) -> String {
    guard let names = homing_alternative_names(certificate) else {
      throw TLSError("the certificate has no URI name")
    }
    defer { homing_names_free(names) }
    var found: String?
    for index in 0..<homing_names_count(names) {
      var length: Int32 = 0
      guard let start = homing_names_uri(names, index, &length) else { continue }
      if found != nil { throw TLSError("the certificate has more than one URI name") }
      guard length <= bytesMax,
        let text = String(
          validating: UnsafeBufferPointer(start: start, count: Int(length)), as: UTF8.self),
        text.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
      else { throw TLSError("the certificate's URI name is not printable ASCII") }
      found = text
    }
    guard let found else { throw TLSError("the certificate has no URI name") }
    return found
  }

  /// - Throws: where the rule does not accept this name.
  func check(_ rule: PeerRule, own: PeerName) throws(TLSError) {
    switch rule {
    case .identity(let expected):
      if uri != expected { throw TLSError("the peer is \(uri), expected was \(expected)") }
    case .trustDomain:
      if trustDomain != own.trustDomain {
        throw TLSError(
          "the peer \(uri) is not of the trust domain \(own.trustDomain)")
      }
    }
  }
}
