internal import Testing
internal import Wire

@testable internal import Transport

@Suite struct RetryPolicyTests {
  private let idempotent = RPCMethod("a.B/C", .unary, isIdempotent: true, roles: [])
  private let once = RPCMethod("a.B/D", .unary, isIdempotent: false, roles: [])
  private let notNow = RPCError(.unavailable, "not now")

  private func policy(_ change: (inout ClientConfiguration) -> Void = { _ in }) -> RetryPolicy {
    var configuration = ClientConfiguration()
    configuration.seed = 42
    change(&configuration)
    return RetryPolicy(configuration)
  }

  private var notLookedAt: RPCError {
    var error = RPCError(.unavailable, "leaving")
    error.wasNotLookedAt = true
    return error
  }

  @Test("Pauses double from half to one and a half times the step, up to the longest")
  func pausesGrow() throws {
    var policy = policy {
      $0.attemptsMax = 5
      $0.retryBudget = 100_000
      $0.backOffMax = .milliseconds(150)
    }
    for (attempts, step) in [(1, 50), (2, 100), (3, 150), (4, 150)] {
      for _ in 0..<500 {
        let given = policy.pause(after: notNow, of: idempotent, attempts: attempts, left: nil)
        let pause = try #require(given)
        #expect(pause >= .milliseconds(step) / 2 && pause <= .milliseconds(step) * 3 / 2)
      }
    }
  }

  @Test("The same seed makes the same pauses, and the pauses differ")
  func seeded() {
    func pauses() -> [Duration?] {
      var policy = policy()
      return (0..<5).map { _ in policy.pause(after: notNow, of: idempotent, attempts: 1, left: nil)
      }
    }
    #expect(pauses() == pauses())
    #expect(Set(pauses()).count > 1)
  }

  @Test(
    "There are so many attempts and no more, at most five",
    arguments: [(1, 1), (3, 3), (9, 5), (0, 1)])
  func attempts(configured: Int, made: Int) {
    var policy = policy { $0.attemptsMax = configured }
    var attempts = 1
    while policy.pause(after: notNow, of: idempotent, attempts: attempts, left: nil) != nil {
      attempts += 1
    }
    #expect(attempts == made)
  }

  @Test("Of an idempotent method only UNAVAILABLE is tried again, and a full one that says when")
  func codes() {
    for number in Int32(1)...16 {
      var policy = policy()
      let code = RPCError.Code(rawValue: number)
      let plain = policy.pause(after: RPCError(code, ""), of: idempotent, attempts: 1, left: nil)
      let isTried = code == .unavailable
      #expect((plain != nil) == isTried, "\(code)")
      let later = RPCError(code, "", retryAfter: .seconds(1))
      let told = policy.pause(after: later, of: idempotent, attempts: 1, left: nil)
      let isTriedLater = isTried || code == .resourceExhausted
      #expect((told != nil) == isTriedLater, "\(code)")
    }
  }

  @Test("A method that is not idempotent is tried again only where nobody has looked at the call")
  func notIdempotent() {
    var policy = policy()
    #expect(policy.pause(after: notNow, of: once, attempts: 1, left: nil) == nil)
    let full = RPCError(.resourceExhausted, "", retryAfter: .seconds(1))
    #expect(policy.pause(after: full, of: once, attempts: 1, left: nil) == nil)
    #expect(policy.pause(after: notLookedAt, of: once, attempts: 1, left: nil) != nil)
    var late = RPCError(.deadlineExceeded, "")
    late.wasNotLookedAt = true
    #expect(policy.pause(after: late, of: once, attempts: 1, left: nil) == nil)
  }

  @Test(
    "A call that a leaving server did not look at goes elsewhere at once, but only the first time")
  func atOnce() {
    var policy = policy()
    var leaving = RPCError(.unavailable, "leaving", cause: RPCError(.unavailable, "leaving"))
    leaving.wasNotLookedAt = true
    #expect(policy.pause(after: leaving, of: once, attempts: 1, left: nil) == .zero)
    #expect(policy.pause(after: leaving, of: once, attempts: 2, left: nil)! > .zero)
  }

  @Test("A pause is not shorter than the server asks for")
  func retryAfter() {
    var policy = policy()
    let error = RPCError(.resourceExhausted, "", retryAfter: .seconds(3))
    #expect(policy.pause(after: error, of: idempotent, attempts: 1, left: nil) == .seconds(3))
  }

  @Test("Nothing is tried again that could not begin before the deadline")
  func deadline() {
    var policy = policy { $0.retryBudget = 1 }
    let left = Duration.milliseconds(10)
    #expect(policy.pause(after: notNow, of: idempotent, attempts: 1, left: left) == nil)
    // That cost nothing of the budget.
    #expect(policy.pause(after: notNow, of: idempotent, attempts: 1, left: .seconds(9)) != nil)
  }

  @Test("The budget ends retries, and every fifth call that ends well earns one")
  func budget() {
    var policy = policy { $0.retryBudget = 2 }
    func tries() -> Int {
      var count = 0
      while policy.pause(after: notNow, of: idempotent, attempts: 1, left: nil) != nil {
        count += 1
      }
      return count
    }
    #expect(tries() == 2)
    for _ in 0..<6 { policy.succeeded() }
    #expect(tries() == 1)
    for _ in 0..<1000 { policy.succeeded() }
    #expect(tries() == 2)
  }
}
