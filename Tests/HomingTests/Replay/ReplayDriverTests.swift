internal import Foundation
internal import Messages
internal import Synchronization
internal import Testing
internal import Wire

@testable internal import Homing

@Suite struct ReplayDriverTests {
  private let tracker = FakeTracker()

  private struct ListedRows: RowSource {
    var rows: [ReplayRow]
    mutating func next(_ countMax: Int) -> [ReplayRow] {
      let next = Array(rows.prefix(countMax))
      rows.removeFirst(next.count)
      return next
    }
  }

  private static func row(
    _ number: UInt64, _ second: Int64, _ contact: String, _ kind: CartTrackerV1.Event.Kind
  ) -> ReplayRow {
    let at = second * 1_000_000
    let event = CartTrackerV1.Event(
      id: "f-\(number)", at: Protobuf.Timestamp(microseconds: at), sourceOrder: number,
      contact: contact, kind: kind)
    return ReplayRow(
      number: number, at: at, sentAt: at, store: "shop", event: event, byteCount: 100)
  }

  private static func add(_ number: UInt64, _ second: Int64, _ contact: String = "ann") -> ReplayRow
  {
    row(number, second, contact, .itemAdded(.init(line: .init(sku: "mug"))))
  }

  private func plan(
    _ rows: [ReplayRow], window: Int = 60, _ change: (inout ReplayPlan) -> Void = { _ in }
  ) -> ReplayPlan {
    var plan = ReplayPlan(
      stores: ["shop"],
      settings: ReplaySettings(
        window: .init(length: .span(.init(.seconds(window)))), lateness: .zero,
        viewsAreActivity: false, timeZone: "UTC"),
      firstAt: rows.first?.at ?? 0, lastAt: rows.last?.at ?? 0, idPrefix: "f")
    change(&plan)
    return plan
  }

  private func run(
    _ rows: [ReplayRow], _ change: (inout ReplayPlan) -> Void = { _ in }
  ) async throws -> ReplayProgress {
    var driver = ReplayDriver(tracker, plan(rows, change), ListedRows(rows: rows), pause: { _ in })
    return try await driver.run()
  }

  private var episodes: [Int64] {
    get async throws {
      try await tracker.listEpisodes(.init(store: "shop", page: .init(limit: 1000))).episodes
        .compactMap { $0.abandonedAt?.seconds }
    }
  }

  @Test("The clock stands at the first row before the store is made, so that nothing lies before")
  func startsAtFirstRow() async throws {
    _ = try await run([Self.add(1, 1000)])
    let journal = tracker.state.withLock { $0.journal }
    #expect(journal.prefix(3) == ["advance", "put shop", "record"])
    let settings = tracker.state.withLock { $0.stores["shop"]?.settings }
    #expect(settings?.detection == true)
    #expect(settings?.feedLimit == Protobuf.Duration(.zero))
  }

  @Test("Rows before a due instant are sent before it, rows at it and later after it")
  func order() async throws {
    _ = try await run([
      Self.add(1, 1000), Self.add(2, 1059), Self.add(3, 1119), Self.add(4, 1179),
      Self.add(5, 1238),
    ])
    #expect(try await episodes == [1119, 1179, 1298])
    #expect(tracker.state.withLock { $0.violations } == [])
  }

  @Test("The clock runs on by the window after the last row, unless it shall not")
  func drains() async throws {
    _ = try await run([Self.add(1, 1000)])
    #expect(try await episodes == [1060])
    #expect(tracker.state.withLock { $0.now } == 1_060_000_000)
    let other = ReplayDriverTests()
    _ = try await other.run([Self.add(1, 1000)]) { $0.drains = false }
    #expect(try await other.episodes == [])
    #expect(other.tracker.state.withLock { $0.now } == 1_000_000_000)
  }

  @Test("Allowed lateness is put into the store and added to the drain")
  func lateness() async throws {
    _ = try await run([Self.add(1, 1000)]) { $0.settings.lateness = .seconds(600) }
    #expect(tracker.state.withLock { $0.now } == 1_660_000_000)
    let settings = tracker.state.withLock { $0.stores["shop"]?.settings }
    #expect(settings?.allowedLateness == Protobuf.Duration(.seconds(600)))
  }

  @Test("With a step the rows of a step are recorded before any of its timers is decided")
  func steps() async throws {
    _ = try await run([
      Self.add(1, 1000), Self.add(2, 1100, "bob"), Self.add(3, 1200), Self.add(4, 9000, "bob"),
    ]) { $0.step = .seconds(1000) }
    let journal = tracker.state.withLock { $0.journal }
    #expect(
      journal == ["advance", "put shop", "record", "advance", "record", "advance"])
    // The third row came before the timer of the first was decided, as it shall.
    #expect(tracker.state.withLock { $0.violations.count } == 1)
  }

  @Test("What the service is too busy for, or not there for, is sent again")
  func repeats() async throws {
    tracker.state.withLock {
      $0.failures["record"] = [
        RPCError(.resourceExhausted, "full", retryAfter: .milliseconds(50)),
        RPCError(.unavailable, "gone"),
      ]
      $0.failures["status"] = [RPCError(.unavailable, "gone")]
    }
    let progress = try await run([Self.add(1, 1000)])
    #expect(progress.refusals == [])
    #expect(tracker.state.withLock { $0.journal.count { $0 == "record" } } == 3)
    #expect(try await episodes == [1060])
  }

  @Test("A row that the service refuses is found among the others and told with its reason")
  func refusals() async throws {
    tracker.state.withLock { $0.refusedIDs = ["f-3", "f-6"] }
    let rows = (1...8).map { Self.add($0, 1000 + Int64($0)) }
    let progress = try await run(rows)
    #expect(progress.refusedRows == [3, 6])
    #expect(progress.refusals.map(\.reason).contains("an event that a test refuses"))
    #expect(tracker.state.withLock { $0.eventIDs.count } == 6)
  }

  @Test("A service without a virtual clock is told apart from any other trouble")
  func needsVirtualClock() async throws {
    tracker.state.withLock { $0.failures["advance"] = [RPCError(.unimplemented, "no Clock")] }
    let error = await #expect(throws: CommandError.self) { try await run([Self.add(1, 1000)]) }
    #expect(error?.message.contains("HOMING_CLOCK=virtual") == true)
  }

  @Test("A service that stays too busy, or never comes to rest, ends the replay")
  func endlessWork() async throws {
    let full = RPCError(.resourceExhausted, "full", retryAfter: .seconds(5))
    tracker.state.withLock { $0.failures["record"] = Array(repeating: full, count: 1000) }
    let error = await #expect(throws: RPCError.self) { try await run([Self.add(1, 1000)]) }
    #expect(error == full)
    let other = ReplayDriverTests()
    other.tracker.state.withLock { $0.busyAtFirst = .max }
    let late = await #expect(throws: RPCError.self) { try await other.run([Self.add(1, 1000)]) }
    #expect(late?.message == "the services do not come to rest")
  }

  @Test("A store that is there keeps its other settings and its kinds' windows")
  func keepsSettings() async throws {
    let kinds = [
      CartTrackerV1.StoreSettings.KindSettings(
        kind: .quote, window: .init(length: .months(1)))
    ]
    tracker.state.withLock {
      $0.stores["shop"] = CartTrackerV1.Store(
        id: "shop", settings: .init(name: "The shop", kinds: kinds, abandonedTag: "LEFT"),
        revision: 7)
    }
    _ = try await run([Self.add(1, 1000)])
    let store = tracker.state.withLock { $0.stores["shop"] }
    #expect(store?.revision == 8)
    #expect(store?.settings?.name == "The shop")
    #expect(store?.settings?.kinds == kinds)
    #expect(store?.settings?.abandonedTag == "LEFT")
  }

  @Test("A store that somebody changes meanwhile is read and put once more")
  func revisionRace() async throws {
    tracker.state.withLock { $0.failures["put"] = [RPCError(.aborted, "another revision")] }
    _ = try await run([Self.add(1, 1000)])
    #expect(tracker.state.withLock { $0.journal.count { $0 == "put shop" } } == 2)
  }

  @Test("Each contact gets its addresses once, with its first event")
  func contacts() async throws {
    _ = try await run([Self.add(1, 1000), Self.add(2, 1001), Self.add(3, 1002, "bob")]) {
      $0.contacts = ContactTemplates(
        email: "{contact}@replay.invalid", address: "{contact} Road 1; 12345 Town; DE")
    }
    let profiles = tracker.state.withLock { state in
      state.events.compactMap { event -> CartTrackerV1.ContactProfile? in
        if case .contactUpserted(let upserted) = event.kind { upserted.profile } else { nil }
      }
    }
    #expect(
      profiles.map { $0.destinations.map(\.address) } == [
        ["ann@replay.invalid"], ["bob@replay.invalid"],
      ])
    #expect(profiles.first?.address?.streetLines == ["ann Road 1"])
    #expect(profiles.first?.address?.postalCode == "12345")
    let consents = profiles.first?.consents ?? []
    let purposes = ["recovery", "feedback", "tracking"]
    #expect(consents.map(\.purpose) == purposes + purposes)
    #expect(consents.map(\.channel) == [.email, .email, .email, .letter, .letter, .letter])
  }

  @Test("Every batch holds at most 1,024 events, and all rows arrive")
  func batches() async throws {
    let rows = (1...5000).map { Self.add($0, 1000, "c\($0)") }
    let progress = try await run(rows)
    #expect(progress.sentCount == 5000)
    #expect(tracker.state.withLock { $0.eventIDs.count } == 5000)
    #expect(tracker.state.withLock { $0.journal.count { $0 == "record" } } == 5)
  }

  @Test("Services that are ended and started anew again and again get all rows all the same")
  func disturbances() async throws {
    let rows = (1...100).map { Self.add($0, 1000 + Int64($0)) }
    // How many run, how many there were, how many ran at once at the most.
    let seen = Mutex((running: 0, count: 0, most: 0))
    let enter: @Sendable () -> Void = {
      seen.withLock { $0 = ($0.running + 1, $0.count + 1, max($0.most, $0.running + 1)) }
    }
    let leave: @Sendable () -> Void = { seen.withLock { $0.running -= 1 } }
    _ = try await run(rows) {
      $0.disturbance = .init(interval: 10) {
        enter()
        await Task.yield()
        leave()
      }
    }
    #expect(seen.withLock { $0.count } == 10)
    #expect(seen.withLock { $0.most } == 1)
    #expect(tracker.state.withLock { $0.eventIDs.count } == 100)
    #expect(try await episodes == [1160])
  }
}
