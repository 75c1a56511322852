internal import Testing

@testable internal import CartTracker

@Suite struct FoldTimersTests {
  private func key(_ number: Int) -> PersonKey {
    Identity(store: "shop", kind: .contact, id: "\(number)").key
  }

  @Test("C14 timers come in order of their instants, those of one instant in order of the key")
  func order() {
    var timers = DueTimers()
    for (number, at) in [30, 10, 20, 10, 10].enumerated() { timers.set(key(number), Int64(at)) }
    let due = timers.take(until: 20, limit: 10)
    #expect(due.map(\.at) == [10, 10, 10, 20])
    #expect(due.prefix(3).map(\.key) == [key(1), key(3), key(4)].sorted())
    #expect(timers.next() == 30 && timers.count == 1)
  }

  @Test("A timer set again replaces the one before, and none takes it away")
  func replaced() {
    var timers = DueTimers()
    timers.set(key(1), 10)
    timers.set(key(1), 30)
    timers.set(key(2), 20)
    timers.set(key(3), 5)
    timers.set(key(3), nil)
    #expect(timers.take(until: 25, limit: 10).map(\.at) == [20])
    timers.set(key(1), 10)
    timers.set(key(1), 30)
    timers.set(key(1), 10)
    #expect(timers.take(until: 100, limit: 10).map(\.at) == [10])
    #expect(timers.next() == nil && timers.count == 0)
  }

  @Test("Random timers agree with a plain table", arguments: 0..<8)
  func model(seed: Int) {
    var chance = FoldChance(state: UInt64(seed))
    var timers = DueTimers()
    var table: [PersonKey: Int64] = [:]
    let keys = (0..<300).map(key)
    if seed.isMultiple(of: 2) {
      for key in keys {
        let at = Int64(chance.below(1000))
        timers.load(key, at)
        table[key] = at
      }
      timers.loaded()
    }
    var now: Int64 = 0
    for _ in 0..<6000 {
      let key = chance.pick(keys)
      switch chance.below(10) {
      case 0:
        timers.set(key, nil)
        table[key] = nil
      case 1:
        now += Int64(chance.below(40))
        let limit = 1 + chance.below(20)
        let due = timers.take(until: now, limit: limit)
        let expected = table.filter { $0.value <= now }
          .sorted { ($0.value, $0.key) < ($1.value, $1.key) }.prefix(limit)
        #expect(due.map(\.key) == expected.map(\.key), "seed \(seed)")
        #expect(due.map(\.at) == expected.map(\.value), "seed \(seed)")
        for (key, _) in expected { table[key] = nil }
      default:
        let at = now + Int64(chance.below(500))
        timers.set(key, at)
        table[key] = at
      }
      #expect(timers.next() == table.values.min() && timers.count == table.count, "seed \(seed)")
    }
  }
}
