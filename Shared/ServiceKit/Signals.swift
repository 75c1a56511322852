internal import Dispatch
internal import Glibc
internal import Synchronization

/// The signals that ask a process to end or to look at its files again, as a stream.
///
/// Taken by Dispatch on a queue, so nothing of ours runs in a signal handler. From `init` on these
/// signals no longer end the process by themselves.
package final class Signals: Sendable {
  package enum Signal: Int32, Sendable {
    case hangUp = 1
    case interrupt = 2
    case terminate = 15
  }

  package let received: AsyncStream<Signal>
  private let sources: SignalSources
  private let endsOnNext = SharedFlag()

  package init(_ signals: [Signal]) {
    let (stream, continuation) = AsyncStream.makeStream(of: Signal.self)
    received = stream
    let queue = DispatchQueue(label: "signals")
    sources = SignalSources(
      signals.map { [endsOnNext] signal in
        Glibc.signal(signal.rawValue, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: signal.rawValue, queue: queue)
        source.setEventHandler {
          if endsOnNext.isSet && signal != .hangUp { exit(128 + signal.rawValue) }
          continuation.yield(signal)
        }
        source.resume()
        return source
      })
  }

  /// From now on another signal to end does so at once.
  package func endOnNext() { endsOnNext.set() }
}

/// Keeps the sources alive.
///
/// `@unchecked Sendable`, because nothing is done with them after `init` but to cancel them at the
/// end, which Dispatch allows from any thread.
private final class SignalSources: @unchecked Sendable {
  private let sources: [any DispatchSourceSignal]
  init(_ sources: [any DispatchSourceSignal]) { self.sources = sources }
  deinit { for source in sources { source.cancel() } }
}

private final class SharedFlag: Sendable {
  private let value = Atomic<Bool>(false)
  var isSet: Bool { value.load(ordering: .acquiring) }
  func set() { value.store(true, ordering: .releasing) }
}
