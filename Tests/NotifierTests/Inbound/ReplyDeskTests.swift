internal import Messages
internal import ServiceKit
internal import Storage
internal import Stubs
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import Notifier

@Suite struct ReplyDeskTests {
  @Test("M18 STOP by text opts out for all stores of the controller, withdraws and keeps proof")
  func stop() async throws {
    let fixture = try await InboundFixture.start()
    let notifier = fixture.notifier
    let waiting = notifier.order(3) {
      $0.dueAt = (notifier.clock.now + .seconds(60)).timestamp
    }
    try await notifier.send([waiting], from: 3)
    for _ in 1...2 {
      // Providers leave out the plus.
      let answer = try await fixture.reply("  stop. ", id: "p1", from: "99912345")
      #expect((answer.kind, answer.messages) == (.stop, [fixture.text.id]))
      #expect((answer.outcomes, answer.suppressed, answer.withdrawn) == (1, 1, 1))
    }
    await notifier.settle()
    #expect(notifier.told(fixture.text) == ["HANDED_OVER", "OPTED_OUT"])
    #expect(notifier.told(waiting) == ["WITHDRAWN SUPPRESSED"])
    let listed = try await fixture.suppressions()
    #expect(listed.map(\.address) == ["+99912345"])
    #expect(listed.map(\.cause) == [.optOut])
    let evidence = try #require(listed.first?.evidence)
    #expect(evidence.contains("stop.") && evidence.contains("scripted"))
    let start = try await fixture.reply("START", id: "p2")
    #expect((start.kind, start.suppressed) == (.reply, 0))
    #expect(try await fixture.suppressions().count == 1)
    await notifier.stop()
  }

  @Test("M18 A signed callback brings texts, and codes that say more than permanent")
  func callback() async throws {
    let fixture = try await InboundFixture.start()
    let policy = try await fixture.report(
      #"{"message":"\#(fixture.mail.id)","kind":"bounced","permanent":true,"code":"5.7.1"}"#)
    #expect((policy.outcomes, policy.ignored) == (1, 0))
    #expect(try await fixture.suppressions().isEmpty)
    let texts = """
      {"kind": "received", "id": "t1", "from": "+99912345", "to": "+9991", "text": "Stopp",
      "at": 1772441990}, {"kind": "received", "id": "t2", "from": "+9998888", "text": "Stop"},
      {"kind": "received"}
      """
    for _ in 1...2 {
      let answer = try await fixture.report(texts)
      #expect((answer.outcomes, answer.ignored) == (1, 2))
    }
    await fixture.notifier.settle()
    #expect(fixture.notifier.told(fixture.text) == ["HANDED_OVER", "OPTED_OUT"])
    let listed = try await fixture.suppressions()
    #expect(listed.map(\.address) == ["+99912345"])
    #expect(listed.first?.since?.seconds == 1_772_441_990)
    await fixture.notifier.stop()
  }

  @Test("M18 Asking for help leaves one note a day for the staff; other texts are replies")
  func help() async throws {
    let fixture = try await InboundFixture.start()
    for id in ["1", "2"] {
      let answer = try await fixture.reply("HELP", id: id)
      #expect((answer.kind, answer.suppressed) == (.help, 0))
    }
    try await fixture.notifier.advance(by: .seconds(86_400))
    _ = try await fixture.reply("Hilfe", id: "3")
    let notes = try fixture.notifier.database.read { session in
      try session.all(
        Statement(name: "notes", sql: "SELECT store, text FROM note", scope: .allBuckets)
      ) { "\(try $0.text(0)) \(try $0.text(1))" }
    }
    #expect(notes.count == 2)
    #expect(notes.allSatisfy { $0.hasPrefix("shop +99912345") })
    let reply = try await fixture.reply("Please stop sending me two of each", id: "4")
    #expect((reply.kind, reply.outcomes) == (.reply, 1))
    await fixture.notifier.stop()
  }

  @Test("M18 A text from a stranger, or through a provider that nobody answers, opts nobody out")
  func strangers() async throws {
    let fixture = try await InboundFixture.start()
    let stranger = try await fixture.reply("STOP", id: "1", from: "+9997777")
    #expect((stranger.kind, stranger.messages, stranger.suppressed) == (.stop, [], 0))
    let chat = try await fixture.reply("STOP", id: "2", provider: "other")
    #expect(chat.messages == [])
    let error = try await rpcError { try await fixture.reply("STOP", id: "3", provider: "none") }
    #expect(error.code == .invalidArgument)
    #expect(try await fixture.suppressions().isEmpty)
    await fixture.notifier.stop()
  }
}

@Suite struct StopWordsTests {
  @Test(
    "M18 A word alone, or a clear word with a name, is understood whatever its case and accents",
    arguments: [
      "STOP", "stop", " Stop! ", "S.T.O.P.", "STOPP", "abmelden", "Arrêt", "arre\u{302}t", "BAJA",
      "Annulla", "ALTO", "afmelden", "Unsubscribe", "STOP Homing", "stop sms", "«STOP»", "QUIT",
      "\nstop\n", "Désabonner",
    ])
  func stops(text: String) {
    #expect(StopWords.meaning(text) == .stop)
  }

  @Test(
    "M18 A sentence is no stop word",
    arguments: [
      "", "  ", "Don't stop", "Please stop it now", "stop by at nine", "cancel order",
      "end of March", "Baja California", "START", "UNSTOP", "yes", "stopwatch", "nonstop",
      "STOP" + String(repeating: " x", count: 100),
    ])
  func others(text: String) {
    #expect(StopWords.meaning(text) == .other)
  }

  @Test("M18 Help is asked for in each language", arguments: ["HELP", "hilfe?", "Aide", "ayuda"])
  func help(text: String) {
    #expect(StopWords.meaning(text) == .help)
  }
}
