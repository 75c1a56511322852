internal import Delivery
internal import Messages
internal import ServiceKit
internal import Transport
internal import Wire

/// Asks cart-tracker, from a thread of our own, whether letters may go out.
struct GrantDesk: Sendable {
  /// How long a grant lives at most, whatever it says.
  static let lifetimeMax = Duration.seconds(1)

  let source: any StopSource

  /// Answers with the instant up to which their grants live.
  struct Answers: Sendable {
    let answers: [CartTrackerV1.StopAnswer]
    private let asked: MonotonicInstant

    init(_ answers: [CartTrackerV1.StopAnswer], asked: MonotonicInstant) {
      self.answers = answers
      self.asked = asked
    }

    /// Whether hand-offs may begin under all grants of it.
    func isFresh(_ now: MonotonicInstant) -> Bool {
      let lifetimes = answers.compactMap(\.grant).map { grant -> Duration in
        guard let span = grant.lifetime else { return GrantDesk.lifetimeMax }
        return min(
          .seconds(span.seconds) + .nanoseconds(Int64(span.nanos)), GrantDesk.lifetimeMax)
      }
      return now - asked < lifetimes.min() ?? GrantDesk.lifetimeMax
    }
  }

  /// What is answered about pieces of one store, in their order.
  ///
  /// - Throws: where cart-tracker cannot be asked; ask again later.
  func ask(_ pieces: [PieceRow], withFacts: Bool) throws -> Answers {
    let asked = MonotonicInstant.now
    return Answers(try answers(pieces[...], withFacts), asked: asked)
  }

  private func answers(
    _ pieces: ArraySlice<PieceRow>, _ withFacts: Bool
  ) throws -> [CartTrackerV1.StopAnswer] {
    guard let first = pieces.first else { return [] }
    let request = CartTrackerV1.CheckStopRequest(
      store: first.order.store, subjects: pieces.map(\.order.stopSubject), withFacts: withFacts)
    let source = source
    do {
      let response = try Awaited.value { try await source.checkStop(request) }
      guard response.answers.count == pieces.count else {
        throw RPCError(.internalError, "cart-tracker answered about others")
      }
      return response.answers
    } catch let error as RPCError where error.code == .resourceExhausted && pieces.count > 1 {
      // The facts of so many do not fit one answer.
      let half = pieces.startIndex + pieces.count / 2
      return try answers(pieces[..<half], withFacts) + answers(pieces[half...], withFacts)
    }
  }
}
