package import Messages

/// Why a message cannot be made. No retry mends it while the facts and the template stay.
package struct ContentError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong: a header, a part, a setting of the store, the recipient.
  package let field: String
  /// For a developer's eyes: holds no personal data.
  package let problem: String
  /// BAD_DESTINATION where the recipient is no address, else UNSPECIFIED.
  package let reason: CommonV1.ReasonCode

  package init(
    _ field: String, _ problem: String, _ reason: CommonV1.ReasonCode = .unspecified
  ) {
    self.field = field
    self.problem = problem
    self.reason = reason
  }

  package var description: String { "\(field): \(problem)" }
}
