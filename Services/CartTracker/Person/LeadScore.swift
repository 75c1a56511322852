internal import Messages

/// How promising an episode is, 0 to 100, in parts that are shown with it (P08).
enum LeadScoreRule {
  /// What counts as a large cart, whole units of its currency.
  private static let worthFull: Int64 = 10_000
  private static let ordersFull: UInt32 = 3
  private static let dayMicroseconds: Int64 = 86_400_000_000

  /// - Parameter orders: purchases of the contact before.
  static func score(
    _ episode: Tracked.StoredEpisode, orders: UInt32,
    weights: Tracked.StoreSettings.ScoreWeights
  ) -> Tracked.LeadScore {
    var score = Tracked.LeadScore()
    score.worth = part(weights.worth, of: worth(episode.totals))
    score.stage = part(weights.stage, of: stage(episode.stage))
    score.history = part(weights.history, of: Int(min(orders, ordersFull)) * 1000 / Int(ordersFull))
    score.recency = part(weights.recency, of: recency(episode))
    score.value = min(100, score.worth + score.stage + score.history + score.recency)
    return score
  }

  private static func part(_ weight: UInt32, of thousandths: Int) -> UInt32 {
    UInt32((Int(min(weight, 100)) * thousandths + 500) / 1000)
  }

  /// By powers of two, so that it needs no floating point: 0 at nothing, 1000 from `worthFull` on.
  private static func worth(_ totals: [CommonV1.Money]) -> Int {
    let units = max(0, totals.map(\.units).max() ?? 0)
    func bits(_ value: Int64) -> Int { Int64.bitWidth - value.leadingZeroBitCount }
    return min(1000, bits(units) * 1000 / bits(worthFull))
  }

  private static func stage(_ stage: Tracked.Stage) -> Int {
    switch stage {
    case .browsing: 100
    case .checkout: 500
    case .shipping: 700
    case .payment: 900
    case .quoteRequested: 800
    case .order: 1000
    default: 300
    }
  }

  /// 1000 within an hour of the last activity, nothing after 30 days.
  private static func recency(_ episode: Tracked.StoredEpisode) -> Int {
    let silence = max(0, episode.abandonedAt - (episode.anchor?.at ?? 0))
    let hours = silence / (dayMicroseconds / 24)
    return hours <= 1 ? 1000 : Int(max(0, 1000 - hours * 1000 / 720))
  }
}
