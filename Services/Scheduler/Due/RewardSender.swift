internal import Delivery
internal import Messages
internal import Stubs
internal import Transport
internal import Wire

/// Rows for the shops' Rewards, one call each: a shop that is away is asked again until it answers,
/// and each call has a key, so that a repeat gives nothing twice (M12).
struct RewardSender: Sendable {
  private static let timeout: Duration = .seconds(10)

  private let shops: [String: SchedulerV1.RewardsClient]

  init(_ shops: [String: SchedulerV1.RewardsClient]) { self.shops = shops }

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
      let row = try SchedulerV1.RewardRow(encoded: body)
      // Its name comes back, or somebody has a reason: it is never dropped.
      guard let shop = shops[row.rewards] else {
        return (.retry, "HOMING_REWARDS does not name \(row.rewards)")
      }
      let options = CallOptions(timeout: RewardSender.timeout)
      switch row.action {
      case .grant(let request): _ = try await shop.grantReward(request, options: options)
      case .reverse(let request): _ = try await shop.reverseReward(request, options: options)
      case nil: return (.held, "it says nothing to do")
      }
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
