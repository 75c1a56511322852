internal import Messages

/// Where a row of an enrolment stands: its bucket, and its number in the order in which the
/// bucket's enrolments were made.
struct EnrolmentPlace: Hashable, Sendable {
  let bucket: UInt8
  /// Rises with time: the microsecond at which it was made, or one more than the one before.
  let number: Int64
}

/// The event that an enrolment is measured from; times in microseconds.
struct AnchorOrder: Hashable, Sendable {
  var at: Int64 = 0
  var sourceOrder: UInt64 = 0
  var event = ""

  init(at: Int64 = 0, sourceOrder: UInt64 = 0, event: String = "") {
    self.at = at
    self.sourceOrder = sourceOrder
    self.event = event
  }

  init(_ anchor: CommonV1.Anchor?) {
    at = anchor?.at.map(Micros.of) ?? 0
    sourceOrder = anchor?.sourceOrder ?? 0
    event = anchor?.event ?? ""
  }

  var message: CommonV1.Anchor {
    CommonV1.Anchor(at: Micros.timestamp(at), sourceOrder: sourceOrder, event: event)
  }

  /// As all services order events.
  static func < (left: AnchorOrder, right: AnchorOrder) -> Bool {
    if left.at != right.at { return left.at < right.at }
    if left.sourceOrder != right.sourceOrder { return left.sourceOrder < right.sourceOrder }
    return left.event.utf8.lexicographicallyPrecedes(right.event.utf8)
  }
}

/// One person's way through one version of a flow, as it is stored. A value: what changes it are
/// the functions of `EnrolmentMachine`.
struct Enrolment: Sendable, Equatable {
  /// Successors: entering → waiting, ended, refused; waiting → ended. Both others are final.
  enum Phase: UInt8, Sendable {
    /// The rules of entry are still to be looked at; it is due at once, or at a schedule's run.
    case entering = 1
    /// At `step`, until `dueAt`.
    case waiting = 2
    case ended = 3
    /// Never began.
    case refused = 4
  }

  var place: EnrolmentPlace
  let id: Identifier
  let store: String
  let flow: String
  var version: UInt32
  let contact: String
  /// Empty where it is not about a cart.
  var cart = ""
  /// The episode's id as text; empty where none started it.
  var episode = ""
  var episodeRevision: UInt32 = 0
  /// Of the cart: decides what a purchase stops (P09).
  var cartKind: Int32 = 0
  /// At the start; empty where none is known.
  var company = ""
  var anchor = AnchorOrder()
  /// When what started it happened and when it became known (F20); both 0 where that is no episode.
  var happenedAt: Int64 = 0
  var knownAt: Int64 = 0
  /// False where the tracker forbids an enrolment (C12, C26).
  var enrols = true

  var phase = Phase.entering
  var reason = CommonV1.ReasonCode.unspecified
  /// When it was taken, until it enters or is refused; then when it did.
  var startedAt: Int64
  /// Nil while it goes on.
  var endedAt: Int64?
  /// Index of the step that it waits at.
  var step: Int?
  /// When that step was reached.
  var reachedAt: Int64 = 0
  /// When it is looked at next, at the latest; nil where it is over.
  var dueAt: Int64?
  /// Index of a send whose fallback is to be taken in place of what `step` waits for.
  var failedSend: Int?
  /// The step that gave the incentive in force, and when.
  var incentive: GivenIncentive?
  /// Branches of splits in the order met.
  var variants: [Variant] = []
  /// For MERGED and COVERED_BY.
  var other: Identifier?
  /// Every step decided, in order.
  var visits: [Visit] = []

  struct GivenIncentive: Sendable, Equatable {
    let version: UInt32
    let step: Int
    let at: Int64
    /// What a `give incentive` step gave; nil where the flow's text says it all.
    var gift: Identifier?
  }

  struct Variant: Sendable, Equatable {
    let step: String
    let branch: String
  }

  var isOver: Bool { phase == .ended || phase == .refused }
  var bucket: UInt8 { place.bucket }

  /// What a split gave last, for the order that follows.
  var variant: String { variants.last?.branch ?? "" }

  /// Whether no message was ordered and no incentive given so far.
  var hasGivenNothing: Bool {
    incentive?.gift == nil && visits.allSatisfy { $0.order == nil }
  }

  /// The last visit of a step in the version in force.
  func visit(of step: Int) -> Int? {
    visits.lastIndex { $0.step == step && $0.version == version }
  }
}

/// One step that was decided, with what became of its order.
struct Visit: Sendable, Equatable {
  /// Of the flow; `step` is an index into it.
  var version: UInt32
  var step: Int
  let decidedAt: Int64
  let verdict: SchedulerV1.Decision.Verdict
  var reason: CommonV1.ReasonCode = .unspecified
  /// UNSPECIFIED where it is no send.
  var channel: CommonV1.Channel = .unspecified
  var order: OrderState?

  /// What an order has come to, of all outcomes that were told.
  struct OrderState: Sendable, Equatable {
    let id: Identifier
    /// The one that ended it; UNSPECIFIED while it is open.
    var end = CommonV1.OutcomeKind.unspecified
    var reason = CommonV1.ReasonCode.unspecified
    /// First times of what happened afterwards, by kind; people's only (M19).
    var firsts: [First] = []
    /// A machine's.
    var machineOpened = false
    var machineClicked = false
    /// Whether it was told to be withdrawn.
    var cancelled = false

    struct First: Sendable, Equatable {
      let kind: CommonV1.OutcomeKind
      let at: Int64
    }

    func first(_ kind: CommonV1.OutcomeKind) -> Int64? {
      firsts.first { $0.kind == kind }?.at
    }

    /// Keeps the earliest time of a kind.
    mutating func note(_ kind: CommonV1.OutcomeKind, at: Int64) {
      guard let index = firsts.firstIndex(where: { $0.kind == kind }) else {
        firsts.append(First(kind: kind, at: at))
        return
      }
      if at < firsts[index].at { firsts[index] = First(kind: kind, at: at) }
    }
  }

  /// Ordered, and no final outcome is known.
  var isOpen: Bool { order?.end == .unspecified }

  /// Ordered, and nothing of it has left: it counts for no cap (F15).
  var isReleased: Bool {
    switch order?.end {
    case .skipped, .withdrawn, .failed: true
    default: false
    }
  }
}
