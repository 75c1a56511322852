internal import Messages
internal import ServiceKit
internal import Storage

@testable internal import Scheduler

/// Incentives of the fixture's store, by hand.
extension SchedulerFixture {
  typealias Terms = SchedulerV1.IncentiveTerms

  /// Ten percent by a generated code, unless said.
  static func terms(
    _ name: String = "autumn",
    _ gift: CommonV1.Incentive = .init(kind: .percentage, basisPoints: 1000),
    codes: Terms.CodeSource = .generated, budget: Int64? = nil, count: UInt64 = 0
  ) -> Terms {
    Terms(
      name: name, gift: gift, codes: codes,
      budgets: budget.map { [.init(currencyCode: "EUR", units: $0)] } ?? [], countMax: count)
  }

  /// Gives, then mails it; what is not given is mailed without.
  static let giving = """
    flow: offers
    start: cart abandoned
    re-entry: 0 s
    holdout: 0 %
    steps:
      - give incentive:
          incentive: autumn
          otherwise: [{ send e-mail: plain, name: plain }, { exit: , name: end }]
        name: gift
      - send e-mail:
          template: offer
          expires: 2 days
          if not sent: [{ send sms: text, name: text }]
        name: mail
    """

  @discardableResult
  func put(_ terms: Terms) throws -> SchedulerV1.Incentive {
    try ledger.write(now: now) { try CampaignStore.put(terms, in: Self.store, $0) }
  }

  func incentive(_ name: String = "autumn") throws -> SchedulerV1.Incentive {
    try engine.read { try CampaignStore.named(name, in: Self.store, $0) }
  }

  func upload(_ codes: [String], to name: String = "autumn") throws
    -> SchedulerV1.UploadCodesResponse
  {
    try ledger.write(now: now) { writing in
      try CodeUpload(
        request: .init(
          store: Self.store, idempotencyKey: "k", incentive: name, codes: codes),
        writing: writing
      ).add()
    }
  }

  /// Somebody with an abandoned cart, as the tracker knows them.
  func know(
    _ contact: String, cart: String = "c1", euros: Int64 = 100, company: String = "",
    email: String = "", linked: [String] = [], currency: String = "EUR"
  ) {
    var profile = CartTrackerV1.ContactProfile(company: company)
    if !email.isEmpty { profile.destinations = [.init(channel: .email, address: email)] }
    facts.set(
      contact,
      .init(
        contact: .init(store: Self.store, id: contact, profile: profile, linked: linked),
        carts: [
          .init(
            store: Self.store, id: cart, contact: contact,
            totals: [.init(currencyCode: currency, units: euros)])
        ]))
  }

  /// Gives a cart up and decides.
  func abandon(_ contact: String, cart: String = "c1", euros: Int64 = 100) throws {
    know(contact, cart: cart, euros: euros)
    try take([episode(contact, cart: cart)])
    try settle()
  }

  func given(_ contact: String = "ann") throws -> [SchedulerV1.GivenIncentive] {
    let owner = OwnerKeys.owner(store: Self.store, contact: contact, guest: "")
    return try ledger.write(now: now) { try $0.gifts(of: owner).map(\.contract) }
  }

  func redeem(
    _ code: String, order: String = "o1", contact: String = "ann", cart: String = "",
    euros: Int64 = 100, currency: String = "EUR", checkOnly: Bool = false
  ) throws -> SchedulerV1.RedeemResponse {
    try ledger.write(now: now) { writing in
      try Redemption(
        request: .init(
          store: Self.store, code: code, order: order, contact: contact, cart: cart,
          total: .init(currencyCode: currency, units: euros), checkOnly: checkOnly),
        writing: writing
      ).redeem()
    }
  }

  func reverse(_ code: String, order: String = "o1") throws -> Bool {
    try ledger.write(now: now) {
      try CodeReversal.reverse(code, order, in: Self.store, $0)
    }
  }

  func void(_ code: String, contact: String = "") throws {
    try ledger.write(now: now) { writing in
      try CodeReversal.void(
        .init(store: Self.store, idempotencyKey: "k", code: code, contact: contact), writing)
    }
  }

  /// What the shops' Rewards are to be told, oldest first.
  var rewards: [SchedulerV1.RewardRow] {
    get throws { try bodies(.shop).map { try SchedulerV1.RewardRow(encoded: $0) } }
  }

  func endIncentives() throws {
    _ = try IncentiveUpkeep(ledger: ledger).runOnce(now: clock.now)
  }
}

extension SchedulerV1.Incentive {
  /// Reserved and spent in euros.
  var euros: [Int64] {
    let worth = worth.first { $0.reserved?.currencyCode == "EUR" }
    return [worth?.reserved?.units ?? 0, worth?.spent?.units ?? 0]
  }

  /// Reserved, outstanding, redeemed.
  var counted: [UInt64] { [reserved, outstanding, redeemed] }
}

extension SchedulerFixture {
  /// Somebody of the staff ends a contact's enrolments.
  func end(_ contact: String) throws {
    try take([episode(contact, state: .closed, revision: 2)])
  }
}
