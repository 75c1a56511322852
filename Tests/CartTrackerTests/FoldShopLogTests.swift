internal import Foundation
internal import Messages
internal import Testing

@testable internal import CartTracker

/// The fold alone over the real logs, against the figures that they must give.
@Suite(.enabled(if: ShopLog.isPresent, "the shop logs are not beside the project"))
struct FoldShopLogTests {
  struct Expected: CustomStringConvertible, Sendable {
    let log: String
    let window: Int64
    let carts: Int
    let episodes: Int
    let abandoned: Int
    let reopened: Int
    let recovered: Int
    let purchased: Int
    let emptied: Int
    let open: Int
    var description: String { "\(log) at \(window) s" }
  }

  static let table: [Expected] = {
    let taobao = "taobao-9days-300users"
    let load = "taobao-2hours-58kusers"
    let (november, october) = ("rees46-cosmetics-2022_nov", "rees46-cosmetics-2022_oct")
    let rows: [(String, Int64, [Int])] = [
      (taobao, 300, [417, 1335, 411, 1164, 240, 246, 0, 171]),
      (taobao, 3600, [417, 970, 379, 799, 208, 246, 0, 171]),
      (taobao, 86400, [417, 453, 278, 282, 107, 246, 0, 171]),
      (load, 300, [4900, 5131, 4895, 279, 43, 48, 0, 4852]),
      (load, 3600, [4900, 4875, 4857, 23, 5, 48, 0, 4852]),
      (load, 86400, [4900, 4852, 4852, 0, 0, 48, 0, 4852]),
      (november, 300, [51, 64, 51, 17, 4, 4, 0, 47]),
      (november, 3600, [51, 47, 47, 0, 0, 4, 0, 47]),
      (november, 86400, [51, 47, 47, 0, 0, 4, 0, 47]),
      (october, 300, [46, 54, 38, 18, 2, 7, 3, 36]),
      (october, 3600, [46, 36, 36, 0, 0, 7, 3, 36]),
      (october, 86400, [46, 36, 36, 0, 0, 7, 3, 36]),
    ]
    return rows.map { log, window, n in
      Expected(
        log: log, window: window, carts: n[0], episodes: n[1], abandoned: n[2], reopened: n[3],
        recovered: n[4], purchased: n[5], emptied: n[6], open: n[7])
    }
  }()

  @Test("C14 C26 C27 the fold gives each real log its carts and episodes", arguments: table)
  func counts(expected: Expected) throws {
    let log = try ShopLog(expected.log)
    let rules = try FoldFixture.rules(window: expected.window)
    let end = (log.rows.last?.at ?? 0) + expected.window
    var found = [Int](repeating: 0, count: 8)
    for (_, rows) in Dictionary(grouping: log.rows, by: \.user) {
      var fold = Fold(following: FoldFixture.group("u" + rows[0].user), rules: rules)
      var episodes: [String: Tracked.StoredEpisode] = [:]
      for (index, row) in rows.enumerated() { fold.apply(FoldFixture.event(row, UInt64(index))) }
      let result = fold.finish(now: end * 1_000_000)
      for change in result.episodes {
        let anchor = change.episode.anchor
        episodes["\(change.episode.cart) \(anchor?.event ?? "")"] = change.episode
      }
      let carts = result.group.members[0].person.carts
      found[0] += carts.count
      found[1] += episodes.count
      found[2] += carts.count { $0.episodesAnnounced > 0 }
      found[3] += episodes.values.count { $0.followed }
      found[4] += carts.count { $0.state == .purchased && $0.episodesAnnounced > 0 }
      found[5] += carts.count { $0.state == .purchased }
      found[6] += carts.count { $0.state == .emptied }
      found[7] += carts.count { $0.isOpen }
    }
    let e = expected
    #expect(
      found == [
        e.carts, e.episodes, e.abandoned, e.reopened, e.recovered, e.purchased, e.emptied, e.open,
      ])
  }
}
