@testable internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Testing
internal import Wire

@Suite struct IntakeTests {
  private static let outbox = "018f4c3e-7b2a-7c1d-9e5f-0123456789ab"
  private static let effects = Statement(
    name: "effects", sql: "SELECT count(*) FROM outbox", scope: .allBuckets)

  private static func position(_ bucket: UInt32, _ seq: UInt64) -> CommonV1.Position {
    CommonV1.Position(bucket: bucket, seq: seq)
  }

  /// Takes rows; each effect is a row in the outbox.
  private static func take(
    _ fixture: DeliveryFixture, _ positions: [CommonV1.Position], source: String = "cart-tracker",
    outbox: String = outbox, _ effect: (Int) -> Intake.Effect = { _ in .stored }
  ) throws -> [CommonV1.Receipt.Verdict] {
    let intake = try Intake(source: source, outbox: outbox, positions: positions)
    let taken = try fixture.engine.write { session in
      try intake.take(session, now: 5) { index in
        let effect = effect(index)
        if effect == .stored {
          let bucket = UInt8(positions[index].bucket)
          try fixture.outbox.put(session, bucket: bucket, [[1]], now: 5)
        }
        return effect
      }
    }
    fixture.counts.add(received: taken.received)
    #expect(taken.receipts.receipts.map(\.position) == positions.map { $0 })
    return taken.receipts.receipts.map(\.verdict)
  }

  @Test("A row has its effect once, however often it comes", arguments: EngineKind.allCases)
  func isOnce(kind: EngineKind) throws {
    let fixture = try DeliveryFixture(kind)
    let rows = [Self.position(0, 1), Self.position(255, 1), Self.position(0, 2)]
    #expect(try Self.take(fixture, rows) == [.stored, .stored, .stored])
    #expect(try Self.take(fixture, rows) == [.repeated, .repeated, .repeated])
    #expect(
      try Self.take(fixture, [Self.position(0, 3), Self.position(0, 3)]) == [.stored, .repeated])
    #expect(try fixture.rows() == ["0/1", "0/2", "0/3", "255/1"])
    #expect(fixture.counts.received == 4)
  }

  @Test("Rows of another source or another outbox are other rows", arguments: EngineKind.allCases)
  func isBySource(kind: EngineKind) throws {
    let fixture = try DeliveryFixture(kind)
    let row = [Self.position(3, 1)]
    #expect(try Self.take(fixture, row) == [.stored])
    #expect(try Self.take(fixture, row, source: "notifier") == [.stored])
    let other = "018f4c3e-7b2a-7c1d-9e5f-0123456789ac"
    #expect(try Self.take(fixture, row, outbox: other) == [.stored])
    #expect(try Self.take(fixture, row, outbox: other.uppercased()) == [.repeated])
  }

  @Test("A row that was held is answered so again, and counts once", arguments: EngineKind.allCases)
  func isHeld(kind: EngineKind) throws {
    let fixture = try DeliveryFixture(kind)
    let rows = [Self.position(3, 1), Self.position(3, 2)]
    let first = try Self.take(fixture, rows) { $0 == 0 ? .held("no such store") : .stored }
    #expect(first == [.held, .stored])
    #expect(try Self.take(fixture, rows) == [.held, .repeated])
    #expect(fixture.counts.received == 2)
    #expect(try fixture.rows() == ["3/1"])
  }

  @Test(
    "After a row that has to wait, its bucket waits and others go on",
    arguments: EngineKind.allCases)
  func isRetried(kind: EngineKind) throws {
    let fixture = try DeliveryFixture(kind)
    let rows = [
      Self.position(3, 1), Self.position(3, 2), Self.position(3, 3), Self.position(4, 1),
    ]
    let first = try Self.take(fixture, rows) { $0 == 1 ? .retry("busy") : .stored }
    #expect(first == [.stored, .retry, .retry, .stored])
    #expect(try Self.take(fixture, rows) == [.repeated, .stored, .stored, .repeated])
    #expect(fixture.counts.received == 4)
    #expect(try fixture.rows() == ["3/1", "3/2", "3/3", "4/1"])
  }

  @Test(
    "An effect that fails leaves nothing, and the row comes again", arguments: EngineKind.allCases)
  func isRolledBack(kind: EngineKind) throws {
    struct Failure: Error {}
    let fixture = try DeliveryFixture(kind)
    let rows = [Self.position(3, 1), Self.position(4, 1)]
    let intake = try Intake(source: "a", outbox: Self.outbox, positions: rows)
    #expect(throws: Failure.self) {
      try fixture.engine.write { session in
        try intake.take(session, now: 5) { index in
          if index == 1 { throw Failure() }
          return .stored
        }
      }
    }
    #expect(try Self.take(fixture, rows, source: "a") == [.stored, .stored])
  }

  @Test("What was taken is counted for good", arguments: EngineKind.allCases)
  func isDurable(kind: EngineKind) throws {
    let fixture = try DeliveryFixture(kind)
    _ = try Self.take(fixture, [Self.position(3, 1), Self.position(3, 2)])
    _ = try Self.take(fixture, [Self.position(3, 2), Self.position(3, 3)])
    let again = DeliveryCounts()
    var chance = SplitMix64(seed: 9)
    try again.load(fixture.engine, now: fixture.clock.now, chance: &chance)
    #expect(again.received == 3)
    #expect(fixture.counts.received == 3)
  }

  @Test("Old rows are forgotten, and only those", arguments: EngineKind.allCases)
  func isTrimmed(kind: EngineKind) throws {
    let fixture = try DeliveryFixture(kind)
    let row = [Self.position(3, 1)]
    _ = try Self.take(fixture, row)
    try fixture.engine.write { try Intake.trim($0, bucket: 3, before: 5) }
    #expect(try Self.take(fixture, row) == [.repeated])
    try fixture.engine.write { try Intake.trim($0, bucket: 3, before: 6) }
    #expect(try Self.take(fixture, row) == [.stored])
  }

  @Test("What is no position or no outbox is refused with the field's name")
  func isChecked() throws {
    func refusal(_ outbox: String, _ positions: [CommonV1.Position?]) -> String? {
      do throws(RPCError) {
        _ = try Intake(source: "a", outbox: outbox, positions: positions)
        return nil
      } catch {
        #expect(error.code == .invalidArgument)
        return error.fieldViolations.first?.field
      }
    }
    #expect(refusal("", []) == "outbox")
    #expect(refusal("018f4c3e", []) == "outbox")
    let good = Self.position(0, 1)
    #expect(refusal(Self.outbox, [good, nil]) == "rows[1].position")
    #expect(refusal(Self.outbox, [Self.position(256, 1)]) == "rows[0].position")
    #expect(refusal(Self.outbox, [Self.position(1, 0)]) == "rows[0].position")
    #expect(refusal(Self.outbox, [Self.position(1, .max)]) == "rows[0].position")
    #expect(refusal(Self.outbox, [CommonV1.Position?](repeating: good, count: 257)) == "rows")
    #expect(refusal(Self.outbox, [good]) == nil)
  }

  @Test("The buckets to fence are those of the rows, once each")
  func buckets() throws {
    let intake = try Intake(
      source: "a", outbox: Self.outbox,
      positions: [Self.position(9, 1), Self.position(2, 1), Self.position(9, 2)])
    #expect(intake.buckets == [2, 9])
  }
}
