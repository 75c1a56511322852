@testable internal import CartTracker
internal import Delivery
internal import Testing
internal import Wire

@Suite struct JournalTailTests {
  static func person(_ number: Int) -> PersonKey {
    Identity(store: "shop", kind: .contact, id: "\(number)").key
  }

  static func row(_ position: UInt64, _ person: PersonKey, size: Int = 10) -> TailRow {
    TailRow(
      position: position, bucket: person.bucket, seq: position, person: person,
      body: [UInt8](repeating: 1, count: size))
  }

  @Test("Rows are taken oldest first and stay until they are dropped")
  func takesAndDrops() {
    let tail = Tail()
    tail.append((1...5).map { JournalTailTests.row($0, JournalTailTests.person(1)) })
    #expect(tail.take(3).map(\.position) == [1, 2, 3])
    #expect(tail.take(3).map(\.position) == [1, 2, 3])
    tail.drop(through: 3)
    #expect(tail.take(9).map(\.position) == [4, 5])
    #expect(tail.count == 2)
    tail.drop(through: 5)
    #expect(tail.isEmpty)
    #expect(tail.bytes == 0)
    #expect(tail.lastPosition == 5)
  }

  @Test("A person's rows are found, oldest first, as long as they wait")
  func findsPersons() {
    let tail = Tail()
    tail.begin(at: 100)
    var random = ListChance(state: 7)
    var model: [(position: UInt64, person: Int)] = []
    var position: UInt64 = 100
    for _ in 0..<2000 {
      if random.below(3) > 0 {
        var rows: [TailRow] = []
        for _ in 0...random.below(4) {
          position += 1
          let person = random.below(10)
          model.append((position, person))
          rows.append(JournalTailTests.row(position, JournalTailTests.person(person)))
        }
        tail.append(rows)
      } else if let first = model.first?.position {
        let through = first + UInt64(random.below(6))
        model.removeAll { $0.position <= through }
        tail.drop(through: through)
      }
      let person = random.below(11)
      let expected = model.filter { $0.person == person }.map(\.position)
      let found = tail.rows(of: JournalTailTests.person(person)).map(\.position)
      #expect(found == expected)
      #expect(tail.count == model.count)
    }
    #expect(tail.lastPosition == position)
  }

  @Test("A tail with as many rows, or bytes, as may wait has no room until some are dropped")
  func hasLimits() throws {
    for limits in [Tail.Limits(rows: 2, bytes: 1 << 20), Tail.Limits(rows: 100, bytes: 1000)] {
      let tail = Tail(limits: limits)
      try tail.checkRoom()
      tail.append([
        JournalTailTests.row(1, JournalTailTests.person(1), size: 500),
        JournalTailTests.row(2, JournalTailTests.person(2), size: 500),
      ])
      let error = try #require(throws: RPCError.self) { try tail.checkRoom() }
      #expect(error.code == .resourceExhausted)
      #expect(error.retryAfter == .milliseconds(500))
      tail.drop(through: 1)
      #expect(throws: Never.self) { try tail.checkRoom() }
    }
  }
}
