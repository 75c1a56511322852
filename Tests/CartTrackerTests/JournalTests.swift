@testable internal import CartTracker
internal import Delivery
internal import Foundation
internal import Messages
internal import Storage
internal import Synchronization
internal import TestSupport
internal import Testing
internal import Wire

@Suite struct JournalTests {
  @Test("What was acknowledged is in the file, whatever happens to the process then")
  func isDurable() async throws {
    let first = try JournalFixture()
    try await first.journal.append([JournalFixture.entry(1, "a"), JournalFixture.entry(2, "b")])
    let copy = try TemporaryFolder()
    for name in ["journal.db", "journal.db-wal"] {
      try FileManager.default.copyItem(atPath: first.folder.file(name), toPath: copy.file(name))
    }
    let second = try JournalFixture(copy)
    #expect(try second.rows().map(\.text) == ["a", "b"])
    #expect(second.journal.tail.take(9).map(\.position) == [1, 2])
    try await onThread {
      first.close()
      second.close()
    }
  }

  @Test("Positions ascend over all buckets, and each bucket counts its rows from 1 without gaps")
  func numbersRows() async throws {
    let fixture = try JournalFixture()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for caller in 0..<40 {
        group.addTask {
          let entries = (0..<5).map { JournalFixture.entry(caller * 5 + $0) }
          try await fixture.journal.append(entries)
        }
      }
      try await group.waitForAll()
    }
    let rows = try fixture.rows()
    #expect(rows.map(\.position) == Array(1...200))
    for (bucket, rows) in Dictionary(grouping: rows, by: \.bucket) {
      #expect(rows.map(\.seq) == Array(1...Int64(rows.count)))
      let last = fixture.journal.lastPosition(ofBucket: UInt8(bucket))
      #expect(last.seq == UInt64(rows.count))
    }
    #expect(fixture.journal.tail.take(1000).map(\.position) == Array(1...200))
    try await onThread { fixture.close() }
  }

  @Test("Callers that come during a commit share the next one")
  func sharesCommits() async throws {
    let fixture = try JournalFixture()
    fixture.engine.hold()
    try await withThrowingTaskGroup(of: Void.self) { group in
      let known = fixture.engine.began.entries.count
      group.addTask { try await fixture.journal.append([JournalFixture.entry(0)]) }
      await fixture.engine.began.wait(known + 1)
      let joined = TestSupport.Journal<Int>()
      for caller in 1...30 {
        group.addTask {
          // Inline up to the queue: nothing suspends before the caller stands in it.
          async let done: Void = fixture.journal.append([JournalFixture.entry(caller)])
          joined.add(caller)
          try await done
        }
      }
      await joined.wait(30)
      fixture.engine.release()
      try await group.waitForAll()
    }
    #expect(try fixture.rows().count == 31)
    #expect(fixture.engine.writes.withLock { $0 } < 31)
    try await onThread { fixture.close() }
  }

  @Test("A tail over its limit refuses with RESOURCE_EXHAUSTED until rows are dropped")
  func refusesOverLimit() async throws {
    let fixture = try JournalFixture(limits: .init(rows: 2, bytes: 1 << 20))
    try await fixture.journal.append([JournalFixture.entry(1), JournalFixture.entry(2)])
    let error = await #expect(throws: RPCError.self) {
      try await fixture.journal.append([JournalFixture.entry(3)])
    }
    #expect(error?.code == .resourceExhausted)
    #expect(error?.retryAfter != nil)
    #expect(try fixture.rows().count == 2)
    fixture.journal.tail.drop(through: 2)
    try await fixture.journal.append([JournalFixture.entry(3)])
    #expect(try fixture.rows().count == 3)
    try await onThread { fixture.close() }
  }

  @Test("An entry that the log refuses harms no other, and leaves no gap")
  func refusesAlone() async throws {
    let fixture = try JournalFixture()
    fixture.engine.hold()
    let outcomes = TestSupport.Journal<(Int, Bool)>()
    await withTaskGroup(of: Void.self) { group in
      for caller in 0..<9 {
        group.addTask {
          // An empty record breaks a CHECK.
          let entry = JournalFixture.entry(1, caller % 3 == 2 ? "" : "\(caller)")
          do {
            try await fixture.journal.append([entry])
            outcomes.add((caller, true))
          } catch { outcomes.add((caller, false)) }
        }
      }
      fixture.engine.release()
    }
    #expect(outcomes.entries.filter { !$0.1 }.map(\.0).sorted() == [2, 5, 8])
    let rows = try fixture.rows()
    #expect(rows.map(\.seq) == Array(1...6))
    #expect(rows.map(\.position) == Array(1...6))
    #expect(fixture.journal.tail.count == 6)
    #expect(fixture.faults.entries == [])
    try await onThread { fixture.close() }
  }

  @Test("After a commit of unknown fate the process is told to stop, and nothing more is taken")
  func stopsWhenUncertain() async throws {
    let fixture = try JournalFixture()
    let fault = StorageError(.uncertain, "sync failed")
    fixture.engine.fail(fault)
    await #expect(throws: fault) { try await fixture.journal.append([JournalFixture.entry(1)]) }
    #expect(await fixture.faults.wait() == fault)
    fixture.engine.fail(nil)
    await #expect(throws: fault) { try await fixture.journal.append([JournalFixture.entry(2)]) }
    #expect(fixture.journal.tail.isEmpty)
    #expect(fixture.journal.lastPosition(ofBucket: JournalTailTests.person(1).bucket).seq == 0)
    try await onThread { fixture.close() }
  }

  @Test("The owner of an earlier epoch can append no more")
  func isFenced() async throws {
    let first = try JournalFixture()
    try await first.journal.append([JournalFixture.entry(1)])
    let second = try JournalFixture(first.folder)
    let error = await #expect(throws: StorageError.self) {
      try await first.journal.append([JournalFixture.entry(2)])
    }
    #expect(error?.code == .fenced)
    try await second.journal.append([JournalFixture.entry(3)])
    #expect(try second.rows().map(\.position) == [1, 2])
    try await onThread {
      first.close()
      second.close()
    }
  }

  @Test("Rows are read by their positions, with where they stand in their bucket")
  func readsRows() async throws {
    let fixture = try JournalFixture()
    try await fixture.journal.append((1...4).map { JournalFixture.entry(7, "\($0)") })
    let found = try fixture.journal.events(positions: [4, 2])
    #expect(found.map(\.position) == [4, 2])
    #expect(found.map(\.body) == [Array("4".utf8), Array("2".utf8)])
    let place = try fixture.journal.bucketPosition(of: 3)
    #expect(place.seq == 3)
    #expect(place.bucket == UInt32(JournalTailTests.person(7).bucket))
    let error = try #require(throws: StorageError.self) {
      try fixture.journal.events(positions: [5])
    }
    #expect(error.code == .corrupt)
    try await onThread { fixture.close() }
  }

  @Test("Whoever waits for rows is woken after they can be taken")
  func wakes() async throws {
    let fixture = try JournalFixture()
    let counts = TestSupport.Journal<Int>()
    let tail = fixture.journal.tail
    fixture.journal.onAppend { counts.add(tail.count) }
    try await fixture.journal.append([JournalFixture.entry(1), JournalFixture.entry(2)])
    #expect(counts.entries == [2])
    try await onThread { fixture.close() }
  }

  @Test("Inline, everything happens in the caller; after the end nothing is taken")
  func isInline() async throws {
    let fixture = try JournalFixture(isInline: true)
    try await fixture.journal.append([JournalFixture.entry(1)])
    #expect(try fixture.rows().count == 1)
    fixture.close()
    await #expect(throws: StorageError.self) {
      try await fixture.journal.append([JournalFixture.entry(1)])
    }
  }

  @Test("The journal's and the projection's statements keep to the rules")
  func statements() {
    #expect(StatementRules.findings(JournalStatements.all + LogErasureStatements.all) == [])
    #expect(StatementRules.findings(ProjectionStatements.all) == [])
  }
}
