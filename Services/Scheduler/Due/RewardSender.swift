internal import Delivery
internal import Messages
internal import Stubs
internal import Transport

/// Sends rows for the shops' Rewards: a shop that is away is asked again until it answers (M12).
struct RewardSender: Sendable {
  let shops: [String: SchedulerV1.RewardsClient]

  func send(_ rows: [OutboxRow]) async -> [CommonV1.Receipt] {
    await RowCalls.send(rows) { body in
      let row = try SchedulerV1.RewardRow(encoded: body)
      // Its name comes back, or somebody has a reason: it is never dropped.
      guard let shop = shops[row.rewards] else {
        return (.retry, "HOMING_REWARDS does not name \(row.rewards)")
      }
      let options = CallOptions(timeout: RowCalls.timeout)
      switch row.action {
      case .grant(let request): _ = try await shop.grantReward(request, options: options)
      case .reverse(let request): _ = try await shop.reverseReward(request, options: options)
      case nil: return (.held, "it says nothing to do")
      }
      return (.stored, "")
    }
  }
}
