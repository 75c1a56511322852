internal import Delivery
internal import Messages
internal import ServiceKit

/// Whether a send step orders: looked at with facts read right before. Pure. The notifier asks for
/// permission again at the hand-off; this keeps what is known by now from being ordered at all.
struct SendGate {
  enum Verdict: Equatable {
    case sends
    /// In another mode it would (F21).
    case wouldSend
    case skips(CommonV1.ReasonCode)
    case ends(CommonV1.ReasonCode)
  }

  let enrolment: Enrolment
  let send: SendStep
  let input: DecisionInput
  /// When the step was due, in microseconds.
  let due: Int64

  var verdict: Verdict {
    if let facts = input.facts {
      if facts.contact?.erasedAt != nil { return .ends(.erased) }
      if SendGate.isBought(enrolment, facts, input.store) { return .ends(.purchased) }
    }
    if due <= input.unknownUntil { return .skips(.restored) }
    if input.now > Micros.sum(due, send.expires) { return .skips(.stale) }
    if input.closedChannels.contains(send.channel) { return .skips(.channelOff) }
    if send.channel.needsBasis && basis?.allowed != true {
      return .skips(basis?.reason ?? .noConsent)
    }
    switch input.mode {
    case .test, .live: return .sends
    case .draft: return .skips(.mode)
    default: return .wouldSend
    }
  }

  /// What the law makes of it (F16); nil where the tracker did not judge it, which allows nothing.
  var basis: CartTrackerV1.LegalBasis? {
    input.facts?.bases.first {
      $0.use?.channel == send.channel && $0.use?.purpose == send.use.purpose
    }
  }

  /// Whether the facts tell of a purchase that stops the enrolment: of its cart, or of anything
  /// where the kind's stop scope is the contact (P09).
  static func isBought(
    _ enrolment: Enrolment, _ facts: CartTrackerV1.Facts, _ store: StoreProfile
  ) -> Bool {
    if !enrolment.cart.isEmpty && store.stopsCompany(enrolment.cartKind),
      let at = facts.companyPurchasedAt, Micros.of(at) > enrolment.anchor.at
    {
      return true
    }
    if !enrolment.cart.isEmpty && store.stopsCartOnly(enrolment.cartKind) {
      return facts.carts.contains { $0.id == enrolment.cart && $0.state == .purchased }
    }
    return facts.purchasedAt.map { Micros.of($0) > enrolment.anchor.at } ?? false
  }
}

extension SendStep {
  /// As the tracker names it.
  var use: CartTrackerV1.Use {
    .of(channel, purpose)
  }
}

extension CartTrackerV1.LegalBasis {
  /// For a decision's record.
  var attribute: CommonV1.Attribute {
    let pack = (country.isEmpty ? "other countries" : country) + " " + packVersion
    let text = allowed ? "rests on \(restsOn)" : "asks for \(asksFor)"
    return CommonV1.Attribute(name: "legal basis", value: .text("\(pack): \(text)"))
  }
}

/// Puts the order together.
struct SendDraft {
  /// Carts that a message also lists at most, as the contract has it.
  private static let coveredMax = 32

  let enrolment: Enrolment
  let version: FlowVersion
  let input: DecisionInput
  let due: Int64
  /// What a `give incentive` step gave.
  var gift: Gift?

  func order(_ send: SendStep, _ id: Identifier, step: String) -> CommonV1.SendOrder {
    CommonV1.SendOrder(
      id: id.text, store: enrolment.store, channel: send.channel, contact: enrolment.contact,
      cart: enrolment.cart, episode: enrolment.episode, anchor: enrolment.anchor.message,
      enrolment: enrolment.id.text, flow: enrolment.flow, flowVersion: version.number,
      step: step, template: send.template, variant: enrolment.variant, purpose: send.purpose,
      dueAt: Micros.timestamp(due), expiresAt: Micros.timestamp(Micros.sum(due, send.expires)),
      mode: input.mode, incentive: incentive, parameters: send.parameters,
      coveredCarts: coveredCarts, recipients: send.recipients, copies: send.copies,
      windows: windows(send))
  }

  /// The channel's hours, then the step's (F15).
  private func windows(_ send: SendStep) -> [CommonV1.SendWindow] {
    guard send.channel.hasHours else { return [] }
    let allDay = CommonV1.SendWindow()
    let hours = input.store.hours[send.channel] ?? SendHours.standard(send.channel) ?? allDay
    return [hours] + (send.window.map { [$0] } ?? [])
  }

  /// What an incentive step on the way here gave (M11).
  private var incentive: CommonV1.Incentive? {
    if let gift { return gift.content }
    guard let given = enrolment.incentive, given.version == version.number,
      version.definition.steps.indices.contains(given.step),
      case .incentive(let step) = version.definition.steps[given.step].action
    else { return nil }
    var incentive = step.incentive
    if let span = step.validFor {
      incentive.expiresAt = Micros.timestamp(Micros.sum(given.at, span))
    }
    return incentive
  }

  /// The contact's other abandoned carts, which the message also lists (C28).
  private var coveredCarts: [String] {
    guard !enrolment.cart.isEmpty else { return [] }
    let others = (input.facts?.carts ?? []).filter {
      $0.state == .abandoned && $0.id != enrolment.cart
    }
    return others.prefix(SendDraft.coveredMax).map(\.id)
  }
}
