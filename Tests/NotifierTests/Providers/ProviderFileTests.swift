internal import Messages
internal import ServiceKit
internal import TestSupport
internal import Testing
internal import Transport

@testable internal import Notifier

@Suite struct ProviderFileTests {
  @Test("Every kind of provider is read with its keys")
  func reads() throws {
    let folder = try TemporaryFolder()
    try folder.write(Array("geheim\n".utf8), to: "secret")
    let file = try ProviderFile(
      parsing: """
        # ours
        [mail]
        kind = smtp
        channels = email
        address = mail.shop.example:587
        tls = required
        user = shop
        password-file = \(folder.file("secret"))
        connections = 16
        reply-timeout = 30s

        [sms]
        kind = http
        channels = sms, chat
        url = https://sms.example/send
        hook-secret-file = \(folder.file("secret"))

        [hooks]
        kind = http
        channels = webhook
        endpoint crm = https://crm.example/hook
        endpoint erp = http://127.0.0.1:9000/hook
        """)
    #expect(file.specs.map(\.name) == ["mail", "sms", "hooks"])
    guard case .smtp(let smtp) = file.specs[0].kind, case .http(let hooks) = file.specs[2].kind
    else {
      Issue.record("other kinds")
      return
    }
    #expect(smtp.server.port == 587)
    #expect(smtp.password?.reveal() == "geheim")
    #expect(smtp.replyTimeout == .seconds(30))
    #expect(file.specs[0].connections == 16)
    #expect(file.specs[1].channels == [.sms, .chat])
    #expect(file.specs[1].hookSecret?.reveal() == "geheim")
    #expect(Set(hooks.endpoints.keys) == ["crm", "erp"])
  }

  @Test(
    "What is wrong is named with its line",
    arguments: [
      ("kind = smtp", 1), ("[a]\nkind = smtp\nchannels = fax", 3),
      ("[a]\nkind = fax\nchannels = sms", 1),
      ("[a]\nkind = folder\nchannels = email\npath = /tmp\npaht = /tmp", 5),
      ("[a]\nkind = smtp\nchannels = sms\naddress = a:25", 1),
      ("[a]\nkind = smtp\nchannels = email\naddress = nowhere", 4),
      ("[a]\nkind = http\nchannels = sms\nurl = http://sms.example/", 4),
      (
        "[a]\nkind = folder\nchannels = sms\npath = a\n"
          + "[b]\nkind = folder\nchannels = sms\npath = b",
        5
      ),
      ("[a]\nkind = smtp\nchannels = email\naddress = a:25\ntls = off\nuser = x", 1),
      ("[a]\nkind = folder\nkind = folder", 3), ("[a b]", 1), ("[a]\nwhat", 2),
    ])
  func refuses(text: String, line: Int) {
    let error = #expect(throws: ProviderFileError.self) { try ProviderFile(parsing: text) }
    #expect(error?.line == line, "\(error?.description ?? "")")
  }

  @Test("A virtual clock loads folders and literal loopback addresses, nothing else")
  func virtualClock() throws {
    let folder = try TemporaryFolder()
    func lanes(_ text: String) throws -> Int {
      try ProviderBuilder(isVirtual: true, flushes: false).lanes(ProviderFile(parsing: text)).count
    }
    // The inbox is always there.
    #expect(try lanes("[a]\nkind = folder\nchannels = email\npath = \(folder.path)") == 2)
    let smtp = "[a]\nkind = smtp\nchannels = email\naddress = "
    #expect(try lanes(smtp + "127.0.0.1:25") == 2)
    #expect(try lanes(smtp + "[::1]:25") == 2)
    for host in ["localhost:25", "mail.example:25", "127.0.0.1.example:25", "10.0.0.1:25"] {
      let error = #expect(throws: (any Error).self) { try lanes(smtp + host) }
      #expect("\(error.map { "\($0)" } ?? "")".contains("HOMING_PROVIDERS: [a] `address`"))
    }
    let http = "[a]\nkind = http\nchannels = webhook\nendpoint x = https://crm.example/"
    let error = #expect(throws: (any Error).self) { try lanes(http) }
    #expect("\(error.map { "\($0)" } ?? "")".contains("`endpoint x`"))
  }
}
