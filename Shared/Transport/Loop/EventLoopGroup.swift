internal import Glibc
internal import Synchronization

/// Loops that share the work of a process: one per core by default.
public final class EventLoopGroup: Sendable {
  package let loops: [EventLoop]
  private let turn = Atomic<Int>(0)

  /// - Parameter count: loops to start; more than there are cores gain nothing.
  package init(count: Int? = nil, name: String = "loop") throws {
    let count = count ?? max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    precondition(count > 0)
    loops = try (0..<count).map { try EventLoop(name: "\(name)-\($0)") }
  }

  /// One after the other.
  package func next() -> EventLoop {
    let index = turn.wrappingAdd(1, ordering: .relaxed).oldValue
    return loops[Int(UInt(bitPattern: index) % UInt(loops.count))]
  }

  /// Ends the threads; what runs on them must have ended before.
  package func stop() {
    for loop in loops { loop.stop() }
  }
}
