internal import Foundation
internal import Glibc
internal import Testing

@testable internal import Homing

@Suite struct CertificatesTests {
  /// A folder that is gone after the test.
  private func withFolder(_ body: (String) throws -> Void) throws {
    let path = try TemporaryFolder.make()
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
  }

  private static let now = time(nil)

  @discardableResult
  private func issue(
    _ path: String, _ names: [String] = ["scheduler"], hosts: [String] = [], days: Int = 365,
    caDays: Int = 3650, now: Int = CertificatesTests.now, replaces: Bool = false
  ) throws -> DevelopmentAuthority {
    let authority = try DevelopmentAuthority(
      in: CertificateFolder(path), days: caDays, now: now, replaces: replaces)
    for name in names {
      let identity = try IdentityName(trustDomain: "homing.test", service: name, hosts: hosts)
      _ = try authority.issue(identity, days: days, now: now)
    }
    return authority
  }

  private func openssl(_ arguments: String...) throws -> (text: String, code: Int32) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (String(decoding: data, as: UTF8.self), process.terminationStatus)
  }

  private func mode(_ file: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: file)
    return try #require(attributes[.posixPermissions] as? Int)
  }

  private func content(_ file: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: file))
  }

  @Test func `OpenSSL accepts the chain for both ends of a connection`() throws {
    try withFolder { path in
      try issue(path, ["scheduler", "homing"])
      for purpose in ["sslserver", "sslclient"] {
        let (text, code) = try openssl(
          "verify", "-x509_strict", "-purpose", purpose, "-CAfile", path + "/ca.pem",
          path + "/scheduler.pem", path + "/homing.pem")
        #expect(code == 0, "\(text)")
      }
    }
  }

  @Test func `A certificate says who, until when and for what`() throws {
    try withFolder { path in
      try issue(path, hosts: ["localhost", "*.homing.test"], days: 30)
      let (text, code) = try openssl("x509", "-in", path + "/scheduler.pem", "-noout", "-text")
      #expect(code == 0)
      #expect(text.components(separatedBy: "URI:").count == 2)
      for part in [
        "URI:spiffe://homing.test/scheduler, DNS:localhost, DNS:*.homing.test",
        "Subject: CN = scheduler", "Issuer: CN = Homing development CA", "CA:FALSE",
        "TLS Web Server Authentication, TLS Web Client Authentication", "Digital Signature",
        "Subject Key Identifier", "Authority Key Identifier", "NIST CURVE: P-256",
        "ecdsa-with-SHA256", "Version: 3",
      ] {
        #expect(text.contains(part), "\(part) is not in \(text)")
      }
      let certificate = try Certificate(pem: Array(content(path + "/scheduler.pem")))
      #expect(certificate.notAfter == Self.now + 30 * 86_400)
      #expect(!certificate.isAuthority)
      let (authority, _) = try openssl("x509", "-in", path + "/ca.pem", "-noout", "-text")
      #expect(authority.contains("CA:TRUE, pathlen:0"))
      #expect(authority.contains("Certificate Sign, CRL Sign"))
    }
  }

  @Test func `It begins five minutes back and never outlives its CA`() throws {
    try withFolder { path in
      try issue(path, days: 365, caDays: 10)
      let (text, _) = try openssl(
        "x509", "-in", path + "/scheduler.pem", "-noout", "-startdate", "-dateopt", "iso_8601")
      let start = Date(timeIntervalSince1970: Double(Self.now - 300))
      let wanted = ISO8601DateFormatter().string(from: start).replacing("T", with: " ")
      #expect(text.contains(wanted), "\(text)")
      let certificate = try Certificate(pem: Array(content(path + "/scheduler.pem")))
      #expect(certificate.notAfter == Self.now + 10 * 86_400)
    }
  }

  @Test func `Keys are readable by their owner only and belong to their certificates`() throws {
    try withFolder { path in
      try issue(path)
      for name in ["ca", "scheduler"] {
        #expect(try mode(path + "/\(name).key") == 0o600)
        #expect(try mode(path + "/\(name).pem") == 0o644)
        let key = try PrivateKey(pem: Array(content(path + "/\(name).key")))
        #expect(try Certificate(pem: Array(content(path + "/\(name).pem"))).belongs(to: key))
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: path).count == 4)
    }
  }

  @Test func `The CA is kept, service certificates are new each time`() throws {
    try withFolder { path in
      #expect(try !issue(path).isReused)
      let before = try ["ca.pem", "ca.key", "scheduler.pem"].map { try content(path + "/" + $0) }
      #expect(try issue(path, ["scheduler", "gateway"]).isReused)
      let after = try ["ca.pem", "ca.key", "scheduler.pem"].map { try content(path + "/" + $0) }
      #expect(before[0] == after[0] && before[1] == after[1] && before[2] != after[2])
      let (_, code) = try openssl(
        "verify", "-CAfile", path + "/ca.pem", path + "/scheduler.pem", path + "/gateway.pem")
      #expect(code == 0)
    }
  }

  @Test func `A CA is replaced on demand only, and what it signed is then refused`() throws {
    try withFolder { path in
      try issue(path, ["old"])
      try issue(path, ["new"], replaces: true)
      let authority = path + "/ca.pem"
      #expect(try openssl("verify", "-CAfile", authority, path + "/new.pem").code == 0)
      #expect(try openssl("verify", "-CAfile", authority, path + "/old.pem").code != 0)
    }
  }

  @Test func `A CA that cannot be used is not replaced silently`() throws {
    try withFolder { path in
      try issue(path)
      let key = try content(path + "/ca.key")
      try FileManager.default.removeItem(atPath: path + "/ca.key")
      #expect(throws: CommandError.self) { try issue(path) }
      // A key of somebody else.
      try content(path + "/scheduler.key").write(to: URL(fileURLWithPath: path + "/ca.key"))
      #expect(throws: CommandError.self) { try issue(path) }
      try Data("no key".utf8).write(to: URL(fileURLWithPath: path + "/ca.key"))
      #expect(throws: OpenSSLError.self) { try issue(path) }
      try key.write(to: URL(fileURLWithPath: path + "/ca.key"))
      #expect(try issue(path).isReused)
      // After its end.
      #expect(throws: CommandError.self) { try issue(path, now: Self.now + 3_651 * 86_400) }
      // A leaf in its place.
      for suffix in ["pem", "key"] {
        try content(path + "/scheduler." + suffix).write(
          to: URL(fileURLWithPath: path + "/ca." + suffix))
      }
      #expect(throws: CommandError.self) { try issue(path) }
    }
  }

  @Test func `Serial numbers are random`() throws {
    try withFolder { path in
      var serials: Set<String> = []
      for _ in 0..<20 {
        try issue(path)
        serials.insert(
          try openssl("x509", "-in", path + "/scheduler.pem", "-noout", "-serial").text)
      }
      #expect(serials.count == 20)
      #expect(serials.allSatisfy { $0.utf8.count == "serial=\n".utf8.count + 40 })
    }
  }

  @Test(arguments: [
    "", "a,URI:spiffe://homing.test/root", "a b", "a/b", "../a", ".a", "ca", "A", "é", "a\nb",
    String(repeating: "a", count: 65),
  ])
  func `A service name that would be no file or no URI is refused`(_ name: String) {
    #expect(throws: CommandError.self) {
      try IdentityName(trustDomain: "homing.test", service: name, hosts: [])
    }
  }

  @Test(arguments: ["", "homing test", "a,b", "a/b", String(repeating: "a", count: 256)])
  func `A trust domain or host name that is none is refused`(_ name: String) {
    #expect(throws: CommandError.self) {
      try IdentityName(trustDomain: name, service: "a", hosts: [])
    }
    #expect(throws: CommandError.self) {
      try IdentityName(trustDomain: "homing.test", service: "a", hosts: [name])
    }
  }

  @Test func `A folder that cannot be written is named`() {
    let error = #expect(throws: CommandError.self) { try issue("/dev/null/pki") }
    #expect(error?.kind == .file)
    #expect(error?.message.contains("/dev/null") == true)
  }
}
