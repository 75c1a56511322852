internal import Messages
internal import Storage
internal import Stubs
internal import Transport
internal import Wire

/// The tracker as the scheduler asks it.
struct TrackerClient: StoreSource {
  /// Of one call; what takes longer is asked again later.
  private static let timeout: Duration = .seconds(10)

  private let client: CartTrackerV1.CartTrackerClient

  init(_ channel: any Channel) { client = CartTrackerV1.CartTrackerClient(channel) }

  func store(_ id: String) async throws -> CartTrackerV1.Store? {
    do {
      return try await client.getStore(
        CartTrackerV1.GetStoreRequest(store: id), options: CallOptions(timeout: Self.timeout))
    } catch let error as RPCError where error.code == .notFound {
      return nil
    }
  }

  /// Asks in halves where the answer would be too large for one.
  func facts(_ ask: FactsAsk) async throws -> [CartTrackerV1.Facts] {
    do {
      let answer = try await client.facts(
        CartTrackerV1.FactsRequest(store: ask.store, subjects: ask.subjects),
        options: CallOptions(timeout: Self.timeout))
      guard answer.facts.count == ask.subjects.count else {
        throw RPCError(
          .internalError,
          "\(answer.facts.count) facts came for \(ask.subjects.count) subjects")
      }
      return answer.facts
    } catch let error as RPCError
      where error.code == .resourceExhausted && error.retryAfter == nil && ask.subjects.count > 1
    {
      let half = ask.subjects.count / 2
      let first = FactsAsk(store: ask.store, subjects: Array(ask.subjects[..<half]))
      let second = FactsAsk(store: ask.store, subjects: Array(ask.subjects[half...]))
      return try await facts(first) + facts(second)
    }
  }
}

/// Facts from the tracker, for a thread that may block.
struct TrackerFacts: FactsSource {
  /// Calls at once: the tracker reads with several threads.
  private static let callsMax = 4

  let tracker: TrackerClient
  let book: StoreBook

  func profiles(of stores: Set<String>) -> [String: StoreBook.Answer] {
    BlockingCall.wait { await book.profiles(of: stores) }
  }

  func facts(_ asks: [FactsAsk]) -> [Result<[CartTrackerV1.Facts], any Error>] {
    BlockingCall.wait {
      await withTaskGroup(
        of: (Int, Result<[CartTrackerV1.Facts], any Error>).self
      ) { group in
        var answers = asks.map { _ in
          Result<[CartTrackerV1.Facts], any Error>.failure(CancellationError())
        }
        var next = 0
        func ask() {
          guard next < asks.count else { return }
          let index = next
          next += 1
          group.addTask { [tracker] in (index, await tracker.result(asks[index])) }
        }
        for _ in 0..<TrackerFacts.callsMax { ask() }
        while let (index, answer) = await group.next() {
          answers[index] = answer
          ask()
        }
        return answers
      }
    }
  }
}

extension TrackerClient {
  fileprivate func result(_ ask: FactsAsk) async -> Result<[CartTrackerV1.Facts], any Error> {
    do { return .success(try await facts(ask)) } catch { return .failure(error) }
  }
}

/// Calls of other services from a thread of our own that may block.
enum BlockingCall {
  /// Blocks until the call has ended; on a loop or in the cooperative pool never.
  static func wait<R: Sendable>(_ body: @escaping @Sendable () async -> R) -> R {
    let answer = Monitor<R?>(nil)
    _ = Task.immediate {
      let result = await body()
      answer.withLock { $0 = result }
      answer.wakeAll()
    }
    return answer.wait { $0 }
  }
}
