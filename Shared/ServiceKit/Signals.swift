internal import Glibc
internal import Synchronization
internal import Transport

/// The signals that ask a process to end or to look at its files again, as a stream.
///
/// They are blocked in every thread that starts after this, and taken by one thread of its own, so
/// nothing happens in a signal handler. Make it before any other thread is started.
package final class Signals: Sendable {
  package enum Signal: Int32, Sendable {
    case hangUp = 1
    case interrupt = 2
    case terminate = 15
  }

  package let received: AsyncStream<Signal>
  private let endsOnNext = Atomic<Bool>(false)

  /// - Throws: `SystemError` where no thread can be started.
  package init(_ signals: [Signal]) throws {
    let (stream, continuation) = AsyncStream.makeStream(of: Signal.self)
    received = stream
    var set = sigset_t()
    sigemptyset(&set)
    for signal in signals { sigaddset(&set, signal.rawValue) }
    pthread_sigmask(SIG_BLOCK, &set, nil)
    try Thread.start(name: "signals") { [weak self, set] in
      var set = set
      while true {
        var number: Int32 = 0
        guard sigwait(&set, &number) == 0, let signal = Signal(rawValue: number) else { continue }
        if self?.endsOnNext.load(ordering: .acquiring) ?? false, signal != .hangUp {
          exit(128 + number)
        }
        continuation.yield(signal)
      }
    }
  }

  /// From now on another signal to end does so at once.
  package func endOnNext() { endsOnNext.store(true, ordering: .releasing) }
}
