internal import Foundation
internal import Messages
internal import Stubs
internal import Synchronization
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

/// Who unsubscribes hears no more: between two steps, and by the header that mail programs use.
@Suite(.serialized) struct OptOutJourneyTests {
  private let t0 = TrackerProcess.morning

  private static let twoMails = """
    flow: two-mails
    start: cart abandoned
    steps:
      - send e-mail: { template: cart-reminder, expires: 2 days }
        name: first
      - pause: 1 day
      - send e-mail: { template: cart-help, expires: 2 days }
        name: second
    """

  private func suite(
    flow: String? = nil,
    mail: @escaping @Sendable (SMTPSink.Moment) -> SMTPSink.Action = { _ in .accept }
  ) async throws -> ServiceSuite {
    let suite = try ServiceSuite(retryFirst: "10m", mail: mail)
    try await suite.start()
    try await suite.openShop(flow: flow)
    try await suite.meet("ann", at: t0)
    try await suite.record([Make.event("e1", t0, contact: "ann", cart: "c1", Make.add("A"))])
    return suite
  }

  @Test("M18 I3 who opts out of SMS after the mail gets no SMS, and the reason is kept")
  func betweenSteps() async throws {
    let suite = try await suite()
    let mailed = t0 + ServiceSuite.hour + ServiceSuite.day
    try await suite.run(to: mailed + ServiceSuite.hour)
    #expect(suite.smtp.mails.entries.count == 1)
    _ = try await suite.messages.optOut(
      .init(
        store: "shop", idempotencyKey: "out", channel: .sms, contact: "ann",
        at: .init(seconds: mailed + ServiceSuite.hour), evidence: "a call"))
    try await suite.run(to: mailed + 5 * ServiceSuite.day)
    #expect(suite.sms.requests.entries.isEmpty)
    let message = try #require(try await suite.sent(to: "ann").last)
    #expect(message.order?.channel == .sms)
    #expect(message.state == .skipped)
    #expect(message.reason == .suppressed)
  }

  @Test("M18 T31 an opt-out after the backup holds when that backup is restored")
  func restoredBackup() async throws {
    let refuses = Mutex(true)
    let suite = try await suite(flow: Self.twoMails) { moment in
      moment.stage == .recipient && refuses.withLock { $0 } ? .reply("451 4.3.0 later") : .accept
    }
    let due = t0 + ServiceSuite.hour
    try await suite.run(to: due)
    #expect(try await suite.sent(to: "ann").last?.state == .waiting)
    let folder = suite.notifier.folder
    #expect(suite.notifier.stop() == 0)
    let backup = try Data(contentsOf: URL(fileURLWithPath: folder.file("notifier.db")))
    try await suite.restart(suite.notifier)
    // Whom it would tell is away, so that both hear of the same things afterwards.
    suite.scheduler.kill9()
    let answer = try await suite.messages.optOut(
      .init(
        store: "shop", idempotencyKey: "out", channel: .email, contact: "ann",
        at: .init(seconds: due), evidence: "a call"))
    #expect(answer.withdrawn == 1)
    suite.notifier.kill9()

    for file in ["notifier.db-wal", "notifier.db-shm"] {
      try? FileManager.default.removeItem(atPath: folder.file(file))
    }
    try backup.write(to: URL(fileURLWithPath: folder.file("notifier.db")))
    refuses.withLock { $0 = false }
    try await suite.restart(suite.notifier)
    try await suite.restart(suite.scheduler)
    let suppressions = try await suite.messages.listSuppressions(.init(store: "shop")).suppressions
    #expect(suppressions.map(\.cause) == [.optOut])
    #expect(suppressions.map(\.evidence) == ["a call"])
    try await suite.run(to: due + 3 * ServiceSuite.day)
    #expect(suite.smtp.mails.entries.isEmpty)
    let messages = try await suite.sent(to: "ann")
    #expect(messages.allSatisfy { $0.state == .skipped && $0.reason == .suppressed })
    #expect(!messages.isEmpty)
  }

  @Test(
    "M18 RFC 8058: the List-Unsubscribe URL of a delivered mail stops what waits and what comes")
  func oneClick() async throws {
    let refuses = Mutex(false)
    let suite = try await suite(flow: Self.twoMails) { moment in
      moment.stage == .recipient && refuses.withLock { $0 } ? .reply("451 4.3.0 later") : .accept
    }
    let mailed = t0 + ServiceSuite.hour
    try await suite.run(to: mailed)
    let mail = try #require(suite.smtp.mails.entries.first)
    // The second mail waits for its next attempt when the opt-out comes.
    refuses.withLock { $0 = true }
    try await suite.run(to: mailed + ServiceSuite.day)
    #expect(try await suite.sent(to: "ann").last?.state == .waiting)

    let header = try #require(mail.header("List-Unsubscribe"))
    let urls = header.split(separator: ",").map { $0.filter { !"<> ".contains($0) } }
    let url = try #require(urls.first { $0.hasPrefix("http") })
    #expect(url.hasPrefix("http://127.0.0.1:\(suite.httpPort)/u/"))
    #expect(mail.header("List-Unsubscribe-Post") == "List-Unsubscribe=One-Click")
    let path = String(url.dropFirst("http://127.0.0.1:\(suite.httpPort)".count))

    // To look at the page changes nothing.
    let page = try await HTTPExchange.ask(port: suite.httpPort, "GET", path)
    #expect(page.status == 200)
    #expect(try await suite.sent(to: "ann").last?.state == .waiting)
    let answer = try await HTTPExchange.ask(
      port: suite.httpPort, "POST", path,
      headers: ["Content-Type": "application/x-www-form-urlencoded"],
      body: "List-Unsubscribe=One-Click")
    #expect(answer.status == 200)
    try await suite.settle()
    let second = try #require(try await suite.sent(to: "ann").last)
    #expect(second.order?.step == "second")
    #expect([.withdrawn, .skipped].contains(second.state))
    #expect(second.reason == .suppressed)
    let suppressions = try await suite.messages.listSuppressions(.init(store: "shop")).suppressions
    #expect(suppressions.map(\.cause) == [.optOut])

    // And nothing comes later: another cart, the same silence.
    refuses.withLock { $0 = false }
    let again = mailed + 10 * ServiceSuite.day
    try await suite.run(to: again)
    try await suite.record([Make.event("e9", again, contact: "ann", cart: "c2", Make.add("B"))])
    try await suite.run(to: again + 5 * ServiceSuite.day)
    #expect(suite.smtp.mails.entries.count == 1)
    // The same POST again is harmless.
    let repeated = try await HTTPExchange.ask(
      port: suite.httpPort, "POST", path,
      headers: ["Content-Type": "application/x-www-form-urlencoded"],
      body: "List-Unsubscribe=One-Click")
    #expect(repeated.status == 200)
  }
}
