internal import Messages
internal import Stubs
internal import Synchronization
internal import Transport

/// A shop that can be asked for changed carts.
final class ShopSource: CartTrackerV1.CartSourceService {
  typealias Request = CartTrackerV1.ListChangesRequest
  typealias Batch = CartTrackerV1.RecordRequest

  typealias Answer = CartTrackerV1.ConfirmOpenResponse.Answer

  /// What it says of carts; of others it cannot tell.
  let open = Mutex<[String: Answer]>([:])
  private let confirmed = Mutex<[String]>([])
  private let answer: @Sendable (Request) -> [Batch]
  private let requests = Mutex<[Request]>([])

  init(_ answer: @escaping @Sendable (Request) -> [Batch] = { _ in [] }) { self.answer = answer }

  /// The carts that were asked about.
  var askedAbout: [String] { confirmed.withLock { $0 } }

  func confirmOpen(
    _ request: CartTrackerV1.ConfirmOpenRequest, _ call: ServerCall
  ) throws -> Reply<CartTrackerV1.ConfirmOpenResponse> {
    confirmed.withLock { $0 += request.subjects.map(\.cart) }
    let known = open.withLock { $0 }
    return .now(.init(answers: request.subjects.map { known[$0.cart] ?? .unspecified }))
  }

  /// Since when it was asked, call by call.
  var asked: [Int64?] { requests.withLock { $0.map { $0.since?.seconds } } }

  func listChanges(
    _ request: Request, _ responses: ResponseWriter<Batch>, _ call: ServerCall
  ) async throws {
    requests.withLock { $0.append(request) }
    for batch in answer(request) { try await responses.send(batch) }
  }
}
