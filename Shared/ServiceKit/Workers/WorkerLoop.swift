package import Logging
internal import Glibc
internal import Synchronization
internal import Transport
internal import Wire

/// Runs one worker on a thread of its own until it is stopped.
///
/// A failure is logged and tried again after a backoff, during which waking does nothing. After
/// several in a row the worker's service is NOT_SERVING until a step succeeds.
package final class WorkerLoop: ServicePart {
  package struct Configuration: Sendable {
    package var backoff = Backoff()
    /// Of the backoff's chance.
    package var seed: UInt64 = 0
    /// Failures in a row from which on the service counts as unwell.
    package var failuresMax = 3
    /// Whose health the worker decides; the empty name is the whole server's.
    package var service = ""
    /// How far its thread stands back behind the others of the process, 0 to 19, as nice(1) has it.
    package var niceness: Int32 = 0

    package init() {}
  }

  private enum Phase {
    case new, running, ended
  }

  private struct State {
    var phase = Phase.new
    var waitingForEnd: [CheckedContinuation<Void, Never>] = []
  }

  package var name: String { worker.name }

  private let worker: any Worker
  private let clock: any WallClock
  private let configuration: Configuration
  private let health: HealthRegistry?
  private let log: Logger
  private let bell = Doorbell()
  private let isStopping = Atomic<Bool>(false)
  private let state = Mutex(State())

  package init(
    _ worker: any Worker, clock: any WallClock, configuration: Configuration = Configuration(),
    health: HealthRegistry? = nil, log: Logger
  ) {
    self.worker = worker
    self.clock = clock
    self.configuration = configuration
    self.health = health
    self.log = log
  }

  /// Starts the thread, which runs the worker at once. Once only.
  ///
  /// - Throws: `SystemError` where there is no thread to be had.
  package func start() throws {
    state.withLock { state in
      precondition(state.phase == .new, "a worker's loop is started once")
      state.phase = .running
    }
    do throws(SystemError) {
      try Thread.start(name: worker.name) {
        // On Linux a thread has a priority of its own, and 0 is the calling one.
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, self.configuration.niceness)
        self.run()
      }
    } catch {
      end()
      throw error
    }
  }

  /// Runs the worker soon, and once more if it is running now. Costs an atomic exchange while it
  /// runs.
  package func wake() { bell.ring() }

  /// Ends after the step that is running; returns when the thread is done.
  package func stop() async {
    isStopping.store(true, ordering: .releasing)
    bell.ring()
    await withCheckedContinuation { continuation in
      let isRunning = state.withLock { state in
        if state.phase == .running { state.waitingForEnd.append(continuation) }
        return state.phase == .running
      }
      if !isRunning { continuation.resume() }
    }
  }

  // MARK: - On the thread

  private func run() {
    var chance = SplitMix64(seed: configuration.seed)
    var failures = 0
    while !isStopping.load(ordering: .acquiring) {
      // What rang so far is looked at by this step.
      bell.take()
      if isStopping.load(ordering: .acquiring) { break }
      do {
        let next = try worker.runOnce(now: clock.now)
        if failures >= configuration.failuresMax { tellHealth(isWell: true) }
        failures = 0
        wait(next)
      } catch {
        failures += 1
        failed(error, failures, configuration.backoff.delay(failures: failures, &chance))
      }
    }
    end()
  }

  private func failed(_ error: any Error, _ failures: Int, _ delay: Duration) {
    log.error(
      "a worker failed",
      metadata: [
        "worker": "\(worker.name)", "failures": "\(failures)", "retry_in": "\(delay)",
        "error": "\(error)",
      ])
    if failures == configuration.failuresMax { tellHealth(isWell: false) }
    let end = MonotonicInstant.now + delay
    while !isStopping.load(ordering: .acquiring), case let left = end - .now, left > .zero {
      _ = bell.wait(timeout: left)
    }
  }

  private func tellHealth(isWell: Bool) {
    if isWell {
      health?.release(configuration.service, because: worker.name)
    } else {
      health?.hold(configuration.service, because: worker.name)
    }
  }

  private func wait(_ next: NextRun) {
    switch next {
    case .again: break
    case .whenWoken: _ = bell.wait()
    case .at(let instant):
      if let clock = clock as? VirtualClock {
        let number = clock.alarm(at: instant) { self.bell.ring() }
        _ = bell.wait()
        clock.cancel(alarm: number)
        return
      }
      // The time of day may jump meanwhile, so it is looked at again every second.
      while case let left = instant - clock.now, left > .zero {
        if bell.wait(timeout: min(left, .seconds(1))) { return }
      }
    }
  }

  private func end() {
    let waiting = state.withLock { state in
      state.phase = .ended
      defer { state.waitingForEnd = [] }
      return state.waitingForEnd
    }
    for waiter in waiting { waiter.resume() }
  }
}
