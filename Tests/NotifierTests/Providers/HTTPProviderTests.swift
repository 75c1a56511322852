internal import Messages
internal import ServiceKit
internal import Stubs
internal import Synchronization
internal import TestSupport
internal import Testing

@testable internal import Notifier

/// An HTTP service that says what a test tells it to.
final class HTTPSink: Sendable {
  struct Request: Sendable {
    let line: String
    let headers: [String: String]
    let body: String
  }

  /// The whole answer, or what is done instead of one.
  enum Answer: Sendable {
    case raw(String)
    case cut
    case silence

    static func status(_ status: Int, _ body: String = "{}", headers: String = "") -> Answer {
      .raw(
        "HTTP/1.1 \(status) X\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)")
    }
  }

  let requests = Journal<Request>()
  private let script: Mutex<@Sendable (Int) -> Answer>
  private let count = Mutex(0)
  private let listener: Mutex<ScriptedListener?> = Mutex(nil)

  /// - Parameter script: the answer to the request of that number, from 1.
  init(_ script: @escaping @Sendable (Int) -> Answer) throws {
    self.script = Mutex(script)
    let made = try ScriptedListener { [weak self] in self?.serve($0) }
    listener.withLock { $0 = made }
  }

  var url: String { "http://127.0.0.1:\(listener.withLock { $0?.port ?? 0 })/send" }

  private func serve(_ connection: ScriptedListener.Connection) {
    while let line = connection.line() {
      var headers: [String: String] = [:]
      while let header = connection.line(), !header.isEmpty {
        guard let colon = header.firstIndex(of: ":") else { continue }
        headers[header[..<colon].lowercased()] = String(
          header[header.index(after: colon)...].drop { $0 == " " })
      }
      let body = connection.bytes(Int(headers["content-length"] ?? "") ?? 0)
      requests.add(
        Request(line: line, headers: headers, body: String(decoding: body, as: UTF8.self)))
      let number = count.withLock { count in
        count += 1
        return count
      }
      let script = script.withLock { $0 }
      switch script(number) {
      case .raw(let text): connection.say(text)
      case .cut: return
      case .silence: while connection.line() != nil {}
      }
    }
  }
}

@Suite struct HTTPProviderTests {
  private func start(
    _ sink: HTTPSink, _ change: (inout HTTPSettings) -> Void = { _ in }
  ) async throws -> NotifierFixture {
    var settings = HTTPSettings(url: try #require(HTTPSettings.URL(sink.url)))
    settings.secret = Secret("geheim")
    change(&settings)
    let provider = try HTTPProvider(name: "sms", slots: 2, retries: RetryRule(), settings)
    let notifier = try await NotifierFixture.start(lanes: [HandOff.Lane(provider, [.sms])])
    try await notifier.allowTests()
    try await notifier.putTemplate()
    return notifier
  }

  @Test("A message is posted as JSON with its key and the provider's secret")
  func posts() async throws {
    let sink = try HTTPSink { _ in .status(202, #"{"id": "abc-1"}"#) }
    let notifier = try await start(sink)
    let order = notifier.order(1)
    try await notifier.send([order])
    await notifier.settle()
    let request = try #require(sink.requests.entries.first)
    #expect(request.line == "POST /send HTTP/1.1")
    #expect(request.headers["idempotency-key"] == order.id)
    #expect(request.headers["authorization"] == "Bearer geheim")
    #expect(request.headers["content-type"] == "application/json")
    let body = try JSON(Array(request.body.utf8))
    #expect(body["to"]?.text == "+99912345")
    #expect(body["text"]?.text == "Hello from Shop")
    #expect(body["id"]?.text == order.id)
    let attempt = try #require(try await notifier.message(order).attempts.first)
    #expect((attempt.status, attempt.providerID) == (202, "abc-1"))
    #expect(notifier.told(order) == ["HANDED_OVER"])
    await notifier.stop()
  }

  @Test("429 and 5xx are tried again, not before Retry-After, under the same key")
  func triesAgain() async throws {
    let sink = try HTTPSink { number in
      switch number {
      case 1: .status(429, headers: "Retry-After: 120\r\n")
      case 2: .status(503)
      default: .status(200, "")
      }
    }
    let notifier = try await start(sink)
    let order = notifier.order(1)
    try await notifier.send([order])
    await notifier.settle()
    try await notifier.advance(by: .seconds(119))
    #expect(sink.requests.entries.count == 1)
    try await notifier.advance(by: .seconds(1))
    #expect(sink.requests.entries.count == 2)
    try await notifier.advance(by: .seconds(60))
    #expect(sink.requests.entries.count == 3)
    #expect(Set(sink.requests.entries.map { $0.headers["idempotency-key"] }) == [order.id])
    #expect(notifier.told(order) == ["DEFERRED PROVIDER_REFUSED", "HANDED_OVER"])
    #expect(try await notifier.message(order).attempts.map(\.status) == [429, 503, 200])
    await notifier.stop()
  }

  @Test("A refusal ends the message, a redirect too", arguments: [400, 401, 404, 422, 302])
  func refused(status: Int) async throws {
    let sink = try HTTPSink { _ in
      .status(status, "no", headers: "Location: http://127.0.0.1:9/\r\n")
    }
    let notifier = try await start(sink)
    let order = notifier.order(1)
    try await notifier.send([order])
    await notifier.settle()
    #expect(notifier.told(order) == ["FAILED PROVIDER_REFUSED"])
    #expect(sink.requests.entries.count == 1)
    await notifier.stop()
  }

  @Test("An answer that is none, a cut and a hang are of unknown fate, and made again by key")
  func unknown() async throws {
    let sink = try HTTPSink { number in
      switch number {
      case 1: .status(200, "<html>Welcome</html>")
      case 2: .cut
      case 3: .silence
      default: .status(200)
      }
    }
    let notifier = try await start(sink) { $0.timeout = .milliseconds(500) }
    let order = notifier.order(1)
    try await notifier.send([order])
    await notifier.settle()
    #expect(try await notifier.message(order).state == .waiting)
    for _ in 1...3 { try await notifier.advance(by: .seconds(60)) }
    #expect(sink.requests.entries.count == 4)
    #expect(notifier.told(order).last == "HANDED_OVER")
    await notifier.stop()
  }

  @Test("What stays of unknown fate until the end is told as unknown, never as failed")
  func staysUnknown() async throws {
    let sink = try HTTPSink { number in number == 1 ? .cut : .status(400) }
    let notifier = try await start(sink)
    let order = notifier.order(1)
    try await notifier.send([order])
    await notifier.settle()
    try await notifier.advance(by: .seconds(60))
    #expect(notifier.told(order).last == "UNKNOWN PROVIDER_REFUSED")
    await notifier.stop()
  }

  @Test(
    "An address is https, or http to a literal loopback address",
    arguments: [
      ("https://sms.example/send", true), ("http://127.0.0.1:80/x", true), ("http://[::1]/x", true),
      ("http://localhost/x", false), ("http://sms.example/", false), ("ftp://sms.example/", false),
      ("https://user@sms.example/", false), ("https:///x", false),
      ("http://127.0.0.1.example/", false),
      ("https://sms.example/#x", false), ("https://sms.example/a b", false),
    ])
  func urls(text: String, isAllowed: Bool) {
    #expect((HTTPSettings.URL(text) != nil) == isAllowed)
  }
}
