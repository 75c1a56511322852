internal import Delivery
internal import Messages
internal import Stubs
internal import Transport
internal import Wire

/// Sends rows of tags to the tracker, one call each: their idempotency key makes a repeat harmless.
struct TagSender: Sendable {
  private static let timeout: Duration = .seconds(10)

  private let tracker: CartTrackerV1.CartTrackerClient

  init(_ tracker: CartTrackerV1.CartTrackerClient) { self.tracker = tracker }

  /// As many receipts as rows.
  func send(_ rows: [OutboxRow]) async -> [CommonV1.Receipt] {
    var receipts: [CommonV1.Receipt] = []
    var stalled: Set<UInt8> = []
    for row in rows {
      var receipt = CommonV1.Receipt(
        position: CommonV1.Position(bucket: UInt32(row.bucket), seq: row.seq), verdict: .retry)
      if !stalled.contains(row.bucket) {
        (receipt.verdict, receipt.problem) = await send(row.body)
        if receipt.verdict == .retry { stalled.insert(row.bucket) }
      }
      receipts.append(receipt)
    }
    return receipts
  }

  private func send(_ body: [UInt8]) async -> (CommonV1.Receipt.Verdict, String) {
    do {
      let request = try CartTrackerV1.TagContactRequest(encoded: body)
      _ = try await tracker.tagContact(request, options: CallOptions(timeout: Self.timeout))
      return (.stored, "")
    } catch let error as RPCError {
      switch error.code {
      case .invalidArgument, .notFound, .failedPrecondition, .outOfRange:
        return (.held, error.description)
      default: return (.retry, error.description)
      }
    } catch {
      return (.held, "\(error)")
    }
  }
}
