internal import Messages

/// What following an enrolment asks for, beside its own new state. To be stored in one transaction.
struct Effects: Sendable, Equatable {
  var decisions: [DecisionRecord] = []
  var actions: [Action] = []
  /// In the order in which they happened.
  var gifts: [GiftChange] = []
  /// The same person's enrolment that is to end, since this one leads (C28).
  var replaced: Identifier?

  enum Action: Sendable, Equatable {
    case send(CommonV1.SendOrder)
    case cancel(CommonV1.CancelOrder)
    case tag(CartTrackerV1.TagContactRequest)
  }

  /// The messages and mail pieces ordered.
  var orders: [CommonV1.SendOrder] {
    actions.compactMap { action in
      if case .send(let order) = action { return order }
      return nil
    }
  }
}

/// One decision about one step: exactly one for each step met (F19). Times in microseconds.
struct DecisionRecord: Sendable, Equatable {
  let id: Identifier
  let step: String
  let verdict: SchedulerV1.Decision.Verdict
  var reason = CommonV1.ReasonCode.unspecified
  let dueAt: Int64
  let decidedAt: Int64
  /// Label of the branch taken.
  var branch = ""
  var channel = CommonV1.Channel.unspecified
  var template = ""
  var order: Identifier?
  /// For DEFERRED.
  var deferredUntil: Int64?
  /// When the record was made that this one takes the place of: of the same step, deferred.
  var replaces: Int64?
  /// The facts that it rests on, and where they were read.
  var facts: [CommonV1.Attribute] = []
  var positions: [CommonV1.Position] = []
}
