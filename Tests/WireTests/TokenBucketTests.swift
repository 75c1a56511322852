internal import Testing

@testable internal import Wire

@Suite struct TokenBucketTests {
  private let start = MonotonicInstant(nanoseconds: 1_000_000_000_000)

  @Test("So many are let through at once, and not one more")
  func burst() {
    var bucket = TokenBucket(burst: 3, perSecond: 2, now: start)
    let taken = (0..<5).map { _ in bucket.take(now: start) }
    #expect(taken == [true, true, true, false, false])
  }

  @Test("Tokens come back at the rate, a refusal costs none")
  func refills() {
    var bucket = TokenBucket(burst: 1, perSecond: 2, now: start)
    #expect(bucket.take(now: start) == true)
    #expect(bucket.take(now: start + .milliseconds(499)) == false)
    #expect(bucket.take(now: start + .milliseconds(501)) == true)
    #expect(bucket.take(now: start + .milliseconds(502)) == false)
  }

  @Test("However long nothing came, no more than the burst is saved up")
  func savesNoMore() {
    var bucket = TokenBucket(burst: 2, perSecond: 1000, now: start)
    let later = start + .seconds(1_000_000)
    #expect((0..<4).map { _ in bucket.take(now: later) } == [true, true, false, false])
    let last = MonotonicInstant(nanoseconds: .max)
    #expect((0..<3).map { _ in bucket.take(now: last) } == [true, true, false])
  }

  @Test("A rate of 0 gives the burst once")
  func noRate() {
    var bucket = TokenBucket(burst: 1, perSecond: 0, now: start)
    #expect(bucket.take(now: start) == true)
    #expect(bucket.take(now: start + .seconds(1_000_000)) == false)
  }

  @Test("Over any sequence the number taken lies within burst and rate", arguments: 0..<8)
  func bounds(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let burst = random.int(1...50)
    let rate = random.int(0...200)
    var bucket = TokenBucket(burst: burst, perSecond: rate, now: start)
    var now = start
    var taken = 0
    for _ in 0..<3000 {
      now = now + .microseconds(random.int(0...9000))
      if bucket.take(now: now) { taken += 1 }
      let seconds = Double(now.nanoseconds - start.nanoseconds) / 1e9
      #expect(Double(taken) <= Double(burst) + Double(rate) * seconds + 0.001)
    }
    #expect(taken >= burst)
  }

  @Test("A clock that steps back gives nothing")
  func stepBack() {
    var bucket = TokenBucket(burst: 1, perSecond: 1000, now: start)
    #expect(bucket.take(now: start) == true)
    #expect(bucket.take(now: MonotonicInstant(nanoseconds: 0)) == false)
  }
}
