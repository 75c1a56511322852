internal import Foundation

/// The rule for carts as a batch over everything that happened, for comparing: sorted rows of one
/// person, of whose carts each life is cut out whole, and its silences are read off as gaps between
/// neighbouring instants. Shares nothing with the fold.
struct ModelRule {
  struct Row {
    enum Kind { case add, remove, purchase }
    /// Seconds.
    let at: Int64
    let order: UInt64
    let id: String
    let item: String
    let kind: Kind
    /// Empty: the person's one cart.
    let cart: String
  }

  struct Episode: Hashable, Comparable {
    let at: Int64
    let anchor: String
    let isFollowed: Bool
    let ending: String

    static func < (left: Episode, right: Episode) -> Bool {
      (left.at, left.anchor) < (right.at, right.anchor)
    }
  }

  /// One cart by its id; a cart that lives again has several lives.
  struct Cart: Hashable {
    var state: String
    var items: [String]
    var episodes: [Episode]
    var startedAt: Int64
  }

  enum Length {
    case seconds(Int64)
    case months(Int, TimeZone)
  }

  let window: Length
  /// Up to when time has passed.
  let end: Int64

  /// The carts of a person, in order of their first event; named ones by name, others apart.
  func carts(_ rows: [Row]) -> [Cart] {
    let sorted = rows.sorted {
      ($0.at, $0.order, $0.id) < ($1.at, $1.order, $1.id)
    }
    var carts: [(name: String, order: Int, lives: [[Row]])] = []
    for (name, own) in Dictionary(grouping: sorted, by: \.cart) {
      let lives = lives(own)
      if name.isEmpty {
        for life in lives { carts.append((name, index(life[0], sorted), [life])) }
      } else if !lives.isEmpty {
        carts.append((name, index(lives[0][0], sorted), lives))
      }
    }
    return carts.sorted { $0.order < $1.order }.map { cart in
      let judged = cart.lives.map(judge)
      return Cart(
        state: judged[judged.count - 1].state, items: judged[judged.count - 1].items,
        episodes: judged.flatMap(\.episodes), startedAt: judged[judged.count - 1].startedAt)
    }
  }

  private func index(_ row: Row, _ sorted: [Row]) -> Int {
    sorted.firstIndex { $0.id == row.id } ?? 0
  }

  /// From an item added to the purchase or removal that leaves nothing; rows between lives are no
  /// concern of any.
  private func lives(_ rows: [Row]) -> [[Row]] {
    var lives: [[Row]] = []
    var life: [Row] = []
    for row in rows where !life.isEmpty || row.kind == .add {
      life.append(row)
      if row.kind == .purchase || (row.kind == .remove && items(life).isEmpty) {
        lives.append(life)
        life = []
      }
    }
    return life.isEmpty ? lives : lives + [life]
  }

  private func items(_ life: [Row]) -> [String] {
    // Of each item, whether its last row is an addition; in order of the first since.
    let last = Dictionary(life.map { ($0.item, $0.kind) }) { $1 }
    let present = Set(last.filter { $0.value == .add }.keys)
    var found: [String] = []
    for item in present {
      let since = life.lastIndex { $0.item == item && $0.kind == .remove } ?? -1
      if life.indices.contains(where: { $0 > since && life[$0].item == item }) {
        found.append(item)
      }
    }
    return found.sorted()
  }

  private func judge(_ life: [Row]) -> Cart {
    let last = life[life.count - 1]
    let isBought = last.kind == .purchase
    let left = items(life.filter { $0.kind != .purchase })
    let isEmptied = !isBought && left.isEmpty
    let ending = isBought ? "recovered" : "closed"
    var episodes: [Episode] = []
    for (index, row) in life.enumerated() {
      let over = self.over(row.at)
      let next = index + 1 < life.count ? life[index + 1] : nil
      if next == nil && (isBought || isEmptied) { continue }
      guard over <= (next?.at ?? end) else { continue }
      episodes.append(
        Episode(
          at: over, anchor: row.id, isFollowed: next != nil,
          ending: next == nil ? "running" : "reopened"))
    }
    if isBought || isEmptied, let last = episodes.popLast() {
      episodes.append(
        Episode(at: last.at, anchor: last.anchor, isFollowed: true, ending: ending))
    }
    let isLeft = episodes.last.map { !$0.isFollowed } ?? false
    return Cart(
      state: isBought ? "purchased" : isEmptied ? "emptied" : isLeft ? "abandoned" : "open",
      items: isEmptied ? [] : left, episodes: episodes, startedAt: life[0].at)
  }

  private func over(_ at: Int64) -> Int64 {
    switch window {
    case .seconds(let seconds): return at + seconds
    case .months(let months, let zone):
      func offset(_ instant: Int64) -> Int64 {
        Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(instant))))
      }
      var calendar = Calendar(identifier: .gregorian)
      calendar.timeZone = .gmt
      // What the wall shows, a month on, read with the offset before and the one after a change.
      let shown = Date(timeIntervalSince1970: Double(at + offset(at)))
      let later = calendar.date(byAdding: .month, value: months, to: shown) ?? shown
      let wall = Int64(later.timeIntervalSince1970)
      let (before, after) = (offset(wall - 86_400), offset(wall + 86_400))
      if offset(wall - before) == before { return wall - before }
      return offset(wall - after) == after ? wall - after : wall - before
    }
  }
}
