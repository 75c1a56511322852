internal import ArgumentParser
internal import Foundation
internal import Messages
internal import Stubs
internal import Testing
internal import Wire

@testable internal import Homing
@testable internal import Transport

@Suite struct ConsentsCommandTests {
  private typealias Methods = CartTrackerV1.CartTrackerMethods

  private let channel = TrackerChannel()
  private let printed = PrintedLines()
  private var caller: TrackerCaller { TrackerCaller(channel, timeout: .seconds(1)) }
  private let common = ["here:1", "--store", "shop", "--contact", "ann"]

  private static let answer = CartTrackerV1.ListConsentsResponse(
    consents: [
      .init(
        channel: .email, purpose: "recovery", wordingVersion: "v1", source: "check\u{1b}out",
        givenAt: .init(seconds: 0), confirmedAt: .init(seconds: 60)),
      .init(
        channel: .sms, purpose: "*", source: "call", givenAt: .init(seconds: 60),
        withdrawnAt: .init(seconds: 60)),
    ],
    bases: [
      .init(
        use: .init(channel: .email, purpose: "recovery"), allowed: true, country: "DE",
        packVersion: "v1", asksFor: "double-opt-in", restsOn: "double-opt-in"),
      .init(
        use: .init(channel: .sms, purpose: "recovery"), packVersion: "v2", asksFor: "consent",
        reason: .noConsent),
      .init(
        use: .init(channel: .letter, purpose: "recovery"), country: "DE", packVersion: "v1",
        asksFor: "no-objection", reason: .objection),
    ])

  @Test("F16 A contact's consents are shown with what they open, and why")
  func list() async throws {
    channel.answer(Methods.listConsents) { (_: CartTrackerV1.ListConsentsRequest) in Self.answer }
    try await ConsentsListCommand.parse(common).list(caller) { printed.add($0) }
    let lines = printed.lines
    #expect(lines[1].hasPrefix("email    recovery  yes, confirmed  1970-01-01"))
    #expect(!lines[1].contains("\u{1b}"))
    #expect(lines[2].hasPrefix("sms      all       no"))
    #expect(lines[5].hasPrefix("email    recovery  yes      double-opt-in"))
    #expect(lines[6].contains("no       needs consent  other countries v2"))
    #expect(lines[7].contains("no       objected"))
    let requests: [CartTrackerV1.ListConsentsRequest] = try channel.requests(Methods.listConsents)
    #expect(requests.first?.uses.map(\.channel).contains(.postcard) == true)
  }

  @Test("F16 A consent is granted, confirmed and withdrawn by options")
  func change() async throws {
    channel.answer(Methods.grantConsent) { (_: CartTrackerV1.GrantConsentRequest) in Self.answer }
    channel.answer(Methods.confirmConsent) { (_: CartTrackerV1.ConfirmConsentRequest) in
      Self.answer
    }
    channel.answer(Methods.withdrawConsent) { (_: CartTrackerV1.WithdrawConsentRequest) in
      Self.answer
    }
    let email = common + ["--channel", "email", "--idempotency-key", "k"]
    try await ConsentsGrantCommand.parse(
      email + [
        "--wording", "v1", "--source", "form", "--given-at", "2026-11-01", "--customer-notice",
      ]
    ).grant(caller) { printed.add($0) }
    try await ConsentsConfirmCommand.parse(email).confirm(caller) { printed.add($0) }
    try await ConsentsWithdrawCommand.parse(common + ["--source", "call"])
      .withdraw(caller) { printed.add($0) }
    let grants: [CartTrackerV1.GrantConsentRequest] = try channel.requests(Methods.grantConsent)
    #expect(
      grants == [
        .init(
          store: "shop", idempotencyKey: "k", contact: "ann",
          consent: .init(
            channel: .email, purpose: "recovery", wordingVersion: "v1", source: "form",
            givenAt: .init(seconds: 1_793_491_200), kind: .customerNotice))
      ])
    let confirms: [CartTrackerV1.ConfirmConsentRequest] = try channel.requests(
      Methods.confirmConsent)
    #expect(confirms.map(\.purpose) == ["recovery"] && confirms.first?.confirmedAt == nil)
    let withdrawals: [CartTrackerV1.WithdrawConsentRequest] = try channel.requests(
      Methods.withdrawConsent)
    #expect(withdrawals.map(\.channel) == [.unspecified] && withdrawals.first?.purpose == "")
    await #expect(throws: CommandError.self) {
      try await ConsentsConfirmCommand.parse(common).confirm(caller) { printed.add($0) }
    }
  }
}
