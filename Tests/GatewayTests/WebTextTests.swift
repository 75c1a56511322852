internal import ServiceKit
internal import Testing

@testable internal import Gateway

@Suite struct WebTextTests {
  @Test(
    "Dates are written as HTTP writes them",
    arguments: [
      (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
      (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
    ])
  func dates(seconds: Int64, text: String) {
    #expect(WebText.date(Instant(seconds: seconds)) == text)
  }

  @Test(
    "Base64 has the vectors of RFC 4648",
    arguments: [
      ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
      ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ])
  func base64(plain: String, text: String) {
    #expect(WebText.base64(Array(plain.utf8)) == text)
  }

  @Test("Ranges of addresses hold what begins with the same bits")
  func ranges() throws {
    func holds(_ range: String, _ address: String) throws -> Bool {
      try AddressRange(parsing: range).contains(try #require(InternetAddress(address)))
    }
    #expect(try holds("10.0.0.0/8", "10.255.1.2"))
    #expect(try !holds("10.0.0.0/8", "11.0.0.1"))
    #expect(try holds("192.0.2.7", "::ffff:192.0.2.7"))
    #expect(try !holds("192.0.2.7", "192.0.2.8"))
    #expect(try holds("2001:db8::/33", "2001:db8:7fff::1"))
    #expect(try !holds("2001:db8::/33", "2001:db8:8000::1"))
    #expect(try holds("0.0.0.0/0", "1.2.3.4"))
    #expect(try !holds("0.0.0.0/0", "::1"))
    for wrong in [
      "", "a", "1.2.3", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/8/8", "::/129", "1.2.3.4/-1",
    ] {
      #expect(throws: AddressError.self, "\(wrong)") { try AddressRange(parsing: wrong) }
    }
  }

  @Test("A proxy's list is read from its end, and no further than it can be believed")
  func forwarded() throws {
    let clients = ClientAddress(trusted: try ["10.0.0.0/8"].map { try AddressRange(parsing: $0) })
    func address(_ peer: String, _ lists: String...) -> String {
      let headers = lists.map { WebRequest.Header(name: "x-forwarded-for", value: $0) }
      return clients.of(WebRequest(method: "GET", target: "/", headers: headers, peer: peer))
    }
    #expect(address("10.0.0.1") == "10.0.0.1")
    #expect(address("10.0.0.1", "1.1.1.1, 2.2.2.2") == "2.2.2.2")
    #expect(address("10.0.0.1", "1.1.1.1", "2.2.2.2,10.0.0.2") == "2.2.2.2")
    #expect(address("10.0.0.1", "10.0.0.3") == "10.0.0.3")
    #expect(address("10.0.0.1", "1.1.1.1, nonsense") == "10.0.0.1")
    #expect(address("9.9.9.9", "1.1.1.1") == "9.9.9.9")
  }

  @Test("Evidence has a limit, and breaks no character")
  func evidence() {
    let agent = String(repeating: "ü", count: 4000)
    let request = WebRequest(
      method: "POST", target: "/u/t", headers: [.init(name: "user-agent", value: agent)])
    let text = OptOutEvidence.text(request, "/u/", address: "1.1.1.1", body: "b")
    #expect(text.utf8.count <= 4096)
    #expect(text.hasSuffix("ü"))
  }
}
