internal import Foundation
internal import Messages
internal import ServiceKit
internal import Stubs
internal import TestSupport
internal import Testing
internal import Transport

@testable internal import Notifier

/// TLS with certificates, and passwords, against a server of its own.
@Suite struct SMTPSecurityTests {
  /// The server's process; it lives as long as this object.
  private final class Server {
    let port: Int
    private let process: ChildProcess

    init(_ identity: TestIdentity, _ mode: String, login: String = "") throws {
      let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("tls_sink.py")
      process = try ChildProcess(
        "/usr/bin/python3",
        [script.path, identity.certificateFile, identity.keyFile, mode]
          + (login.isEmpty ? [] : [login]))
      port = try #require(Int(process.line()))
    }

    /// What was told of the next mail.
    var mail: String { process.line() }
  }

  private func send(
    _ server: Server, host: String = "localhost", _ change: (inout SMTPSettings) -> Void
  ) async throws -> [String] {
    var settings = SMTPSettings(server: Target(host: host, port: server.port))
    change(&settings)
    let lane = HandOff.Lane(
      try SMTPProvider(name: "mail", slots: 1, retries: RetryRule(), settings), [.email])
    let notifier = try await NotifierFixture.start(lanes: [lane])
    try await notifier.allowTests()
    try await notifier.putTemplate(channel: .email, SMTPProviderTests.parts)
    let order = notifier.order(1, channel: .email)
    try await notifier.send([order])
    await notifier.settle()
    await notifier.stop()
    return notifier.told(order)
  }

  @Test(
    "Under required and implicit TLS a server with a good certificate gets mail and password",
    arguments: [("starttls", SMTPSettings.TLS.required), ("implicit", .implicit)])
  func good(mode: String, tls: SMTPSettings.TLS) async throws {
    let authority = try TestAuthority()
    let server = try Server(
      authority.issue("localhost", uris: []), mode, login: "shop:geheim")
    let told = try await send(server) { settings in
      settings.tls = tls
      settings.authorityFile = authority.certificateFile
      settings.user = "shop"
      settings.password = Secret("geheim")
    }
    #expect(told == ["HANDED_OVER"])
    #expect(server.mail == "tls auth anna@shop.test")
  }

  @Test("A wrong password lets the mail wait")
  func wrongPassword() async throws {
    let authority = try TestAuthority()
    let server = try Server(
      authority.issue("localhost", uris: []), "starttls", login: "shop:geheim")
    let told = try await send(server) { settings in
      settings.authorityFile = authority.certificateFile
      settings.user = "shop"
      settings.password = Secret("falsch")
    }
    #expect(told == ["DEFERRED PROVIDER_REFUSED"])
  }

  @Test(
    "Under required TLS a foreign certificate, and one for another host, get nothing",
    arguments: [true, false])
  func bad(isForeign: Bool) async throws {
    let authority = try TestAuthority()
    let trusted = isForeign ? try TestAuthority() : authority
    let server = try Server(authority.issue("localhost", uris: []), "starttls")
    let told = try await send(server, host: isForeign ? "localhost" : "127.0.0.1") { settings in
      settings.authorityFile = trusted.certificateFile
    }
    #expect(told == ["DEFERRED TLS_REQUIRED"])
  }

  @Test("Opportunistic TLS is used where it is offered, whoever the server is")
  func opportunistic() async throws {
    let server = try Server(TestAuthority().issue("localhost", uris: []), "starttls")
    let told = try await send(server) { $0.tls = .opportunistic }
    #expect(told == ["HANDED_OVER"])
    #expect(server.mail == "tls none anna@shop.test")
  }
}
