internal import Messages
internal import Stubs
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

/// Who may be written to: consents by RPC, and what becomes of messages without one.
@Suite(.serialized) struct ConsentJourneyTests {
  private let t0 = TrackerProcess.morning

  private func consent(
    _ channel: CommonV1.Channel = .email, at second: Int64, confirmed: Int64? = nil
  ) -> CartTrackerV1.Consent {
    .init(
      channel: channel, purpose: "recovery", wordingVersion: "2026-1", source: "checkout",
      givenAt: .init(seconds: second), confirmedAt: confirmed.map { .init(seconds: $0) })
  }

  @Test("F16 X07 a consent is granted, confirmed, withdrawn and proved, over a kill too")
  func life() async throws {
    let process = try TrackerProcess()
    try await process.start()
    try await process.advance(to: t0)
    _ = try await process.putStore()
    func allowed(_ answer: CartTrackerV1.ListConsentsResponse) -> [CommonV1.Channel] {
      answer.bases.filter(\.allowed).compactMap { $0.use?.channel }
    }
    let grant = CartTrackerV1.GrantConsentRequest(
      store: "shop", idempotencyKey: "g", contact: "ann", consent: consent(at: t0 - 10))
    #expect(allowed(try await process.tracker.grantConsent(grant)) == [.letter])
    // The same again is the same; another consent under the key is not.
    #expect(allowed(try await process.tracker.grantConsent(grant)) == [.letter])
    var other = grant
    other.consent?.wordingVersion = "2026-2"
    let refused = try await rpcError { try await process.tracker.grantConsent(other) }
    #expect(refused.code == .failedPrecondition)

    let confirm = CartTrackerV1.ConfirmConsentRequest(
      store: "shop", idempotencyKey: "c", contact: "ann", channel: .email, purpose: "recovery")
    let confirmed = try await process.tracker.confirmConsent(confirm)
    #expect(allowed(confirmed) == [.email, .letter])
    #expect(confirmed.consents.compactMap(\.confirmedAt) == [.init(seconds: t0)])

    process.kill9()
    try await process.start()
    let list = CartTrackerV1.ListConsentsRequest(store: "shop", contact: "ann")
    #expect(allowed(try await process.tracker.listConsents(list)) == [.email, .letter])

    try await process.advance(to: t0 + 60)
    let withdrawn = try await process.tracker.withdrawConsent(
      .init(store: "shop", idempotencyKey: "w", contact: "ann", source: "a call"))
    #expect(allowed(withdrawn).isEmpty)
    #expect(withdrawn.bases.map(\.reason).last == .objection)
    var again = confirm
    again.idempotencyKey = "c2"
    let nothing = try await rpcError { try await process.tracker.confirmConsent(again) }
    #expect(nothing.code == .failedPrecondition)

    var proofs: [CartTrackerV1.ConsentProof] = []
    let export = try await process.tracker.exportConsents(.init(store: "shop"))
    while let part = try await export.next() { proofs += part.proofs }
    #expect(proofs.count == 8)
    #expect(proofs.allSatisfy { $0.contact == "ann" && $0.identity == "spiffe://test/you" })
    #expect(proofs.first?.consent == consent(at: t0 - 10))
    #expect(proofs.first?.event == "command:grant:g")
    #expect(proofs.allSatisfy { $0.receivedAt != nil && $0.position?.seq ?? 0 > 0 })
  }

  @Test("F16 a grant needs its wording, and a confirmation something to confirm")
  func refusals() async throws {
    let process = try TrackerProcess()
    try await process.start()
    try await process.advance(to: t0)
    _ = try await process.putStore()
    var bare = consent(at: t0 + 3600)
    bare.wordingVersion = ""
    let request = CartTrackerV1.GrantConsentRequest(
      store: "shop", idempotencyKey: "g", contact: "ann", consent: bare)
    let error = try await rpcError { try await process.tracker.grantConsent(request) }
    #expect(error.code == .invalidArgument)
    #expect(
      error.fieldViolations.map(\.field) == ["consent.wording_version", "consent.given_at"])
    let nothing = try await rpcError {
      try await process.tracker.confirmConsent(
        .init(
          store: "shop", idempotencyKey: "c", contact: "ann", channel: .email, purpose: "recovery"))
    }
    #expect(nothing.code == .failedPrecondition)
  }

  @Test("F16 I3 who withdraws while a mail is queued gets none, and the reason is kept")
  func withdrawnInQueue() async throws {
    let suite = try ServiceSuite(retryFirst: "10m") {
      $0.stage == .recipient ? .reply("451 4.3.0 not now") : .accept
    }
    try await suite.start()
    try await suite.openShop()
    try await suite.meet("ann", at: t0)
    try await suite.record([Make.event("e1", t0, contact: "ann", cart: "c1", Make.add("A"))])
    try await suite.run(to: t0 + ServiceSuite.hour + ServiceSuite.day)
    #expect(try await suite.sent(to: "ann").map(\.state) == [.waiting])
    _ = try await suite.tracker.withdrawConsent(
      .init(store: "shop", idempotencyKey: "w", contact: "ann", channel: .email, source: "portal"))
    try await suite.run(to: t0 + 3 * ServiceSuite.day)
    #expect(suite.smtp.mails.entries.isEmpty)
    let message = try #require(try await suite.sent(to: "ann").first)
    #expect(message.state == .skipped)
    #expect(message.reason == .noConsent)
  }

  @Test("F16 X06 without consent to e-mail the flow takes the letter; an objection closes that too")
  func letterInstead() async throws {
    let suite = try ServiceSuite()
    try await suite.start()
    try await suite.openShop(
      flow: """
        flow: mail-or-letter
        start: cart abandoned
        steps:
          - send e-mail:
              template: cart-reminder
              expires: 2 days
              if not sent:
                - send letter: { template: cart-letter, expires: 7 days }
                  name: letter
            name: mail
        """)
    for contact in ["ann", "bob"] {
      try await suite.meetByPost(contact, cart: "c-\(contact)", at: t0)
      _ = try await suite.tracker.withdrawConsent(
        .init(
          store: "shop", idempotencyKey: "w-\(contact)", contact: contact, channel: .email,
          source: "a call"))
    }
    _ = try await suite.tracker.withdrawConsent(
      .init(
        store: "shop", idempotencyKey: "p", contact: "bob", channel: .letter, source: "a letter"))
    try await suite.run(to: ServiceSuite.cutOff + ServiceSuite.day)
    #expect(suite.smtp.mails.entries.isEmpty)
    #expect(try await suite.pieces().map { $0.order?.contact } == ["ann"])
    #expect(suite.printRuns.count == 1)
    let steps = try await suite.enrolment(of: "bob").decisions.map { "\($0.step) \($0.reason)" }
    #expect(steps == ["mail REASON_CODE_NO_CONSENT", "letter REASON_CODE_OBJECTION"])
    let mail = try #require(try await suite.enrolment(of: "ann").decisions.first)
    let basis = try #require(mail.facts.first { $0.name == "legal basis" })
    #expect(
      basis.value
        == .text("DE 2026-11-01: asks for double-opt-in or customer-notice+purchase"))
  }
}
