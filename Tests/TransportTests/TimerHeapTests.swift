internal import Testing
internal import Wire

@testable internal import Transport

@Suite struct TimerHeapTests {
  /// What the heap is held against: every timer by its time, scanned.
  private struct Model {
    var due: [Int: Int64] = [:]

    var next: Int64? { due.values.min() }
  }

  /// A small seeded generator.
  private struct SplitMix64 {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var z = state
      z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
      return z ^ (z >> 31)
    }
  }

  @Test(
    "Whatever is scheduled, cancelled and popped, the heap agrees with a plain table",
    arguments: 0..<10)
  func agreesWithModel(seed: UInt64) throws {
    var chance = SplitMix64(seed: seed)
    var heap = TimerHeap()
    var model = Model()
    var timers: [Int: TimerHeap.Timer] = [:]
    var popped = -1
    for number in 0..<400 {
      switch chance.next() % 10 {
      case 0..<5:
        // Few different times, so that equal ones meet.
        let due = Int64(chance.next() % 50)
        timers[number] = heap.schedule(at: .init(nanoseconds: due)) { popped = number }
        model.due[number] = due
      case 5..<8:
        // Also one that has fired or was cancelled before.
        guard number > 0 else { continue }
        let victim = Int(chance.next() % UInt64(number))
        if let timer = timers[victim] { heap.cancel(timer) }
        model.due[victim] = nil
      default:
        let now = MonotonicInstant(nanoseconds: Int64(chance.next() % 50))
        let next = model.next
        guard let timer = heap.popDue(now: now) else {
          #expect(next.map { $0 > now.nanoseconds } ?? true)
          continue
        }
        timer.action()
        let removed = model.due.removeValue(forKey: popped)
        let due = try #require(removed)
        #expect(due == next && due <= now.nanoseconds)
      }
      #expect(heap.count == model.due.count)
      #expect(heap.nextDue?.nanoseconds == model.next)
    }
    while let timer = heap.popDue(now: .init(nanoseconds: .max)) {
      let next = model.next
      timer.action()
      let due = model.due.removeValue(forKey: popped)
      #expect(due == next)
    }
    #expect(model.due.isEmpty)
  }
}
