internal import Messages
internal import Stubs
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

/// One person under two names: what the one buys stops what was to go to the other.
@Suite(.serialized) struct LinkedPurchaseJourneyTests {
  private let t0 = TrackerProcess.morning
  private var mailed: Int64 { t0 + ServiceSuite.hour + ServiceSuite.day }

  @Test("P09 a purchase by a linked identity ends the flow")
  func linkedPurchase() async throws {
    let suite = try ServiceSuite()
    try await suite.start()
    try await suite.openShop()
    try await suite.meet("ann", at: t0)
    try await suite.meet("anna", at: t0)
    try await suite.record([
      Make.event("e1", t0, contact: "ann", cart: "c1", Make.add("A")),
      Make.event("e2", t0, contact: "anna", cart: "c2", Make.add("B")),
    ])
    try await suite.run(to: t0 + 2 * ServiceSuite.hour)
    _ = try await suite.tracker.link(
      .init(
        store: "shop", idempotencyKey: "l", contact: "ann", other: "anna", evidence: .login))
    let bought = mailed - ServiceSuite.hour
    try await suite.run(to: bought)
    try await suite.record([
      Make.event("e3", bought, contact: "anna", cart: "c2", .purchase(.init(order: "o1")))
    ])
    try await suite.run(to: mailed + 5 * ServiceSuite.day)
    #expect(suite.smtp.mails.entries.isEmpty)
    for contact in ["ann", "anna"] {
      for found in try await suite.enrolments(of: contact) {
        #expect(found.enrolment?.state != .running)
      }
    }
  }

  @Test("P09 a guest's purchase on another device counts once the device is known")
  func guestPurchase() async throws {
    let suite = try ServiceSuite()
    try await suite.start()
    try await suite.openShop()
    try await suite.meet("ann", at: t0)
    try await suite.record([Make.event("e1", t0, contact: "ann", cart: "c1", Make.add("A"))])
    try await suite.run(to: t0 + 2 * ServiceSuite.hour)
    let bought = mailed - ServiceSuite.hour
    try await suite.run(to: bought)
    try await suite.record([
      Make.event(
        "e2", bought - 60, contact: "ann", guest: "phone", .identify(.init(evidence: .login))),
      Make.event("e3", bought, guest: "phone", .purchase(.init(order: "o1"))),
    ])
    try await suite.run(to: mailed + 5 * ServiceSuite.day)
    #expect(suite.smtp.mails.entries.isEmpty)
    #expect(try await suite.enrolment(of: "ann").enrolment?.reason == .purchased)
  }
}
