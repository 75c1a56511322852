internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage

/// The brakes of one enrolment's decision: they read in its transaction, and write only once the
/// decision stands.
final class StoredBrakes: SendBrakes {
  private let writing: Writing
  private let modes: ModeRegistry
  /// What goes, and counts once the decision stands.
  private var sends: [SendCount] = []
  private var orders: Int64 = 0
  private var heldOut: HoldoutRule.Case?
  /// The ceiling that was reached.
  private var halts: Int64?

  init(_ writing: Writing, _ modes: ModeRegistry) {
    self.writing = writing
    self.modes = modes
  }

  func hold(_ ask: SendAsk) throws -> SendHold? {
    let reaches = ask.send.channel.reachesPeople
    if reaches, let held = holdout(ask) {
      heldOut = held
      return .heldOut
    }
    let caps = reaches ? ask.input.store.caps : []
    let subject = caps.isEmpty ? nil : SendSubject(ask)
    if let subject, let until = try opening(caps, ask, subject) { return .capped(until: until) }
    if !ask.isDry, let until = try ceiling(ask) { return .ceiling(until: until) }
    if let subject { sends.append(StoredBrakes.count(caps, ask, subject)) }
    if !ask.isDry { orders += 1 }
    return nil
  }

  /// Writes what the decision did, in its transaction.
  func commit(_ enrolment: Enrolment, _ input: DecisionInput) throws {
    for send in sends { try writing.count(send) }
    let name = FlowRegistry.Name(store: enrolment.store, flow: enrolment.flow)
    if orders > 0 {
      var day = try day(of: name, input)
      day.sent += orders
      writing.days.put(day, of: name)
    }
    if let halts { try writing.halt(name, ceiling: halts) }
    if let heldOut {
      try writing.session.execute(
        LimitStatements.holdOut,
        [
          .integer(enrolment.bucket), .text(enrolment.store), .text(enrolment.flow),
          .integer(heldOut.period), .blob(heldOut.subject), enrolment.id.value,
          .integer(input.now), .integer(input.mode.rawValue),
        ])
    }
  }

  // MARK: - Holdout

  private func holdout(_ ask: SendAsk) -> HoldoutRule.Case? {
    let holdout = ask.version.definition.holdout
    guard holdout.share > 0, HoldoutRule.isFirst(ask) else { return nil }
    let held = HoldoutRule(salt: writing.salt).judge(
      store: ask.enrolment.store, flow: ask.enrolment.flow, holdout,
      subject: HoldoutRule.subject(of: ask), at: ask.input.now)
    guard let held else { return nil }
    // Whoever tests a flow sees all of it.
    let lists = modes.testAddresses(ask.enrolment.flow, in: ask.enrolment.store)
    return HoldoutRule.isTested(ask, lists) ? nil : held
  }

  // MARK: - Caps

  /// When every cap has room; nil: now.
  private func opening(
    _ caps: [SendLimit], _ ask: SendAsk, _ subject: SendSubject
  ) throws -> Int64? {
    var until: Int64?
    for limit in caps where limit.isAbout(ask.send.channel) {
      let keys =
        switch limit.scope {
        case .person: [subject.own] + subject.addresses + subject.linked
        case .company: subject.company.map { [$0] } ?? []
        }
      let newest = try newest(limit, keys, ask)
      if let opening = limit.opens(newest: newest, now: ask.input.now) {
        until = max(until ?? opening, opening)
      }
    }
    return until
  }

  /// Each send once, whichever of the keys it stands with, newest first.
  private func newest(
    _ limit: SendLimit, _ keys: [OwnerKey], _ ask: SendAsk
  ) throws -> [Int64] {
    let now = ask.input.now
    // The usual contact: one key, nothing of this decision before.
    if keys.count == 1 && sends.isEmpty {
      return try writing.counted(under: keys[0], limit, now: now, withDry: ask.isDry).map(\.at)
    }
    var found: Set<CountedSend> = []
    for key in keys {
      found.formUnion(
        try writing.counted(under: key, limit, now: now, withDry: ask.isDry))
      for send in sends where limit.isAbout(send.channel) {
        guard send.own == key || send.keys.contains(key) else { continue }
        found.insert(CountedSend(at: send.at, order: send.order))
      }
    }
    return found.map(\.at).sorted(by: >)
  }

  private static func count(
    _ caps: [SendLimit], _ ask: SendAsk, _ subject: SendSubject
  ) -> SendCount {
    var keys: [OwnerKey] = []
    if caps.contains(where: { $0.scope == .person }) { keys += subject.addresses }
    if caps.contains(where: { $0.scope == .company }), let company = subject.company {
      keys.append(company)
    }
    return SendCount(
      order: ask.order, at: ask.input.now, channel: ask.send.channel, isDry: ask.isDry,
      own: subject.own, keys: keys)
  }

  // MARK: - Ceiling

  /// Nil: the flow may order one more.
  private func ceiling(_ ask: SendAsk) throws -> Int64? {
    let flow = ask.version.definition
    let name = FlowRegistry.Name(store: ask.enrolment.store, flow: ask.enrolment.flow)
    let day = try day(of: name, ask.input)
    let later = Micros.sum(ask.input.now, CeilingRule.wait)
    if day.isHalted || halts != nil { return later }
    guard let ceiling = CeilingRule.ceiling(flow, isVirtual: writing.isVirtual),
      day.sent + orders >= ceiling
    else { return nil }
    halts = ceiling
    return later
  }

  private func day(of name: FlowRegistry.Name, _ input: DecisionInput) throws -> FlowDay {
    var day = try writing.days.day(of: name, writing.session)
    day.enter(CeilingRule.day(at: input.now, zone: input.store.zone))
    return day
  }
}
