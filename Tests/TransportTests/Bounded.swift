internal import TestSupport
internal import Testing

/// Gives every test of a suite three minutes: one that waits for what never comes fails instead of
/// hanging.
struct Bounded: SuiteTrait, TestTrait, TestScoping {
  var isRecursive: Bool { true }

  func provideScope(
    for test: Test, testCase: Test.Case?, performing body: @Sendable () async throws -> Void
  ) async throws {
    try await withTimeout(late: { Issue.record("\(test.name) takes longer than three minutes") }) {
      try await body()
    }
  }
}

extension Trait where Self == Bounded {
  static var bounded: Bounded { Bounded() }
}
