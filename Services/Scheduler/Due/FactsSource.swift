internal import Messages

/// What decisions ask for right before they are made. Calls block: made on the worker's own thread.
protocol FactsSource: Sendable {
  /// The stores' settings, as far as they can be had.
  func profiles(of stores: Set<String>) -> [String: StoreBook.Answer]

  /// Facts about the subjects, as many as they are, in their order.
  ///
  /// - Returns: for each ask its facts, or why there are none now.
  func facts(_ asks: [FactsAsk]) -> [Result<[CartTrackerV1.Facts], any Error>]
}

/// One call to the tracker.
struct FactsAsk: Sendable {
  /// Subjects of a call, as the contract has it.
  static let subjectsMax = 256

  let store: String
  let subjects: [CartTrackerV1.FactsSubject]
}
