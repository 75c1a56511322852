internal import Messages
internal import Testing

@testable internal import CartTracker

@Suite struct ScoreTests {
  private func episode(
    _ units: Int64, _ stage: Tracked.Stage, silence: Int64
  ) -> Tracked.StoredEpisode {
    var episode = Tracked.StoredEpisode()
    episode.anchor = .init(at: 0)
    episode.abandonedAt = silence * 1_000_000
    episode.stage = stage
    episode.totals = units == 0 ? [] : [.init(currencyCode: "EUR", units: units)]
    return episode
  }

  @Test("P08 the parts stay within their weights and add up to the score")
  func parts() {
    let weights = [[25, 25, 25, 25], [100, 0, 0, 0], [10, 20, 30, 40], [0, 0, 0, 0]]
    for weight in weights.map({ $0.map { UInt32($0) } }) {
      let settings = Tracked.StoreSettings.ScoreWeights(
        worth: weight[0], stage: weight[1], history: weight[2], recency: weight[3])
      for units in [0, 1, 99, 5000, 10_000, .max] as [Int64] {
        for stage in [Tracked.Stage.browsing, .cart, .payment, .order] {
          for orders in [0, 1, 3, 100] as [UInt32] {
            for silence in [0, 3600, 86_400, 86_400 * 31, .max / 2_000_000] as [Int64] {
              let score = LeadScoreRule.score(
                episode(units, stage, silence: silence), orders: orders, weights: settings)
              let found = [score.worth, score.stage, score.history, score.recency]
              #expect(zip(found, weight).allSatisfy { $0 <= $1 })
              #expect(score.value == found.reduce(0, +))
            }
          }
        }
      }
    }
  }

  @Test("P08 more worth, a later stage, more orders and a shorter silence each score higher")
  func directions() {
    let weights = Tracked.StoreSettings.ScoreWeights(worth: 25, stage: 25, history: 25, recency: 25)
    func score(
      _ units: Int64 = 100, _ stage: Tracked.Stage = .cart, _ orders: UInt32 = 1,
      _ silence: Int64 = 86_400
    ) -> UInt32 {
      LeadScoreRule.score(
        episode(units, stage, silence: silence), orders: orders, weights: weights
      ).value
    }
    #expect(score(5000) > score(10) && score(10) > score(0))
    #expect(score(100, .payment) > score(100, .checkout))
    #expect(score(100, .checkout) > score(100, .browsing))
    #expect(score(100, .cart, 3) > score(100, .cart, 0))
    #expect(score(100, .cart, 1, 3600) > score(100, .cart, 1, 86_400 * 20))
    #expect(score(20_000, .order, 3, 60) == 100)
  }

  @Test("P08 an episode carries the score of its own moment")
  func ofEpisode() throws {
    var shop = try FoldShop()
    shop.add("a", 1, eur: 500, at: 0)
    shop.wait(until: 4000)
    let before = try #require(shop.episodes().first?.score)
    for number in 0..<3 { shop.send(.purchase(.init(order: "o\(number)")), at: 5000) }
    shop.add("a", 1, eur: 500, at: 6000)
    shop.wait(until: 20_000)
    #expect(shop.episodes().first?.score == before)
    #expect(before.history == 0 && shop.episodes().last?.score?.history == 25)
  }
}
