internal import Storage
internal import TestSupport
internal import Testing

@Suite struct ThreadPoolTests {
  @Test("A job's value, and its error, come back to who waits")
  func returns() async throws {
    let pool = try ThreadPool(name: "pool", count: 2)
    #expect(try await pool.run { 1 } == 1)
    await #expect(throws: StorageError(.io, "a")) {
      try await pool.run { throw StorageError(.io, "a") }
    }
    try await onThread { pool.close() }
  }

  @Test("As many jobs run at once as there are threads; one thread runs them in order")
  func isParallel() async throws {
    let pool = try ThreadPool(name: "pool", count: 2)
    let met = Promise<Void>()
    async let first: Void = pool.run { met.block() }
    async let second: Void = pool.run { met.fulfil() }
    _ = try await (first, second)
    #expect(met.now != nil)
    try await onThread { pool.close() }
    let serial = try ThreadPool(serial: "serial")
    let order = Journal<Int>()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<100 {
        group.addTask { try await serial.run { order.add(index) } }
      }
      try await group.waitForAll()
    }
    #expect(order.entries.sorted() == Array(0..<100))
    try await onThread { serial.close() }
  }

  @Test("More than may wait is refused, and so is what comes after the end")
  func refuses() async throws {
    let pool = try ThreadPool(name: "pool", count: 1, waitingMax: 1)
    let started = Promise<Void>()
    let gate = Promise<Void>()
    async let running: Void = pool.run {
      started.fulfil()
      gate.block()
    }
    await started.value
    let refusals = Journal<StorageError>()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<3 {
        group.addTask {
          do { try await pool.run {} } catch let error as StorageError { refusals.add(error) }
        }
      }
      await refusals.wait(2)
      gate.fulfil()
      try await group.waitForAll()
    }
    try await running
    #expect(refusals.entries.map(\.code) == [.full, .full])
    try await onThread { pool.close() }
    await #expect(throws: StorageError.self) { try await pool.run {} }
  }

  @Test("Inline, a job runs on the caller's thread")
  func isInline() async throws {
    let pool = ThreadPool.inline()
    #expect(try await pool.run { 2 } == 2)
    pool.close()
  }
}
