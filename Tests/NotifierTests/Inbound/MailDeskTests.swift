internal import Messages
internal import ServiceKit
internal import Stubs
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import Notifier

@Suite struct MailDeskTests {
  @Test("M18 A permanent bounce of a mail suppresses its address once, however often it comes")
  func bounce() async throws {
    let fixture = try await InboundFixture.start()
    let notifier = fixture.notifier
    let bounce = InboundFixture.bounce(of: fixture.mail)
    for _ in 1...2 {
      let answer = try await fixture.take(bounce)
      #expect(answer.kind == .bounce)
      #expect(answer.messages == [fixture.mail.id])
      #expect((answer.outcomes, answer.suppressed) == (1, 1))
    }
    await notifier.settle()
    #expect(notifier.told(fixture.mail) == ["HANDED_OVER", "BOUNCED BAD_DESTINATION"])
    let listed = try await fixture.suppressions()
    #expect(listed.map(\.address) == ["anna@shop.test"])
    #expect(listed.map(\.cause) == [.bounce])
    #expect(listed.first?.evidence.contains("5.1.1") == true)
    let later = notifier.order(3, channel: .email) { $0.template = "mail" }
    try await notifier.send([later], from: 3)
    await notifier.settle()
    #expect(notifier.told(later) == ["SKIPPED SUPPRESSED"])
    await notifier.stop()
  }

  @Test("M18 A bounce for policy is an outcome and suppresses nobody, a delay is none")
  func policy() async throws {
    let fixture = try await InboundFixture.start()
    let answer = try await fixture.take(
      InboundFixture.bounce(of: fixture.mail, status: "5.0.0", diagnostic: "554 5.7.1 blocked"))
    #expect((answer.kind, answer.outcomes, answer.suppressed) == (.bounce, 1, 0))
    let delay = try await fixture.take(
      InboundFixture.bounce(of: fixture.mail, action: "delayed", status: "4.4.1"))
    #expect((delay.kind, delay.outcomes) == (.notice, 0))
    let delivered = try await fixture.take(
      InboundFixture.bounce(of: fixture.mail, action: "delivered", status: "2.1.5"))
    #expect((delivered.kind, delivered.outcomes) == (.delivery, 1))
    await fixture.notifier.settle()
    #expect(
      fixture.notifier.told(fixture.mail) == [
        "HANDED_OVER", "BOUNCED PROVIDER_REFUSED", "DELIVERED",
      ])
    #expect(try await fixture.suppressions().isEmpty)
    await fixture.notifier.stop()
  }

  @Test("M18 The fifth mail in 30 days that a full mailbox returns rests the address for 90 days")
  func soft() async throws {
    let fixture = try await InboundFixture.start()
    let notifier = fixture.notifier
    var orders = [fixture.mail]
    for number in 3...6 {
      orders.append(notifier.order(number, channel: .email) { $0.template = "mail" })
    }
    try await notifier.send(Array(orders.dropFirst()), from: 3)
    await notifier.settle()
    for (index, order) in orders.enumerated() {
      // The same mail sent back twice counts once.
      for note in ["once", "twice"] {
        let answer = try await fixture.take(
          InboundFixture.bounce(of: order, status: "5.2.2", reported: note))
        #expect(answer.suppressed == (index == 4 && note == "once" ? 1 : 0), "\(index)")
      }
    }
    let listed = try await fixture.suppressions()
    #expect(listed.map(\.cause) == [.bounce])
    let until = try #require(listed.first?.until)
    #expect(until.microseconds == notifier.clock.now.microseconds + BounceRule.rest)
    await notifier.stop()
  }

  @Test("M18 A complaint suppresses always, and waiting mails are withdrawn at once")
  func complaint() async throws {
    let fixture = try await InboundFixture.start()
    let notifier = fixture.notifier
    let waiting = notifier.order(3, channel: .email) {
      $0.template = "mail"
      $0.dueAt = (notifier.clock.now + .seconds(60)).timestamp
    }
    try await notifier.send([waiting], from: 3)
    let other = try await fixture.take(
      InboundFixture.feedback(of: fixture.mail, type: "auth-failure"))
    #expect((other.kind, other.suppressed) == (.notice, 0))
    let answer = try await fixture.take(InboundFixture.feedback(of: fixture.mail))
    #expect((answer.kind, answer.suppressed, answer.withdrawn) == (.complaint, 1, 1))
    await notifier.settle()
    #expect(notifier.told(fixture.mail) == ["HANDED_OVER", "COMPLAINED"])
    #expect(notifier.told(waiting) == ["WITHDRAWN SUPPRESSED"])
    await notifier.stop()
  }

  @Test("M18 What a person answers is a reply, a machine's answer is not, a stop word opts out")
  func replies() async throws {
    let fixture = try await InboundFixture.start()
    let auto = [
      "Auto-Submitted: auto-replied", "Precedence: bulk", "Return-Path: <>", "X-Autoreply: yes",
    ]
    for field in auto {
      let answer = try await fixture.take(
        InboundFixture.reply(to: fixture.mail, "STOP", fields: field))
      #expect((answer.kind, answer.outcomes) == (.autoReply, 0), "\(field)")
    }
    let human = try await fixture.take(
      InboundFixture.reply(to: fixture.mail, "Please call me. STOP"))
    #expect((human.kind, human.outcomes, human.suppressed) == (.reply, 1, 0))
    let stop = try await fixture.take(
      InboundFixture.reply(to: fixture.mail, "Abmelden!", fields: "Auto-Submitted: no"))
    #expect((stop.kind, stop.outcomes, stop.suppressed) == (.stop, 1, 1))
    await fixture.notifier.settle()
    #expect(fixture.notifier.told(fixture.mail) == ["HANDED_OVER", "REPLIED", "OPTED_OUT"])
    let listed = try await fixture.suppressions()
    #expect(listed.map(\.cause) == [.optOut])
    #expect(listed.first?.evidence.contains("Abmelden!") == true)
    await fixture.notifier.stop()
  }

  @Test("M18 A bounce finds its mail by the sealed return path alone, and a changed one finds none")
  func returnPath() async throws {
    let fixture = try await InboundFixture.start()
    let parcel = try #require(
      fixture.provider.parcels.entries.first { $0.id == fixture.mail.id })
    guard case .email(let email) = parcel.content else {
      Issue.record("no e-mail was handed over")
      return
    }
    let base = try MailAddress("b@bounces.test", field: "return-path")
    let path = try #require(ReturnPath.text(base, email.returnToken))
    #expect(path.hasPrefix("b+") && path.hasSuffix("@bounces.test"))
    #expect(path.prefix { $0 != "@" }.utf8.count <= MailAddress.localSizeMax)
    let bounce = InboundFixture.bounce(of: fixture.text).replacing("Message-ID", with: "X-Id")
    let forged = path.replacing("b+A", with: "b+B")
    let wrong = try await fixture.take(bounce, recipient: forged)
    #expect((wrong.kind, wrong.messages, wrong.outcomes) == (.bounce, [], 0))
    let answer = try await fixture.take(bounce, recipient: path)
    #expect((answer.messages, answer.suppressed) == ([fixture.mail.id], 1))
    await fixture.notifier.stop()
  }

  @Test("M18 A mail about nothing of ours, or one that cannot be read, is answered, no more")
  func unattributed() async throws {
    let fixture = try await InboundFixture.start()
    var stranger = fixture.mail
    stranger.id = DerivedID.of("nobody")
    let mails = [
      (InboundFixture.bounce(of: stranger), NotifierV1.InboundKind.bounce),
      (InboundFixture.feedback(of: stranger), .complaint),
      (InboundFixture.reply(to: stranger, "STOP"), .stop),
      // A text is not answered by mail.
      (InboundFixture.bounce(of: fixture.text), .bounce), ("\n\n", .unreadable),
      (String(repeating: "a:\n", count: 2000), .unreadable),
    ]
    for (mail, kind) in mails {
      let answer = try await fixture.take(mail)
      #expect((answer.kind, answer.messages, answer.outcomes) == (kind, [], 0))
    }
    let copy = InboundFixture.bounce(of: fixture.mail)
      .replacing("@shop.test>", with: ".copy1@shop.test>")
    #expect(try await fixture.take(copy).messages == [])
    #expect(try await fixture.suppressions().isEmpty)
    let error = try await rpcError { try await fixture.take("") }
    #expect(error.code == .invalidArgument)
    await fixture.notifier.stop()
  }
}
