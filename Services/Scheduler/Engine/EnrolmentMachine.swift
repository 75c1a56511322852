internal import Messages
internal import ServiceKit

/// Follows one enrolment through its flow. Pure but for the brakes that it asks: the same
/// enrolment, flow, input and answers give the same effects, in whatever batch it is decided.
///
/// Goes on from a wait that is over through all steps up to the next wait or the end. Each step met
/// leaves exactly one decision (F19), made when the step is left.
struct EnrolmentMachine {
  enum Progress: Equatable {
    /// It waits, or is over.
    case settled
    /// Facts are needed and were not given: enrolment and effects are to be thrown away, and it is
    /// to be decided again with facts.
    case needsFacts
  }

  private(set) var enrolment: Enrolment
  private(set) var effects = Effects()
  let version: FlowVersion
  let input: DecisionInput
  /// When the step at hand was due.
  private var due: Int64
  private var knownSheet: FactSheet?
  private let brakes: any SendBrakes
  private let desk: any IncentiveDesk

  /// - Parameters:
  ///   - brakes: are asked about sends, by `advance` only.
  ///   - desk: is asked for what is to be given, by `advance` only.
  init(
    _ enrolment: Enrolment, _ version: FlowVersion, _ input: DecisionInput,
    brakes: any SendBrakes = FreeBrakes(), desk: any IncentiveDesk = ClosedDesk()
  ) {
    precondition(enrolment.version == version.number && enrolment.flow == version.name)
    self.enrolment = enrolment
    self.version = version
    self.input = input
    self.brakes = brakes
    self.desk = desk
    due = min(enrolment.dueAt ?? input.now, input.now)
  }

  private var flow: FlowDefinition { version.definition }
  private var now: Int64 { input.now }

  // MARK: - Time has come

  /// Decides what is due.
  ///
  /// - Parameter others: where it is entering: the same person's other enrolments in the flow.
  mutating func advance(others: [EntryRules.Other] = []) throws -> Progress {
    switch enrolment.phase {
    case .ended, .refused: return .settled
    case .entering: return try enter(others)
    case .waiting: return try goOn()
    }
  }

  private mutating func enter(_ others: [EntryRules.Other]) throws -> Progress {
    switch EntryRules(flow: flow, input: input, others: others).judge(enrolment) {
    case .needsFacts: return .needsFacts
    case .refused(let reason, let other):
      refuse(reason, other)
      return .settled
    case .enters(let replaced):
      effects.replaced = replaced
      enrolment.phase = .waiting
      enrolment.startedAt = now
      return try follow(from: flow.first)
    }
  }

  private mutating func goOn() throws -> Progress {
    // The flow was at its end: nothing is left out for the fallback.
    if enrolment.step == nil, let send = enrolment.failedSend {
      return try takeFallback(of: send, insteadOf: nil)
    }
    guard let index = enrolment.step, flow.steps.indices.contains(index) else {
      // A step that this version does not have: the enrolment cannot go on.
      finish(.flowNotActive)
      return .settled
    }
    let step = flow.steps[index]
    if let send = enrolment.failedSend { return try takeFallback(of: send, insteadOf: index) }
    switch step.action {
    case .pause:
      if let dueAt = enrolment.dueAt, dueAt > now { return .settled }
      record(index, .passed)
      return try follow(from: step.next)
    case .evaluateEvent(let wait):
      guard let way = way(on: wait, after: step) else { return .settled }
      record(index, .passed, branch: way.label)
      return try follow(from: way.then)
    case .send:
      if let dueAt = enrolment.dueAt, dueAt > now { return .settled }
      // Deferred: its expiry counts from when it was first due.
      due = enrolment.reachedAt
      return try follow(from: index)
    default:
      // No other step waits; a version to which enrolments were moved may have another kind here.
      return try follow(from: index)
    }
  }

  /// The order has failed before what the enrolment waits for could come.
  private mutating func takeFallback(of send: Int, insteadOf index: Int?) throws -> Progress {
    enrolment.failedSend = nil
    if let index {
      let reason = enrolment.visit(of: send).flatMap { enrolment.visits[$0].order?.reason }
      record(index, .skipped, reason: reason ?? .unspecified)
    }
    let action = flow.steps.indices.contains(send) ? flow.steps[send].action : nil
    guard case .send(let action) = action, let fallback = action.fallback else {
      return try follow(from: index.flatMap { flow.steps[$0].next })
    }
    return try follow(from: fallback.then)
  }

  // MARK: - Steps

  /// Takes steps until one waits. A step is met at most once, since ways never lead back.
  private mutating func follow(from first: Int?) throws -> Progress {
    var next = first
    // What was set for the wait that is over.
    enrolment.step = nil
    enrolment.dueAt = nil
    while let index = next {
      let step = flow.steps[index]
      switch step.action {
      case .pause(let pause):
        if pause.needsZone && input.facts == nil { return .needsFacts }
        let end = pause.due(from: begin, zone: input.zone)
        if end > now {
          wait(at: index, until: end)
          return .settled
        }
        record(index, .passed)
        if isInDoubt { due = end }
        next = step.next
      case .evaluateEvent(let wait):
        enrolment.reachedAt = begin
        let end = Micros.sum(begin, wait.within)
        guard let way = way(on: wait, after: step) else {
          self.wait(at: index, until: end)
          return .settled
        }
        record(index, .passed, branch: way.label)
        if isInDoubt { due = end }
        next = way.then
      case .evaluateData(let branches):
        guard let sheet = sheet() else { return .needsFacts }
        let met = branches.first { $0.when.isMet(sheet) }
        let names = branches.reduce(into: Set<FactName>()) { $0.formUnion($1.when.factNames) }
        guard let met else {
          record(
            index, step.next == nil ? .ended : .passed,
            reason: step.next == nil ? .noMatch : .unspecified, branch: "none matched", facts: names
          )
          if step.next == nil { return over(.noMatch) }
          next = step.next
          continue
        }
        record(index, .passed, branch: met.label, facts: names)
        next = met.then
      case .send(let send):
        if input.facts == nil { return .needsFacts }
        let isDeferred = enrolment.visits.last?.verdict == .deferred
        guard let way = try order(send, index, step) else { return .settled }
        // What comes after a step that waited is due when it no longer waits.
        if isDeferred { due = now }
        next = way.then
      case .incentive:
        enrolment.incentive = .init(version: version.number, step: index, at: now)
        record(index, .passed)
        next = step.next
      case .give(let give):
        if input.facts == nil { return .needsFacts }
        next = try self.give(give, index, step)
      case .tag(let added, let removed):
        tag(index, added, removed)
        next = step.next
      case .split(let branches):
        next = split(index, branches, step)
      case .exit:
        record(index, .ended, reason: .flowEnded)
        return over(.flowEnded)
      }
    }
    return over(.flowEnded)
  }

  /// The step at hand may have been taken by what a restored database does not know (T31).
  private var isInDoubt: Bool { due <= input.unknownUntil }

  /// From when on the step at hand waits. In doubt the way is followed as it was timed: what comes
  /// later is not put off past what may have been done.
  private var begin: Int64 { isInDoubt ? due : now }

  private mutating func over(_ reason: CommonV1.ReasonCode) -> Progress {
    finish(reason)
    return .settled
  }

  private mutating func wait(at index: Int, until end: Int64) {
    enrolment.step = index
    enrolment.reachedAt = begin
    enrolment.dueAt = end
    due = now
  }

  private struct Way {
    let label: String
    let then: Int?
  }

  /// The first branch decides as soon as its outcome is known; a later one, and that none is known,
  /// when the time is over. Nil: it waits on.
  private func way(on wait: EventWait, after step: FlowStep) -> Way? {
    let deadline = Micros.sum(enrolment.reachedAt, wait.within)
    let order = enrolment.visit(of: wait.of).flatMap { enrolment.visits[$0].order }
    for (index, branch) in wait.branches.enumerated() {
      guard let at = order?.first(branch.outcome), at <= deadline else { continue }
      if index > 0 && now < deadline { return nil }
      return Way(label: EnrolmentMachine.label(branch.outcome), then: branch.then)
    }
    return now < deadline ? nil : Way(label: "no action", then: step.next)
  }

  static func label(_ outcome: CommonV1.OutcomeKind) -> String {
    switch outcome {
    case .opened: "opened"
    case .clicked: "clicked"
    case .replied: "replied"
    case .delivered: "delivered"
    case .bounced: "bounced"
    default: outcome.description
    }
  }

  private mutating func tag(_ index: Int, _ added: [String], _ removed: [String]) {
    let id = record(index, .passed)
    // A dry run, and a draft, leave no trace elsewhere.
    guard input.mode == .test || input.mode == .live else { return }
    effects.actions.append(
      .tag(
        CartTrackerV1.TagContactRequest(
          store: enrolment.store, idempotencyKey: id.text, contact: enrolment.contact,
          added: added, removed: removed)))
  }

  /// Stable for the contact: by a hash salted with flow and step (F18).
  private mutating func split(
    _ index: Int, _ branches: [SplitBranch], _ step: FlowStep
  ) -> Int? {
    let subject = enrolment.company.isEmpty ? enrolment.contact : enrolment.company
    let share = SubjectHash.share(store: enrolment.store, flow: flow.name, step.name, subject)
    var sum = 0
    let chosen = branches.first { branch in
      sum += branch.share
      return share < sum
    }
    guard let chosen else {
      record(index, .passed)
      return step.next
    }
    enrolment.variants.append(.init(step: step.name, branch: chosen.label))
    record(index, .passed, branch: chosen.label)
    return chosen.then
  }

  // MARK: - Records

  /// Made once for all steps of the way.
  private mutating func sheet() -> FactSheet? {
    if knownSheet == nil { knownSheet = EnrolmentMachine.sheet(enrolment, input) }
    return knownSheet
  }

  static func sheet(_ enrolment: Enrolment, _ input: DecisionInput) -> FactSheet? {
    input.facts.map { facts in
      FactSheet(
        facts: facts, store: enrolment.store, cart: enrolment.cart,
        anchor: enrolment.anchor.message, episode: facts.episode,
        purchasedTag: input.store.purchasedTag)
    }
  }

  /// The one record of a step met.
  @discardableResult
  private mutating func record(
    _ index: Int, _ verdict: SchedulerV1.Decision.Verdict,
    reason: CommonV1.ReasonCode = .unspecified, branch: String = "",
    facts names: Set<FactName> = [], _ change: (inout DecisionRecord) -> Void = { _ in }
  ) -> Identifier {
    let name = flow.steps[index].name
    let id = Identifier.decision(of: enrolment.id, step: name)
    var record = DecisionRecord(
      id: id, step: name, verdict: verdict, reason: reason, dueAt: due, decidedAt: now,
      branch: branch)
    // A deferred step has become what it is now: the record takes the other's place.
    if let last = enrolment.visits.last, last.verdict == .deferred, last.step == index,
      last.version == version.number
    {
      record.replaces = last.decidedAt
      enrolment.visits.removeLast()
    }
    if !names.isEmpty, let sheet = sheet() {
      record.facts = sheet.attributes(of: names)
      record.positions = input.facts?.positions ?? []
    }
    change(&record)
    effects.decisions.append(record)
    enrolment.visits.append(
      Visit(
        version: version.number, step: index, decidedAt: now, verdict: verdict, reason: reason,
        channel: record.channel, order: record.order.map { Visit.OrderState(id: $0) }))
    return id
  }

  private mutating func finish(_ reason: CommonV1.ReasonCode) {
    enrolment.phase = .ended
    enrolment.reason = reason
    enrolment.endedAt = now
    enrolment.step = nil
    enrolment.dueAt = nil
    enrolment.failedSend = nil
  }

  private mutating func refuse(_ reason: CommonV1.ReasonCode, _ other: Identifier?) {
    enrolment.phase = .refused
    enrolment.reason = reason
    enrolment.other = other
    enrolment.startedAt = now
    enrolment.endedAt = now
    enrolment.dueAt = nil
  }

  // MARK: - Something ended it

  /// Ends it before its flow does: a purchase, a cart that came alive, a person of our staff. What
  /// was ordered and is not final is cancelled. An enrolment that is over has its open orders
  /// cancelled alone.
  mutating func end(_ reason: CommonV1.ReasonCode, other: Identifier? = nil) {
    switch enrolment.phase {
    case .entering: refuse(reason, other)
    case .waiting:
      due = min(enrolment.dueAt ?? now, now)
      if let index = enrolment.step, flow.steps.indices.contains(index) {
        record(index, .ended, reason: reason)
      }
      enrolment.other = other
      finish(reason)
    case .ended, .refused: break
    }
    for index in enrolment.visits.indices where enrolment.visits[index].isOpen {
      guard let order = enrolment.visits[index].order, !order.cancelled else { continue }
      enrolment.visits[index].order?.cancelled = true
      effects.actions.append(
        .cancel(
          CommonV1.CancelOrder(
            id: order.id.text, store: enrolment.store,
            channel: enrolment.visits[index].channel, reason: reason)))
    }
  }

  // MARK: - Sends

  /// The way on from a send: as ordered, or as skipped; nil where the enrolment ended here, or
  /// waits.
  private mutating func order(
    _ send: SendStep, _ index: Int, _ step: FlowStep
  ) throws -> Way? {
    let gate = SendGate(enrolment: enrolment, send: send, input: input, due: due)
    let facts = input.facts
    let describe: (inout DecisionRecord) -> Void = { record in
      record.channel = send.channel
      record.template = send.template
      record.positions = facts?.positions ?? []
      if let basis = gate.basis { record.facts = [basis.attribute] }
    }
    let verdict = gate.verdict
    switch verdict {
    case .ends(let reason):
      record(index, .ended, reason: reason, describe)
      let open = enrolment.visits.contains(where: \.isOpen)
      finish(reason)
      if open { end(reason) }
      return nil
    case .skips(.restored):
      // It may have been sent: what would go in its place might be the second.
      record(index, .skipped, reason: .restored, describe)
      return Way(label: "", then: step.next)
    case .skips(let reason):
      record(index, .skipped, reason: reason, describe)
      return Way(label: "", then: send.fallback.map(\.then) ?? step.next)
    case .wouldSend, .sends: break
    }
    let gift: Gift?
    switch try carried(by: send) {
    case .refused(let reason):
      record(index, .skipped, reason: reason, describe)
      return Way(label: "", then: send.fallback.map(\.then) ?? step.next)
    case .nothing: gift = nil
    case .gift(let known): gift = known
    }
    let order = Identifier.order(of: enrolment.id, step: step.name, channel: send.channel.rawValue)
    let ask = SendAsk(
      order: order, enrolment: enrolment, version: version, send: send, input: input)
    if let hold = try brakes.hold(ask) { return held(hold, send, index, step, describe) }
    guard verdict == .sends else {
      record(index, .wouldSend, describe)
      if let gift { effects.gifts.append(.confirm(gift.id)) }
      return Way(label: "", then: step.next)
    }
    record(index, .sent) { record in
      describe(&record)
      record.order = order
    }
    effects.actions.append(
      .send(
        SendDraft(enrolment: enrolment, version: version, input: input, due: due, gift: gift)
          .order(send, order, step: step.name)))
    if let gift { effects.gifts.append(.carry(gift.id, order: order)) }
    return Way(label: "", then: step.next)
  }

  /// What a brake makes of a send: it ends, skips or defers it.
  private mutating func held(
    _ hold: SendHold, _ send: SendStep, _ index: Int, _ step: FlowStep,
    _ describe: (inout DecisionRecord) -> Void
  ) -> Way? {
    switch hold {
    case .heldOut:
      record(index, .ended, reason: .holdout, describe)
      finish(.holdout)
      return nil
    case .capped where send.isDroppedByCap:
      record(index, .skipped, reason: .frequencyCap, describe)
      return Way(label: "", then: send.fallback.map(\.then) ?? step.next)
    case .capped(let until): wait(send, index, .frequencyCap, until: until, describe)
    case .ceiling(let until): wait(send, index, .ceiling, until: until, describe)
    }
    return nil
  }

  /// The send waits, until it is stale at the latest.
  private mutating func wait(
    _ send: SendStep, _ index: Int, _ reason: CommonV1.ReasonCode, until: Int64,
    _ describe: (inout DecisionRecord) -> Void
  ) {
    let end = min(until, Micros.sum(Micros.sum(due, send.expires), 1))
    record(index, .deferred, reason: reason) { record in
      describe(&record)
      record.deferredUntil = end
    }
    enrolment.step = index
    enrolment.reachedAt = due
    enrolment.dueAt = end
  }

  // MARK: - Incentives

  /// Gives what the store's incentive says, or what the person still holds (M12).
  private mutating func give(
    _ give: GiveStep, _ index: Int, _ step: FlowStep
  ) throws -> Int? {
    let positions = input.facts?.positions ?? []
    if isInDoubt {
      record(index, .skipped, reason: .restored)
      return step.next
    }
    switch try take(give.incentive, index) {
    case .refused(let reason):
      record(index, .skipped, reason: reason) { record in
        record.branch = give.otherwise == nil ? "" : "otherwise"
        record.facts = [.init(name: "incentive", value: .text(give.incentive))]
        record.positions = positions
      }
      return give.otherwise.map(\.then) ?? step.next
    case .new(let gift), .known(let gift):
      record(index, .passed) { record in
        record.facts = gift.attributes
        record.positions = positions
      }
      return step.next
    }
  }

  /// What is in force from here on; unchanged where nothing is given.
  private mutating func take(_ incentive: String, _ index: Int) throws -> IncentiveAnswer {
    let isDry = input.mode != .test && input.mode != .live
    let id = Identifier.gift(of: enrolment.id, step: flow.steps[index].name, isDry: isDry)
    var answer = try desk.offer(
      IncentiveAsk(gift: id, incentive: incentive, enrolment: enrolment, input: input))
    // What this decision has given before is not in the tables yet.
    for case .reserve(let gift) in effects.gifts { answer = .known(gift) }
    switch answer {
    case .new(let gift):
      effects.gifts.append(.reserve(gift))
      enrolment.incentive = .init(version: version.number, step: index, at: now, gift: gift.id)
    case .known(let gift):
      if !enrolment.cart.isEmpty && !gift.carts.contains(enrolment.cart) {
        effects.gifts.append(.join(gift.id, cart: enrolment.cart))
      }
      enrolment.incentive = .init(version: version.number, step: index, at: now, gift: gift.id)
    case .refused: break
    }
    return answer
  }

  private enum Carried {
    case nothing
    case gift(Gift)
    case refused(CommonV1.ReasonCode)
  }

  /// What a message takes along: the gift in force; where it was released meanwhile, as its message
  /// was not handed over, what the step gives now.
  private mutating func carried(by send: SendStep) throws -> Carried {
    guard send.channel.reachesPeople, let given = enrolment.incentive, let id = given.gift else {
      return .nothing
    }
    for case .reserve(let gift) in effects.gifts where gift.id == id { return .gift(gift) }
    let isDry = input.mode != .test && input.mode != .live
    if let gift = try desk.gift(id), gift.isDry == isDry {
      if gift.holds(at: now) { return .gift(gift) }
      if gift.state == .redeemed { return .nothing }
    }
    guard given.version == version.number, flow.steps.indices.contains(given.step),
      case .give(let give) = flow.steps[given.step].action
    else { return .nothing }
    switch try take(give.incentive, given.step) {
    case .new(let gift), .known(let gift): return .gift(gift)
    case .refused(let reason): return .refused(reason)
    }
  }
}
