internal import Messages
internal import Stubs
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

/// A flow that is edited while people are in it.
@Suite(.serialized) struct FlowEditJourneyTests {
  private let t0 = TrackerProcess.morning

  private static func flow(_ template: String) -> String {
    """
    flow: edited
    start: cart abandoned
    steps:
      - pause: 1 day
        name: wait
      - send e-mail: { template: \(template), expires: 2 days }
        name: mail
    """
  }

  @Test("F14 who is in a flow stays in its version; who comes later gets the newest")
  func versions() async throws {
    let suite = try ServiceSuite()
    try await suite.start()
    try await suite.openShop(flow: Self.flow("cart-reminder"))
    for contact in ["ann", "bob", "eve"] { try await suite.meet(contact, at: t0) }
    try await suite.record([
      Make.event("e1", t0, contact: "ann", cart: "c1", Make.add("A")),
      Make.event("e2", t0, contact: "eve", cart: "c3", Make.add("A")),
    ])
    try await suite.run(to: t0 + 2 * ServiceSuite.hour)
    try await suite.apply(Self.flow("cart-help"), version: 1)
    try await suite.record([
      Make.event("e3", t0 + 2 * ServiceSuite.hour, contact: "bob", cart: "c2", Make.add("B"))
    ])
    try await suite.run(to: t0 + 4 * ServiceSuite.hour)
    let versions = try await ["ann", "bob", "eve"].asyncMap { contact in
      try await suite.enrolment(of: contact).enrolment?.flowVersion
    }
    #expect(versions == [1, 2, 1])
    try await suite.run(to: t0 + 3 * ServiceSuite.day)
    #expect(try await suite.sent(to: "ann").map { $0.order?.template } == ["cart-reminder"])
    #expect(try await suite.sent(to: "bob").map { $0.order?.template } == ["cart-help"])
  }

  @Test("F14 those who wait are moved to the new version when somebody says so")
  func moved() async throws {
    let suite = try ServiceSuite()
    try await suite.start()
    try await suite.openShop(flow: Self.flow("cart-reminder"))
    try await suite.meet("ann", at: t0)
    try await suite.record([Make.event("e1", t0, contact: "ann", cart: "c1", Make.add("A"))])
    try await suite.run(to: t0 + 2 * ServiceSuite.hour)
    try await suite.apply(Self.flow("cart-help"), version: 1)
    let moved = try await suite.flows.moveEnrolments(
      .init(store: "shop", idempotencyKey: "m", flow: "edited", fromVersion: 1, toVersion: 2))
    #expect(moved.moved == 1)
    #expect(moved.kept == 0)
    try await suite.run(to: t0 + 3 * ServiceSuite.day)
    #expect(try await suite.sent(to: "ann").map { $0.order?.template } == ["cart-help"])
  }
}

extension Array where Element: Sendable {
  fileprivate func asyncMap<Result>(
    _ transform: (Element) async throws -> Result
  ) async rethrows -> [Result] {
    var results: [Result] = []
    for element in self { results.append(try await transform(element)) }
    return results
  }
}
