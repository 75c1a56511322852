internal import Histogram
internal import Synchronization
internal import Transport
internal import Wire

/// Calls one unary method again and again, so many at once, and measures each.
struct LoadGenerator: Sendable {
  let channel: any Channel
  let method: RPCMethod
  /// The request of the n-th call.
  let request: @Sendable (_ number: UInt64) throws -> [UInt8]
  /// Calls in flight at once.
  let callers: Int
  /// Calls that begin within it are made and not counted.
  let warmUp: Duration
  let measured: Duration
  /// Of each call.
  let timeout: Duration
  /// Time since any fixed moment; the monotonic clock outside tests.
  let now: @Sendable () -> Duration

  /// A caller that fails so often in a row gives up: it would only spin.
  static let failuresInRowMax = 100
  /// Callers that share one histogram: few enough not to wait for each other, enough to keep memory
  /// small.
  private static let callersPerLane = 32

  func run() async -> LoadResult {
    let start = now()
    let numbers = Numbers()
    let lanes = (0..<(callers - 1) / Self.callersPerLane + 1).map { _ in Lane() }
    await withTaskGroup(of: Void.self) { group in
      for index in 0..<callers {
        let lane = lanes[index / Self.callersPerLane]
        group.addTask { await call(start, numbers, into: lane) }
      }
    }
    var result = LoadResult()
    for lane in lanes { result.add(lane.result.withLock { $0 }) }
    result.elapsed = max(.nanoseconds(1), now() - start - warmUp)
    return result
  }

  private func call(_ start: Duration, _ numbers: Numbers, into lane: Lane) async {
    let countedFrom = start + warmUp
    let lastBegin = countedFrom + measured
    let options = CallOptions(timeout: timeout)
    var failuresInRow = 0
    var begin = now()
    while begin < lastBegin && failuresInRow < Self.failuresInRowMax {
      var failure: RPCError?
      do {
        _ = try await channel.unary(method, try request(numbers.next()), options)
        failuresInRow = 0
      } catch {
        failure = error as? RPCError ?? RPCError(.unknown, "\(error)")
        failuresInRow += 1
      }
      let end = now()
      if begin >= countedFrom {
        let span = end - begin
        lane.result.withLock { $0.record(span, failure) }
      }
      begin = end
    }
  }

  private final class Numbers: Sendable {
    private let last = Atomic<UInt64>(0)
    func next() -> UInt64 { last.wrappingAdd(1, ordering: .relaxed).newValue }
  }

  private final class Lane: Sendable {
    let result = Mutex(LoadResult())
  }
}

/// What a run of load has shown.
struct LoadResult: Sendable {
  /// Of calls that ended well, in nanoseconds with three significant digits.
  private(set) var latency = Histogram<UInt64>(
    lowestDiscernibleValue: 100, highestTrackableValue: 3_600_000_000_000,
    numberOfSignificantValueDigits: .three)
  /// Calls that failed, by code.
  private(set) var failures: [RPCError.Code: Int] = [:]
  /// The last failure, for its words.
  private(set) var failure: RPCError?
  /// Without the warm-up; up to the end of the last call.
  var elapsed = Duration.zero

  var callCount: UInt64 { latency.totalCount }

  /// Calls that ended well, a second.
  var rate: Double { Double(callCount) / (elapsed / .seconds(1)) }

  mutating func record(_ span: Duration, _ failure: RPCError?) {
    if let failure {
      failures[failure.code, default: 0] += 1
      self.failure = failure
    } else {
      latency.record(UInt64(max(0, span / .nanoseconds(1))))
    }
  }

  mutating func add(_ other: LoadResult) {
    latency.add(other.latency)
    failures.merge(other.failures, uniquingKeysWith: +)
    failure = other.failure ?? failure
  }

  /// - Parameter percent: 0 to 100.
  func percentile(_ percent: Double) -> Duration {
    .nanoseconds(Int64(clamping: latency.valueAtPercentile(percent)))
  }
}
