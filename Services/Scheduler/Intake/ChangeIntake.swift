internal import Delivery
internal import Messages
internal import Storage

/// What rows of the tracker's outbox do: they begin, end and merge enrolments (F01, F07, P09).
struct ChangeIntake {
  let writing: Writing
  let stores: [String: StoreBook.Answer]

  private var now: Int64 { writing.now }

  /// In the transaction that notes the row as taken.
  func apply(_ change: CartTrackerV1.Change) throws -> Intake.Effect {
    guard let answer = stores[change.store] else { return .retry("its store was not asked about") }
    switch answer {
    case .unknown: return .held("there is no store of this name")
    case .away(let reason): return .retry("the store's settings cannot be read: \(reason)")
    case .known(let profile):
      return try Applied(change: change, profile: profile, writing: writing).apply()
    }
  }
}

private struct Applied {
  let change: CartTrackerV1.Change
  let profile: StoreProfile
  let writing: Writing

  private var now: Int64 { writing.now }
  private var store: String { change.store }
  private var anchor: AnchorOrder { AnchorOrder(change.anchor) }

  private var owner: OwnerKey {
    OwnerKeys.owner(store: store, contact: change.contact, guest: change.guest)
  }

  func apply() throws -> Intake.Effect {
    guard let kind = change.kind else { return .held("its kind is not known") }
    if change.contact.isEmpty && change.guest.isEmpty {
      return .held("it names neither a contact nor a guest")
    }
    switch kind {
    case .episode(let episode): try apply(episode)
    case .purchase(let purchase): try apply(purchase)
    case .identity(let identity): try apply(identity)
    case .tags(let tags):
      try start { flow in
        if case .tagAdded(let tag) = flow.start { return tags.added.contains(tag) }
        return false
      }
    case .profile(let profile):
      try start { flow in
        guard case .profileChanged(let fields) = flow.start else { return false }
        return fields.isEmpty || profile.fields.contains { fields.contains($0) }
      }
    case .signal(let signal):
      try start { flow in flow.start == .signal(signal.name) }
    case .erased(let order): try apply(order)
    }
    return .stored
  }

  // MARK: - Episodes

  private func apply(_ episode: CartTrackerV1.Episode) throws {
    let contact = episode.contact.isEmpty ? change.contact : episode.contact
    let owner = OwnerKeys.owner(store: store, contact: contact, guest: episode.guest)
    let known = try writing.enrolments(of: owner, in: store)
      .filter { $0.enrolment.episode == episode.id }
    for row in known where row.enrolment.episodeRevision < episode.revision {
      try follow(episode, row)
    }
    // One that never happened leaves nothing. One that is over when it is first heard of, as after
    // an outage, leaves the record that nobody entered.
    guard episode.state != .withdrawn else { return }
    for entry in writing.flows.all(in: store) {
      let flow = entry.version.definition
      guard flow.startsByEpisode, !known.contains(where: { $0.enrolment.flow == flow.name })
      else { continue }
      try enrol(episode, contact, owner, entry.version)
    }
  }

  /// An episode that is over ends what it started.
  private func follow(_ episode: CartTrackerV1.Episode, _ row: EnrolmentRow) throws {
    let reason = Applied.endReason(episode.state)
    var machine = try machine(row)
    if let reason { machine.end(reason) }
    var enrolment = machine.enrolment
    enrolment.episodeRevision = episode.revision
    try writing.change(row, to: enrolment, machine.effects)
  }

  /// Nil where an enrolment goes on, or was over long ago.
  private static func endReason(
    _ state: CartTrackerV1.EpisodeState
  ) -> CommonV1.ReasonCode? {
    switch state {
    case .reopened: .cartActive
    case .recovered: .purchased
    case .closed: .cartEmptied
    case .withdrawn: .episodeWithdrawn
    default: nil
    }
  }

  private func enrol(
    _ episode: CartTrackerV1.Episode, _ contact: String, _ owner: OwnerKey, _ flow: FlowVersion
  ) throws {
    var enrolment = Enrolment(
      place: EnrolmentPlace(bucket: owner.bucket, number: 0),
      id: .enrolment(owner: owner, flow: flow.name, start: episode.id), store: store,
      flow: flow.name, version: flow.number, contact: contact, startedAt: now)
    enrolment.knownAt = episode.knownAt.map(Micros.of) ?? now
    enrolment.startedAt = max(now, enrolment.knownAt)
    enrolment.cart = episode.cart
    enrolment.episode = episode.id
    enrolment.episodeRevision = episode.revision
    enrolment.cartKind = episode.kind.rawValue
    enrolment.company = episode.company
    enrolment.anchor = AnchorOrder(episode.anchor ?? change.anchor)
    enrolment.happenedAt = episode.abandonedAt.map(Micros.of) ?? enrolment.anchor.at
    enrolment.enrols = episode.enrols
    // When it became known: waits do not depend on how long its row was under way, nor begin
    // before, where this clock is behind the teller's.
    enrolment.dueAt = enrolment.knownAt
    if case .schedule(let schedule) = flow.definition.start {
      enrolment.dueAt = schedule.next(after: now, zone: profile.zone).at
    }
    if let reason = try Applied.endReason(episode.state) ?? erasedReason(owner) {
      var machine = EnrolmentMachine(enrolment, flow, input(since: enrolment.knownAt))
      machine.end(reason)
      enrolment = machine.enrolment
    }
    try writing.add(enrolment)
  }

  // MARK: - Other starts

  private func start(_ isStart: (FlowDefinition) -> Bool) throws {
    // A flow writes to contacts; a guest has no address.
    guard !change.contact.isEmpty else { return }
    for entry in writing.flows.all(in: store) where isStart(entry.version.definition) {
      var enrolment = Enrolment(
        place: EnrolmentPlace(bucket: owner.bucket, number: 0),
        id: .enrolment(owner: owner, flow: entry.version.name, start: anchor.event),
        store: store, flow: entry.version.name, version: entry.version.number,
        contact: change.contact, startedAt: now)
      enrolment.anchor = anchor
      enrolment.happenedAt = anchor.at
      enrolment.knownAt = now
      enrolment.dueAt = now
      if let reason = try erasedReason(owner) {
        var machine = EnrolmentMachine(enrolment, entry.version, input(since: now))
        machine.end(reason)
        enrolment = machine.enrolment
      }
      try writing.add(enrolment)
    }
  }

  /// Whoever was erased enters nothing (P10).
  private func erasedReason(_ owner: OwnerKey) throws -> CommonV1.ReasonCode? {
    try PersonEraser(session: writing.session, now: now).book.isErased(owner) ? .erased : nil
  }

  // MARK: - Purchases and identities

  /// Ends what it covers of every linked identity, and is kept for reports where somebody of them
  /// was ever enrolled.
  private func apply(_ purchase: CartTrackerV1.PurchaseSeen) throws {
    let covering = CoveringPurchase(
      order: anchor, carts: Set(purchase.carts), episodes: Set(purchase.episodes))
    let body = try PurchaseRow(purchase).bytes()
    let persons = try writing.linked(with: owner)
    for person in persons {
      let rows = try writing.enrolments(of: person, in: store)
      if rows.isEmpty { continue }
      try writing.fence(person.bucket)
      try writing.session.execute(
        SchedulerStatements.putPurchase,
        [
          person.bucketValue, person.value, .integer(anchor.at),
          .text(PurchaseRow.key(anchor.event, isReversal: purchase.reversal)),
          .blob(body),
        ])
      if purchase.reversal { continue }
      for row in rows where covering.covers(row.enrolment, in: profile) {
        try end(row, .purchased)
      }
    }
    let order = purchase.order.isEmpty ? anchor.event : purchase.order
    if purchase.reversal {
      try Rewarding(writing: writing).reversed(order, in: store, of: persons)
    } else {
      try Rewarding(writing: writing).bought(
        .init(store: store, order: order, carts: purchase.carts, at: anchor.at), by: persons)
    }
  }

  /// Ends whatever runs, and tells those who send behind all that was ordered (P10).
  private func apply(_ order: CommonV1.ErasePerson) throws {
    let owner = order.owner
    try writing.fence(owner.bucket)
    let eraser = PersonEraser(session: writing.session, now: now)
    if try eraser.book.isErased(owner) { return }
    try writing.noteErasure(order)
    for row in try writing.enrolments(of: owner, in: store) { try end(row, .erased) }
    try eraser.erase(order)
    if !order.contact.isEmpty { try writing.put(order, bucket: owner.bucket) }
  }

  private func end(
    _ row: EnrolmentRow, _ reason: CommonV1.ReasonCode, other: Identifier? = nil
  ) throws {
    var machine = try machine(row)
    machine.end(reason, other: other)
    if machine.enrolment == row.enrolment { return }
    try writing.change(row, to: machine.enrolment, machine.effects)
  }

  private func machine(_ row: EnrolmentRow) throws -> EnrolmentMachine {
    EnrolmentMachine(
      row.enrolment, try writing.flows.version(of: row.enrolment, writing.session),
      input(since: row.enrolment.knownAt))
  }

  /// Nothing is decided before what it is about became known, where this clock is behind.
  private func input(since knownAt: Int64) -> DecisionInput {
    DecisionInput(now: max(now, knownAt), mode: .dryRun, store: profile)
  }

  /// The word stands with both sides, in whichever bucket it was told. Of two running enrolments
  /// of one flow the older stays (P09).
  private func apply(_ identity: CartTrackerV1.IdentityChanged) throws {
    // Where the other is a guest, the change names it as one beside the contact.
    let isGuest = change.guest == identity.other
    let other = OwnerKeys.owner(
      store: store, contact: isGuest ? "" : identity.other, guest: identity.other)
    for (person, linked) in [(owner, other), (other, owner)] {
      try writing.fence(person.bucket)
      try writing.session.execute(
        identity.unlinked ? SchedulerStatements.removeLink : SchedulerStatements.addLink,
        [person.bucketValue, person.value, linked.value])
    }
    if identity.unlinked { return }
    let running = try writing.linked(with: owner)
      .flatMap { try writing.enrolments(of: $0, in: store) }
      .filter { $0.enrolment.phase == .waiting }
    for (_, rows) in Dictionary(grouping: running, by: \.enrolment.flow).sorted(by: {
      $0.key < $1.key
    }) {
      let rows = rows.sorted {
        ($0.enrolment.startedAt, $0.enrolment.id) < ($1.enrolment.startedAt, $1.enrolment.id)
      }
      for row in rows.dropFirst() { try end(row, .merged, other: rows[0].enrolment.id) }
    }
  }
}

extension FlowDefinition {
  fileprivate var startsByEpisode: Bool {
    switch start {
    case .cartAbandoned, .schedule: true
    default: false
    }
  }
}

extension CartTrackerV1.Change {
  var isErasure: Bool {
    if case .erased = kind { true } else { false }
  }
}
