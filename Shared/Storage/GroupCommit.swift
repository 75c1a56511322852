/// Lets callers that come at the same time share one transaction.
///
/// `commit` runs the items of a group, in order, in one transaction. If it throws anything but
/// `uncertain`, each item runs alone, so that one that fails does not harm the others. After
/// `uncertain` no caller of the group knows its fate, `fatal` is called, and nothing is taken any
/// more.
package final class GroupCommit<Item: Sendable, Outcome: Sendable>: Sendable {
  package struct Limits: Sendable {
    /// The weights of one group, in sum; a heavier item is a group of its own.
    package var groupWeightMax = 4096
    /// The weights of all that wait, in sum; more are refused with `StorageError.full`.
    package var waitingWeightMax = 262_144

    package init() {}
  }

  private struct Member: Sendable {
    let item: Item
    let weight: Int
    let done: @Sendable (Result<Outcome, any Error>) -> Void
  }

  private struct State {
    var waiting = Fifo<Member>()
    var weight = 0
    var refusal: StorageError?
    var isRunning = false
  }

  private let state = Monitor(State())
  private let core: Core
  private let limits: Limits
  private let weight: @Sendable (Item) -> Int
  private let isInline: Bool

  /// - Parameters:
  ///   - name: of the thread; nil: each item is committed by the thread that brings it, one group
  ///   each, for simulations.
  ///   - weight: of an item, at least 1.
  ///   - commit: as many outcomes as items, in order.
  ///   - fatal: called once, on the group's thread; should end the process.
  package init(
    name: String?, limits: Limits = Limits(),
    weight: @escaping @Sendable (Item) -> Int = { _ in 1 },
    fatal: @escaping @Sendable (StorageError) -> Void,
    commit: @escaping @Sendable ([Item]) throws -> [Outcome]
  ) throws {
    precondition(limits.groupWeightMax >= 1 && limits.waitingWeightMax >= 1)
    self.limits = limits
    self.weight = weight
    core = Core(commit: commit, fatal: fatal)
    isInline = name == nil
    guard let name else { return }
    state.withLock { $0.isRunning = true }
    let (state, core) = (state, core)
    try WorkerThread.start(name: name) { GroupCommit.work(state, core, limits) }
  }

  deinit { stop() }

  /// The outcome, once it is durable.
  package func submit(_ item: Item) async throws -> Outcome {
    if isInline { return try submitInline(item) }
    return try await withCheckedThrowingContinuation { continuation in
      submit(item) { continuation.resume(with: $0) }
    }
  }

  /// The same, blocking: for threads of our own, and for simulations.
  package func submitBlocking(_ item: Item) throws -> Outcome {
    if isInline { return try submitInline(item) }
    let answer = Monitor<Result<Outcome, any Error>?>(nil)
    submit(item) { result in
      answer.withLock { $0 = result }
      answer.wakeAll()
    }
    return try answer.wait { $0 }.get()
  }

  /// The same with a callback, which is called once, on any thread.
  package func submit(
    _ item: Item, _ done: @escaping @Sendable (Result<Outcome, any Error>) -> Void
  ) {
    let weight = max(1, weight(item))
    let refusal: StorageError? = state.withLock { state in
      if let refusal = state.refusal { return refusal }
      if state.weight + weight > limits.waitingWeightMax && state.weight > 0 {
        return StorageError(
          .full, "weight \(state.weight) waits, the limit is \(limits.waitingWeightMax)")
      }
      state.waiting.append(Member(item: item, weight: weight, done: done))
      state.weight += weight
      return nil
    }
    if let refusal { return done(.failure(refusal)) }
    if isInline { drainInline() } else { state.wakeOne() }
  }

  /// Commits what waits, refuses what comes, and blocks until the thread has ended.
  package func close() {
    stop()
    state.wait { $0.isRunning ? nil : () }
  }

  private func stop() {
    state.withLock { $0.refusal = $0.refusal ?? StorageError(.closed, "no more is committed") }
    state.wakeAll()
  }

  private func submitInline(_ item: Item) throws -> Outcome {
    var outcome: Result<Outcome, any Error>?
    if let refusal = state.withLock({ $0.refusal }) { throw refusal }
    if let fault = core.run([item], { outcome = $1 }) { state.withLock { $0.refusal = fault } }
    guard let outcome else { preconditionFailure("a group ended without an outcome") }
    return try outcome.get()
  }

  private func drainInline() {
    let group = state.withLock { GroupCommit.takeGroup(&$0, limits) }
    if let fault = core.run(group.map(\.item), { group[$0].done($1) }) {
      state.withLock { $0.refusal = fault }
    }
  }

  // MARK: The thread

  private static func takeGroup(_ state: inout State, _ limits: Limits) -> [Member] {
    var group: [Member] = []
    var weight = 0
    while let member = state.waiting.first,
      group.isEmpty || weight + member.weight <= limits.groupWeightMax
    {
      weight += member.weight
      group.append(member)
      _ = state.waiting.popFirst()
    }
    state.weight -= weight
    return group
  }

  private static func work(_ state: Monitor<State>, _ core: Core, _ limits: Limits) {
    while true {
      let group = state.wait { state -> [Member]? in
        if state.waiting.count > 0 { return takeGroup(&state, limits) }
        return state.refusal == nil ? nil : []
      }
      if group.isEmpty { break }
      guard let fault = core.run(group.map(\.item), { group[$0].done($1) }) else { continue }
      let orphans = state.withLock { state in
        state.refusal = fault
        var orphans: [Member] = []
        while let member = state.waiting.popFirst() { orphans.append(member) }
        state.weight = 0
        return orphans
      }
      for orphan in orphans { orphan.done(.failure(fault)) }
    }
    state.withLock { $0.isRunning = false }
    state.wakeAll()
  }

  /// What happens to one group. Without threads.
  struct Core: Sendable {
    let commit: @Sendable ([Item]) throws -> [Outcome]
    let fatal: @Sendable (StorageError) -> Void

    /// Gives each item's outcome to `done` by its index; the error after which nothing may follow.
    func run(
      _ items: [Item], _ done: (Int, Result<Outcome, any Error>) -> Void
    ) -> StorageError? {
      do {
        let outcomes = try commit(items)
        precondition(outcomes.count == items.count, "an outcome for each item")
        for (index, outcome) in outcomes.enumerated() { done(index, .success(outcome)) }
        return nil
      } catch {
        if items.count == 1 || isUncertain(error) { return fail(items.indices, error, done) }
      }
      for index in items.indices {
        do { done(index, .success(try commit([items[index]])[0])) } catch {
          guard isUncertain(error) else {
            done(index, .failure(error))
            continue
          }
          return fail(index..<items.count, error, done)
        }
      }
      return nil
    }

    private func fail(
      _ indices: Range<Int>, _ error: any Error, _ done: (Int, Result<Outcome, any Error>) -> Void
    ) -> StorageError? {
      for index in indices { done(index, .failure(error)) }
      guard let fault = error as? StorageError, isUncertain(error) else { return nil }
      fatal(fault)
      return fault
    }

    private func isUncertain(_ error: any Error) -> Bool {
      (error as? StorageError)?.code == .uncertain
    }
  }
}
