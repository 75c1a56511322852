internal import Storage
internal import Synchronization
internal import TestSupport
internal import Testing

@Suite struct GroupCommitTests {
  /// Keeps the groups it was called with, and fails where it is told to.
  private final class Committer: Sendable {
    let groups = Journal<[Int]>()
    let faults = Journal<StorageError>()
    /// Holds back every commit until it is fulfilled.
    let gate = Promise<Void>()

    func group(
      _ name: String?, limits: GroupCommit<Int, Int>.Limits = .init(), isGated: Bool = false,
      failing: @escaping @Sendable ([Int]) -> StorageError? = { _ in nil }
    ) throws -> GroupCommit<Int, Int> {
      try GroupCommit(
        name: name, limits: limits, fatal: { self.faults.add($0) },
        commit: { items in
          self.groups.add(items)
          if isGated { self.gate.block() }
          if let fault = failing(items) { throw fault }
          return items.map { $0 * 10 }
        })
    }
  }

  private func outcomes(
    _ group: GroupCommit<Int, Int>, _ items: [Int]
  ) -> Journal<(Int, Result<Int, any Error>)> {
    let outcomes = Journal<(Int, Result<Int, any Error>)>()
    for item in items { group.submit(item) { outcomes.add((item, $0)) } }
    return outcomes
  }

  @Test("Callers that come while a group is committed share the next one, in order")
  func shares() async throws {
    let committer = Committer()
    let group = try committer.group("group", isGated: true)
    let first = outcomes(group, [1])
    await committer.groups.wait()
    let rest = outcomes(group, Array(2...50))
    committer.gate.fulfil()
    await rest.wait(49)
    await first.wait()
    #expect(committer.groups.entries == [[1], Array(2...50)])
    #expect(try rest.entries.map { try $0.1.get() } == (2...50).map { $0 * 10 })
    try await onThread { group.close() }
  }

  @Test("A group weighs no more than its limit; a heavier item is a group of its own")
  func boundsGroups() async throws {
    let committer = Committer()
    var limits = GroupCommit<Int, Int>.Limits()
    limits.groupWeightMax = 10
    let group = try GroupCommit<Int, Int>(
      name: "group", limits: limits, weight: { $0 }, fatal: { _ in },
      commit: { items in
        committer.groups.add(items)
        committer.gate.block()
        return items
      })
    let outcomes = outcomes(group, [1])
    await committer.groups.wait()
    let rest = self.outcomes(group, [4, 6, 1, 25, 3])
    committer.gate.fulfil()
    await rest.wait(5)
    await outcomes.wait()
    #expect(committer.groups.entries == [[1], [4, 6], [1], [25], [3]])
    try await onThread { group.close() }
  }

  @Test("What waits is bounded; a caller over the limit is refused and may try again")
  func boundsWaiting() async throws {
    let committer = Committer()
    var limits = GroupCommit<Int, Int>.Limits()
    limits.waitingWeightMax = 2
    let group = try committer.group("group", limits: limits, isGated: true)
    let first = outcomes(group, [1])
    await committer.groups.wait()
    let rest = outcomes(group, [2, 3, 4])
    let refused = await rest.wait()
    #expect(refused.0 == 4)
    let error = try #require(throws: StorageError.self) { try refused.1.get() }
    #expect(error.code == .full)
    #expect(error.isRetrySafe)
    committer.gate.fulfil()
    await rest.wait(3)
    await first.wait()
    #expect(try await group.submit(5) == 50)
    try await onThread { group.close() }
  }

  @Test("A member that fails is told so; the others of its group are committed alone")
  func failsAlone() async throws {
    let committer = Committer()
    let group = try committer.group("group", isGated: true) { items in
      items.contains(3) ? StorageError(.constraint("three"), "3") : nil
    }
    let first = outcomes(group, [1])
    await committer.groups.wait()
    let rest = outcomes(group, [2, 3, 4])
    committer.gate.fulfil()
    await rest.wait(3)
    await first.wait()
    #expect(committer.groups.entries == [[1], [2, 3, 4], [2], [3], [4]])
    let values = rest.entries.map { try? $0.1.get() }
    #expect(values == [20, nil, 40])
    #expect(committer.faults.entries == [])
    try await onThread { group.close() }
  }

  @Test("After an uncertain commit nothing is tried again, and nothing is taken any more")
  func stops() async throws {
    let committer = Committer()
    let uncertain = StorageError(.uncertain, "sync failed")
    let group = try committer.group("group", isGated: true) { $0.contains(2) ? uncertain : nil }
    let first = outcomes(group, [1])
    await committer.groups.wait()
    let rest = outcomes(group, [2, 3])
    committer.gate.fulfil()
    await rest.wait(2)
    await first.wait()
    #expect(committer.groups.entries == [[1], [2, 3]])
    #expect(await committer.faults.wait() == uncertain)
    for (_, result) in rest.entries {
      #expect(throws: uncertain) { try result.get() }
    }
    await #expect(throws: StorageError.self) { try await group.submit(4) }
    #expect(committer.groups.entries.count == 2)
    try await onThread { group.close() }
  }

  @Test("Inline, each item is a group of its own on the caller's thread, with the same rules")
  func isInline() async throws {
    let committer = Committer()
    let uncertain = StorageError(.uncertain, "sync failed")
    let group = try committer.group(nil) { $0 == [3] ? uncertain : nil }
    #expect(try await group.submit(1) == 10)
    #expect(try group.submitBlocking(2) == 20)
    #expect(throws: uncertain) { try group.submitBlocking(3) }
    #expect(throws: uncertain) { try group.submitBlocking(4) }
    #expect(committer.groups.entries == [[1], [2], [3]])
    #expect(committer.faults.entries == [uncertain])
    group.close()
  }

  @Test("Closing commits what waits and refuses what comes")
  func closes() async throws {
    let committer = Committer()
    let group = try committer.group("group", isGated: true)
    let first = outcomes(group, [1, 2, 3])
    await committer.groups.wait()
    committer.gate.fulfil()
    try await onThread { group.close() }
    #expect(first.entries.count == 3)
    let error = try #require(throws: StorageError.self) { try group.submitBlocking(4) }
    #expect(error.code == .closed)
  }

  @Test("Groups over a database commit one transaction each")
  func commits() async throws {
    let folder = try TemporaryFolder()
    let store = try StoreConformance(
      try SQLiteEngine.file(folder.file("a.db")), isConcurrent: true)
    let engine = store.engine
    let transactions = Mutex(0)
    let group = try GroupCommit<Int, Int>(
      name: "group", fatal: { _ in },
      commit: { items in
        try engine.write { session in
          transactions.withLock { $0 += 1 }
          for item in items {
            try session.execute(
              StoreConformance.Statements.insert, [0, .integer(item), .null, .null, .null, .null])
          }
          return items
        }
      })
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      for item in 0..<500 { tasks.addTask { _ = try await group.submit(item) } }
      try await tasks.waitForAll()
    }
    #expect(try store.count() == 500)
    #expect(transactions.withLock { $0 } <= 500)
    try await onThread { group.close() }
    engine.close()
  }
}
