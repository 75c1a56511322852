/// When time alone changes something for a person, of all persons that are owned: in memory, made
/// again from the person rows at every start.
struct DueTimers {
  private struct Entry {
    let at: Int64
    let key: PersonKey
  }

  /// What holds; the heap may have older entries beside it.
  private var current: [PersonKey: Int64] = [:]
  private var heap: [Entry] = []

  var count: Int { current.count }

  mutating func set(_ key: PersonKey, _ at: Int64?) {
    guard let at else {
      current[key] = nil
      return
    }
    if current.updateValue(at, forKey: key) == at { return }
    push(Entry(at: at, key: key))
    if heap.count > 2 * current.count + 1024 { rebuild() }
  }

  /// The earliest one.
  mutating func next() -> Int64? {
    dropStale()
    return heap.first?.at
  }

  /// Those due at or before `now`, earliest first, at most `limit`; they are no longer set.
  mutating func take(until now: Int64, limit: Int) -> [(at: Int64, key: PersonKey)] {
    var due: [(at: Int64, key: PersonKey)] = []
    while due.count < limit, let at = next(), at <= now {
      let entry = pop()
      current[entry.key] = nil
      due.append((entry.at, entry.key))
    }
    return due
  }

  /// At a start: many in any order, then `loaded()` once.
  mutating func load(_ key: PersonKey, _ at: Int64) { current[key] = at }

  mutating func loaded() { rebuild() }

  private mutating func dropStale() {
    while let first = heap.first, current[first.key] != first.at { _ = pop() }
  }

  private mutating func rebuild() {
    heap.removeAll(keepingCapacity: true)
    for (key, at) in current { heap.append(Entry(at: at, key: key)) }
    heap.sort(by: DueTimers.isBefore)
  }

  /// Equal instants in order of the key, so that a run can be repeated.
  private static func isBefore(_ left: Entry, _ right: Entry) -> Bool {
    left.at != right.at ? left.at < right.at : left.key < right.key
  }

  private mutating func push(_ entry: Entry) {
    heap.append(entry)
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard DueTimers.isBefore(heap[child], heap[parent]) else { return }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  private mutating func pop() -> Entry {
    let first = heap[0]
    let last = heap.removeLast()
    if heap.isEmpty { return first }
    heap[0] = last
    var parent = 0
    while true {
      var smallest = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
        if DueTimers.isBefore(heap[child], heap[smallest]) { smallest = child }
      }
      if smallest == parent { return first }
      heap.swapAt(parent, smallest)
      parent = smallest
    }
  }
}
