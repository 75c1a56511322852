/// The names that go into a certificate, checked before they get near OpenSSL's configuration
/// syntax, in which a comma begins another name.
struct IdentityName {
  /// Host part of the URI name.
  let trustDomain: String
  /// Path of the URI name, and the stem of the files.
  let service: String
  /// Host names beside the URI name; no peer of ours looks at them.
  let hosts: [String]

  /// - Throws: `CommandError` that says which name breaks which rule.
  init(trustDomain: String, service: String, hosts: [String]) throws(CommandError) {
    try IdentityName.check(
      trustDomain, "trust domain", "a-z 0-9 . - _", bytesMax: 255, alphabet: "._-")
    try IdentityName.check(
      service, "service name", "a-z 0-9 . - _", bytesMax: IdentityName.serviceBytesMax,
      alphabet: "._-")
    guard service.utf8.first != UInt8(ascii: "."), service != "ca" else {
      throw .usage("the service name \"\(service)\" is taken: files of that name have a meaning")
    }
    for host in hosts {
      try IdentityName.check(host, "host name", "a-z 0-9 . - *", bytesMax: 253, alphabet: ".-*")
    }
    self.trustDomain = trustDomain
    self.service = service
    self.hosts = hosts
  }

  /// A common name holds at most 64 characters (RFC 5280, ub-common-name).
  static let serviceBytesMax = 64

  var uri: String { "spiffe://\(trustDomain)/\(service)" }

  /// As OpenSSL's configuration writes a subject's alternative names.
  var alternativeNames: String {
    (["URI:\(uri)"] + hosts.map { "DNS:\($0)" }).joined(separator: ",")
  }

  private static func check(
    _ name: String, _ what: String, _ rule: String, bytesMax: Int, alphabet: String
  ) throws(CommandError) {
    let isAllowed = name.utf8.allSatisfy { byte in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || alphabet.utf8.contains(byte)
    }
    guard isAllowed, (1...bytesMax).contains(name.utf8.count) else {
      throw .usage(
        "\(what) \"\(Printable.text(name))\" must be 1 to \(bytesMax) bytes of \(rule), "
          + "has \(name.utf8.count)")
    }
  }
}
