internal import Delivery
internal import Messages
internal import Storage

/// Gives what the tables have: looks at what the person has, at the terms, the limits, the budget
/// and the codes left. Whoever writes does so alone and in the same transaction, so what it found
/// room for has room.
final class StoredIncentiveDesk: IncentiveDesk {
  /// Attempts at a code that nobody has; each fails once in 10^15 codes of a store.
  private static let attemptsMax: UInt8 = 8

  private let writing: Writing

  init(_ writing: Writing) { self.writing = writing }

  func gift(_ id: Identifier) throws -> Gift? { try writing.gift(id) }

  func offer(_ ask: IncentiveAsk) throws -> IncentiveAnswer {
    let subject = GiftSubject(ask)
    if let known = try held(subject, ask) { return .known(known) }
    guard let campaign = try writing.campaign(ask.incentive, in: ask.enrolment.store) else {
      return .refused(.incentiveEnded)
    }
    if let reason = campaign.closure(at: ask.input.now) { return .refused(reason) }
    if try isLimited(campaign, subject, ask) { return .refused(.incentiveLimit) }
    guard let liability = Liability.worst(campaign, ask.cart) else {
      return .refused(.conditionNotMet)
    }
    let counts = try writing.counts(of: campaign.owner, isDry: ask.isDry)
    let worth = try writing.worth(of: campaign.owner, liability.currency, isDry: ask.isDry)
    guard campaign.hasRoom(counts, worth, for: liability) else { return .refused(.budget) }
    guard let code = try code(campaign, ask) else { return .refused(.noCodeLeft) }
    return .new(gift(campaign, subject, ask, liability, code))
  }

  private func gift(
    _ campaign: Campaign, _ subject: GiftSubject, _ ask: IncentiveAsk, _ liability: Liability,
    _ code: String
  ) -> Gift {
    let validUntil = campaign.validUntil(given: ask.input.now)
    var content = campaign.terms.gift ?? CommonV1.Incentive()
    content.code = code
    if validUntil < .max { content.expiresAt = Micros.timestamp(validUntil) }
    return Gift(
      id: ask.gift, owner: subject.own, store: campaign.store, incentive: campaign.name,
      contact: ask.enrolment.contact, isDry: ask.isDry, source: campaign.terms.codes,
      content: content, givenAt: ask.input.now, validUntil: validUntil,
      carts: ask.enrolment.cart.isEmpty ? [] : [ask.enrolment.cart], liability: liability,
      keys: subject.others)
  }

  /// What the person was given in the store and still holds.
  private func held(_ subject: GiftSubject, _ ask: IncentiveAsk) throws -> Gift? {
    for person in [subject.own] + subject.linked {
      let gifts = try writing.gifts(of: person)
      let found = gifts.first {
        $0.store == ask.enrolment.store && $0.isDry == ask.isDry && $0.holds(at: ask.input.now)
      }
      if let found { return found }
    }
    return nil
  }

  private func isLimited(
    _ campaign: Campaign, _ subject: GiftSubject, _ ask: IncentiveAsk
  ) throws -> Bool {
    let period = campaign.limitPeriod
    if period <= 0 { return false }
    let after = Micros.sum(ask.input.now, -period)
    for key in [subject.own] + subject.others + subject.linked {
      let newest = try writing.session.first(
        IncentiveStatements.counted,
        [key.bucketValue, key.value, .integer(after), .flag(ask.isDry), ask.gift.value]
      ) { try $0.integer(0) }
      if newest != nil { return true }
    }
    return false
  }

  /// Empty for gifts without one, and in dry runs; nil: none is left.
  private func code(_ campaign: Campaign, _ ask: IncentiveAsk) throws -> String? {
    let key = campaign.owner
    switch campaign.terms.codes {
    case .fixed: return ask.isDry ? "" : campaign.terms.gift?.code ?? ""
    case .pool:
      let first = try writing.session.first(
        IncentiveStatements.firstOfPool, [key.bucketValue, key.value]
      ) { try $0.text(1) }
      return ask.isDry ? first.map { _ in "" } : first
    case .generated:
      if ask.isDry { return "" }
      for attempt in 0..<StoredIncentiveDesk.attemptsMax {
        let code = CodeText.generated(writing.salt, ask.gift, attempt: attempt)
        let entries = try writing.entries(of: code, in: campaign.store)
        if entries.allSatisfy({ $0.gift == ask.gift }) { return code }
      }
      return nil
    default: return ""
    }
  }
}

/// Under which keys what somebody is given counts.
struct GiftSubject {
  let own: OwnerKey
  /// Addresses and company, as for caps (F15).
  let others: [OwnerKey]
  /// Of other contacts that are the same person: looked at, not written.
  let linked: [OwnerKey]

  init(_ ask: IncentiveAsk) {
    let subject = SendSubject(ask.enrolment, ask.input, .email)
    own = subject.own
    others = subject.addresses + (subject.company.map { [$0] } ?? [])
    linked = subject.linked
  }
}

extension IncentiveAsk {
  /// The cart that the enrolment is about.
  var cart: CartTrackerV1.Cart? {
    if enrolment.cart.isEmpty { return nil }
    return input.facts?.carts.first { $0.id == enrolment.cart }
  }
}
