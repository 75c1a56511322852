internal import Wire

/// Timers of one loop, the next due first: a binary heap that knows each timer's place, so that
/// cancelling is logarithmic and leaves nothing behind.
struct TimerHeap {
  /// One timer. Fires at most once; belongs to its loop's thread.
  final class Timer {
    fileprivate let due: MonotonicInstant
    fileprivate var index = -1
    let action: () -> Void

    fileprivate init(due: MonotonicInstant, action: @escaping () -> Void) {
      self.due = due
      self.action = action
    }
  }

  private var heap: [Timer] = []

  var nextDue: MonotonicInstant? { heap.first?.due }
  var count: Int { heap.count }

  mutating func schedule(at due: MonotonicInstant, _ action: @escaping () -> Void) -> Timer {
    let timer = Timer(due: due, action: action)
    timer.index = heap.count
    heap.append(timer)
    rise(from: timer.index)
    return timer
  }

  /// Nothing happens where it has fired or was cancelled.
  mutating func cancel(_ timer: Timer) {
    if timer.index >= 0 { remove(at: timer.index) }
  }

  /// The next timer whose time has come, no longer in the heap.
  mutating func popDue(now: MonotonicInstant) -> Timer? {
    guard let first = heap.first, first.due <= now else { return nil }
    remove(at: 0)
    return first
  }

  private mutating func remove(at index: Int) {
    heap[index].index = -1
    let last = heap.removeLast()
    if index == heap.count { return }
    heap[index] = last
    last.index = index
    rise(from: index)
    sink(from: last.index)
  }

  private mutating func rise(from start: Int) {
    var index = start
    while index > 0 {
      let parent = (index - 1) / 2
      if heap[parent].due <= heap[index].due { return }
      swap(parent, index)
      index = parent
    }
  }

  private mutating func sink(from start: Int) {
    var index = start
    while true {
      var least = index
      for child in [2 * index + 1, 2 * index + 2]
      where child < heap.count && heap[child].due < heap[least].due { least = child }
      if least == index { return }
      swap(least, index)
      index = least
    }
  }

  private mutating func swap(_ a: Int, _ b: Int) {
    heap.swapAt(a, b)
    heap[a].index = a
    heap[b].index = b
  }
}
