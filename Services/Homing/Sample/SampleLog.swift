internal import ServiceKit

/// A made-up month of business between companies: carts, quotes, configurations and reorders of two
/// stores, bought or left for many reasons. The same seed gives the same bytes.
struct SampleLog {
  /// Companies of each store.
  static let companies = 24
  /// A cart is touched for so many days at the most.
  private static let dayInSeconds = 86_400

  private let start: Int
  private let days: Int
  private var random: SampleRandom
  private let buyers: [[SampleCatalogue.Buyer]]
  private var day = 0
  private var cartCount = 0
  private var rowCount = 0
  /// Of carts that are touched again on later days.
  private var waiting: [SampleRow] = []

  /// - Parameter start: of the first day, in seconds since 1970.
  init(start: Int, days: Int, seed: UInt64) {
    self.start = start
    self.days = days
    var random = SampleRandom(seed: seed)
    buyers = SampleCatalogue.stores.map {
      SampleCatalogue.buyers($0, companies: Self.companies, &random)
    }
    self.random = random
  }

  /// The lines of the next day, in order of time; nil after the last one.
  mutating func nextDay() -> [String]? {
    guard day < days else { return nil }
    let midnight = start + day * Self.dayInSeconds
    if day == 0 { introduce(midnight) }
    // 1970-01-01 was a Thursday; Saturday and Sunday are quiet.
    let isWeekend = (midnight / Self.dayInSeconds + 4) % 7 % 6 == 0
    for (index, store) in SampleCatalogue.stores.enumerated() {
      for _ in 0..<(isWeekend ? 4 : 18) {
        let buyer = random.pick(buyers[index])
        let time = midnight + 7 * 3600 + random.below(11 * 3600)
        waiting += visit(time, store, buyer)
      }
    }
    day += 1
    return take(before: day == days ? .max : start + day * Self.dayInSeconds)
  }

  private mutating func take(before limit: Int) -> [String] {
    let due = waiting.enumerated().filter { $0.element.time < limit }
    waiting.removeAll { $0.time < limit }
    // Rows of one instant stay in the order in which they were made.
    let inOrder = due.sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
    return inOrder.map { _, row in
      var row = row
      rowCount += 1
      row[.event] = "sample-\(rowCount)"
      row[.time] = Instant(seconds: Int64(row.time)).description
      return row.line
    }
  }

  /// Every buyer's profile, as a shop would send it first.
  private mutating func introduce(_ time: Int) {
    for (index, store) in SampleCatalogue.stores.enumerated() {
      for buyer in buyers[index] {
        var row = SampleRow(time, .contact)
        row[.store] = store.id
        row[.contact] = buyer.contact
        row[.company] = buyer.company
        row[.companyName] = buyer.companyName
        row[.givenName] = buyer.givenName
        row[.familyName] = buyer.familyName
        row[.email] = buyer.email
        row[.phone] = buyer.phone
        waiting.append(row)
      }
    }
  }

  private mutating func visit(
    _ time: Int, _ store: SampleCatalogue.Store, _ buyer: SampleCatalogue.Buyer
  ) -> [SampleRow] {
    cartCount += 1
    let kinds = ["cart", "cart", "cart", "cart", "quote", "quote", "configuration", "reorder"]
    var visit = SampleVisit(
      time: time, store: store, buyer: buyer, cart: "sample-cart-\(cartCount)",
      kind: random.pick(kinds))
    visit.play(&random)
    return visit.rows
  }
}
