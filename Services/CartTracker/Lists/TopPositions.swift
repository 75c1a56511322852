/// The first so many positions of a list out of many in any order: a heap with the last on top.
struct TopPositions {
  private let order: ListOrder
  private let limit: Int
  private var heap: [ListPosition] = []

  /// - Parameter limit: at least 1.
  init(order: ListOrder, limit: Int) {
    precondition(limit > 0)
    self.order = order
    self.limit = limit
  }

  /// False where it is behind all that are wanted.
  mutating func insert(_ position: ListPosition) -> Bool {
    if heap.count < limit {
      heap.append(position)
      rise(from: heap.count - 1)
      return true
    }
    guard order.precedes(position, heap[0]) else { return false }
    heap[0] = position
    sink()
    return true
  }

  /// In order.
  consuming func sorted() -> [ListPosition] {
    let order = order
    return heap.sorted { order.precedes($0, $1) }
  }

  private mutating func rise(from start: Int) {
    var index = start
    while index > 0 {
      let parent = (index - 1) / 2
      guard order.precedes(heap[parent], heap[index]) else { return }
      heap.swapAt(parent, index)
      index = parent
    }
  }

  private mutating func sink() {
    var index = 0
    while true {
      var last = index
      for child in [2 * index + 1, 2 * index + 2] where child < heap.count {
        if order.precedes(heap[last], heap[child]) { last = child }
      }
      if last == index { return }
      heap.swapAt(last, index)
      index = last
    }
  }
}
