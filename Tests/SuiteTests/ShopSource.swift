internal import Messages
internal import Stubs
internal import Synchronization
internal import Transport

/// A shop that can be asked for changed carts.
final class ShopSource: CartTrackerV1.CartSourceService {
  typealias Request = CartTrackerV1.ListChangesRequest
  typealias Batch = CartTrackerV1.RecordRequest

  private let answer: @Sendable (Request) -> [Batch]
  private let requests = Mutex<[Request]>([])

  init(_ answer: @escaping @Sendable (Request) -> [Batch]) { self.answer = answer }

  /// Since when it was asked, call by call.
  var asked: [Int64?] { requests.withLock { $0.map { $0.since?.seconds } } }

  func listChanges(
    _ request: Request, _ responses: ResponseWriter<Batch>, _ call: ServerCall
  ) async throws {
    requests.withLock { $0.append(request) }
    for batch in answer(request) { try await responses.send(batch) }
  }
}
