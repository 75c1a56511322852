internal import Delivery
internal import Messages
internal import Wire

/// Rows of an outbox that are one call each, to somebody whose idempotency keys make a repeat
/// harmless.
enum RowCalls {
  static let timeout: Duration = .seconds(10)

  typealias Answer = (verdict: CommonV1.Receipt.Verdict, problem: String)

  /// In their order; after one that is to come again no later one of its bucket is sent.
  ///
  /// - Parameter call: what becomes of a row; where it throws, it is refused for good, unless the
  ///   status says that it may be sent again.
  /// - Returns: as many receipts as rows.
  static func send(
    _ rows: [OutboxRow], _ call: ([UInt8]) async throws -> Answer
  ) async -> [CommonV1.Receipt] {
    var receipts: [CommonV1.Receipt] = []
    var stalled: Set<UInt8> = []
    for row in rows {
      var receipt = CommonV1.Receipt(
        position: CommonV1.Position(bucket: UInt32(row.bucket), seq: row.seq), verdict: .retry)
      if !stalled.contains(row.bucket) {
        (receipt.verdict, receipt.problem) = await answer(row.body, call)
        if receipt.verdict == .retry { stalled.insert(row.bucket) }
      }
      receipts.append(receipt)
    }
    return receipts
  }

  private static func answer(
    _ body: [UInt8], _ call: ([UInt8]) async throws -> Answer
  ) async -> Answer {
    do {
      return try await call(body)
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
