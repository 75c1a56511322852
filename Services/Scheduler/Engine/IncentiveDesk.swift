internal import Messages

/// What a `give incentive` step asks, in the deciding transaction (M12). It only reads: what it
/// answers is written with the decision that used it, or not at all.
protocol IncentiveDesk: AnyObject {
  /// A gift for the enrolment: one that the person has and that still holds, else a new one.
  func offer(_ ask: IncentiveAsk) throws -> IncentiveAnswer
  /// The gift as it is now; nil: there is none of this id.
  func gift(_ id: Identifier) throws -> Gift?
}

/// Somebody is to be given something now.
struct IncentiveAsk {
  /// The id of the gift, if it is a new one: the same for the same step after any crash.
  let gift: Identifier
  let incentive: String
  let enrolment: Enrolment
  let input: DecisionInput

  /// Nothing leaves, and no code is taken: it counts for dry runs only.
  var isDry: Bool { input.mode != .test && input.mode != .live }
}

enum IncentiveAnswer {
  /// As it is to be from now on.
  case new(Gift)
  /// The person has it.
  case known(Gift)
  case refused(CommonV1.ReasonCode)
}

/// What becomes of gifts by a decision; stored with it.
enum GiftChange: Sendable, Equatable {
  case reserve(Gift)
  /// Another cart of the same person uses it too.
  case join(Identifier, cart: String)
  case carry(Identifier, order: Identifier)
  /// A dry run would have sent it.
  case confirm(Identifier)
}

/// Gives nothing: for whoever ends enrolments and decides nothing.
final class ClosedDesk: IncentiveDesk {
  func offer(_ ask: IncentiveAsk) -> IncentiveAnswer { .refused(.incentiveEnded) }
  func gift(_ id: Identifier) -> Gift? { nil }
}
