internal import Messages

/// Something that became known about an order. Times in microseconds.
struct OrderOutcome: Sendable, Equatable {
  let order: Identifier
  let kind: CommonV1.OutcomeKind
  let at: Int64
  var reason = CommonV1.ReasonCode.unspecified
  var isHuman = false
}

extension Enrolment {
  /// Takes an outcome in, and is due at once where it decides what the enrolment waits for, or
  /// where a send at the flow's end could not be made.
  ///
  /// - Parameter isAlone: whether the person has no other running enrolment in the flow; asked only
  ///   of one that is over.
  /// - Returns: false where no order of this enrolment is meant, or nothing is new.
  mutating func take(
    _ outcome: OrderOutcome, _ version: FlowVersion, now: Int64, isAlone: () throws -> Bool
  ) rethrows -> Bool {
    guard let index = visits.firstIndex(where: { $0.order?.id == outcome.order }),
      var order = visits[index].order
    else { return false }
    let before = order
    order.take(outcome)
    guard order != before else { return false }
    visits[index].order = order
    if phase == .waiting && version.number == self.version {
      if hasFailed(index, outcome.kind, version) {
        failedSend = visits[index].step
        dueAt = min(dueAt ?? now, now)
      } else if isDecided(by: index, version) {
        dueAt = min(dueAt ?? now, now)
      }
    } else if try isAwaited(index, outcome, version) && isAlone() {
      reopen(for: visits[index].step, at: now)
    }
    return true
  }

  /// What says that it cannot go this way, and nothing of whether it should go at all.
  private static let passable: Set<CommonV1.ReasonCode> = [
    .noConsent, .suppressed, .objection, .frequencyCap, .noDestination, .badDestination,
    .missingValue, .glyphMissing, .budget, .margin, .channelOff, .providerRefused,
    .providerUnreachable, .tlsRequired,
  ]

  /// Whether the flow came to its end right behind a send with a fallback, such as a letter that is
  /// refused days later at its cut-off (F16); not where anything stopped the enrolment meanwhile.
  private func isAwaited(
    _ visit: Int, _ outcome: OrderOutcome, _ version: FlowVersion
  ) -> Bool {
    phase == .ended && reason == .flowEnded && version.number == self.version
      && endedAt == visits[visit].decidedAt && visits[visit].order?.cancelled == false
      && Enrolment.passable.contains(outcome.reason)
      && isOnItsOwnWay(visit, outcome.kind, version)
  }

  private mutating func reopen(for send: Int, at now: Int64) {
    phase = .waiting
    reason = .unspecified
    endedAt = nil
    step = nil
    failedSend = send
    dueAt = now
  }

  /// Whether the step that it waits at is decided by the first outcome that it asks for.
  private func isDecided(by visit: Int, _ version: FlowVersion) -> Bool {
    guard let step, visits[visit].version == self.version,
      version.definition.steps.indices.contains(step),
      case .evaluateEvent(let wait) = version.definition.steps[step].action,
      wait.of == visits[visit].step, let first = wait.branches.first
    else { return false }
    return visits[visit].order?.first(first.outcome) != nil
  }

  /// Whether a send with a fallback could not be made, before anything but its own way on was
  /// decided: the enrolment waits at the first wait after it.
  private func hasFailed(
    _ visit: Int, _ kind: CommonV1.OutcomeKind, _ version: FlowVersion
  ) -> Bool {
    isOnItsOwnWay(visit, kind, version) && reachedAt == visits[visit].decidedAt
  }

  /// A send with a fallback could not be made, and only its own way on was decided after it.
  private func isOnItsOwnWay(
    _ visit: Int, _ kind: CommonV1.OutcomeKind, _ version: FlowVersion
  ) -> Bool {
    guard let order = visits[visit].order, order.end == kind, order.couldNotBeMade,
      visits[visit].version == self.version,
      case .send(let send) = version.definition.steps[visits[visit].step].action,
      send.fallback != nil
    else { return false }
    let sent = visits[visit].decidedAt
    return visits[visit...].allSatisfy { $0.decidedAt == sent }
  }
}

extension Visit.OrderState {
  /// It could not go its way; one that the person closed while it waited is as good as refused.
  fileprivate var couldNotBeMade: Bool {
    switch end {
    case .skipped, .failed: true
    case .withdrawn: !cancelled && (reason == .objection || reason == .suppressed)
    default: false
    }
  }

  /// Of the outcomes that end an order the first told counts.
  mutating func take(_ outcome: OrderOutcome) {
    switch outcome.kind {
    case .handedOver, .unknown, .skipped, .withdrawn, .failed:
      if end == .unspecified { (end, reason) = (outcome.kind, outcome.reason) }
      note(outcome.kind, at: outcome.at)
    case .opened where !outcome.isHuman: machineOpened = true
    case .clicked where !outcome.isHuman: machineClicked = true
    case .unspecified, .deferred: break
    default: note(outcome.kind, at: outcome.at)
    }
  }
}
