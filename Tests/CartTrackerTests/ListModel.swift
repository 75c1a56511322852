internal import Messages

@testable internal import CartTracker

/// What lists should answer, worked out from the persons without a database.
struct ListModel {
  typealias Row = CartTrackerV1.CartRow
  typealias Query = CartTrackerV1.CartQuery

  private let entries: [ListFixture.Entry]

  init(_ fixture: ListFixture) { entries = fixture.entries }

  private struct Candidate {
    let entry: ListFixture.Entry
    let stored: CartTrackerV1.StoredCart
    let row: Row
    var cart: CartTrackerV1.Cart { row.cart ?? .init() }
    var profile: CartTrackerV1.ContactProfile { entry.contact?.profile?.profile ?? .init() }
  }

  func rows(_ query: Query) -> [Row] {
    let shape = CartShape(query)
    return candidates.filter { matches($0, query) }.sorted { precedes($0, $1, query) }
      .map { shape.row($0.row) }
  }

  private var candidates: [Candidate] {
    entries.flatMap { entry in
      entry.person.carts.map { cart in
        let profile = entry.contact?.profile?.profile
        let names = [profile?.givenName ?? "", profile?.familyName ?? ""].filter { !$0.isEmpty }
        let full = CartMessage.cart(
          cart, person: entry.person, contact: entry.contact?.contact ?? "", rules: nil)
        return Candidate(
          entry: entry, stored: cart,
          row: Row(
            cart: full, contactName: names.joined(separator: " "),
            email: profile?.destinations.first { $0.channel == .email }?.address ?? "",
            phone: profile?.destinations.first { $0.channel == .sms }?.address ?? "",
            companyName: profile?.companyName ?? ""))
      }
    }
  }

  private func matches(_ candidate: Candidate, _ query: Query) -> Bool {
    let cart = candidate.cart
    let header = cart.header ?? .init()
    func allows<T: Equatable>(_ wanted: [T], _ value: T) -> Bool {
      wanted.isEmpty || wanted.contains(value)
    }
    if let range = query.abandoned {
      guard let at = cart.abandonedAt?.microseconds else { return false }
      if let from = range.from?.microseconds, at < from { return false }
      if let to = range.to?.microseconds, at >= to { return false }
    }
    return allows(query.states.isEmpty ? [.abandoned] : query.states, cart.state)
      && allows(query.kinds, header.kind) && allows(query.places, header.place)
      && allows(query.offerClasses, header.offerClass) && allows(query.stages, header.stage)
      && (query.reasons.isEmpty || cart.reasons.contains { query.reasons.contains($0.reason) })
      && allows(
        query.companies, header.company.isEmpty ? candidate.profile.company : header.company)
      && (cart.score?.value ?? 0) >= query.scoreMin && isFound(candidate, query)
  }

  private func isFound(_ candidate: Candidate, _ query: Query) -> Bool {
    func has(_ texts: [String], _ search: String) -> Bool {
      search.isEmpty || texts.contains { simple($0).contains(simple(search)) }
    }
    let address = candidate.profile.address ?? .init()
    let street = (address.streetLines + [address.postalCode, address.locality])
      .joined(separator: " ")
    return has(candidate.cart.lines.map(\.name), query.productName)
      && has(candidate.cart.lines.map(\.sku), query.sku)
      && has([candidate.row.contactName, candidate.row.companyName], query.customerName)
      && has(candidate.profile.destinations.map(\.address) + [street], query.contactDetail)
      && (query.total.map { candidate.cart.totals.contains($0) } ?? true)
  }

  private func simple(_ text: String) -> String {
    text.lowercased().replacing("ß", with: "ss")
  }

  // MARK: - Order

  private func precedes(_ left: Candidate, _ right: Candidate, _ query: Query) -> Bool {
    let isAscending = query.sort != .unspecified && query.ascending
    let (first, second) = (key(left, query), key(right, query))
    for (a, b) in zip(first, second) where a != b { return (a < b) == isAscending }
    if left.cart.id != right.cart.id { return left.cart.id < right.cart.id }
    return left.entry.key < right.entry.key
  }

  private func key(_ candidate: Candidate, _ query: Query) -> [SortValue] {
    let cart = candidate.cart
    switch query.sort {
    case .quantity:
      return [
        .real(cart.quantities.reduce(0) { $0 + Double($1.units) + Double($1.nanos) / 1e9 })
      ]
    case .total:
      let total = cart.totals.first ?? .init()
      return [
        .text(total.currencyCode), .integer(total.units), .integer(Int64(total.nanos)),
      ]
    case .contact:
      let names = [candidate.row.contactName, candidate.row.companyName].filter { !$0.isEmpty }
      return [.text(simple(names.joined(separator: "\u{1F}")))]
    case .email: return [.text(candidate.row.email)]
    case .company: return [.text(candidate.row.companyName)]
    case .stage: return [.integer(Int64(cart.header?.stage.rawValue ?? 0))]
    case .score: return [.integer(Int64(cart.score?.value ?? 0))]
    case .kind: return [.integer(Int64(cart.header?.kind.rawValue ?? 0))]
    case .state: return [.integer(Int64(cart.state.rawValue))]
    case .reason: return [.integer(Int64(cart.reasons.map(\.reason.rawValue).min() ?? 0))]
    case .phone: return [.text(candidate.row.phone)]
    case .lastActivityAt: return [.integer(cart.lastActivityAt?.microseconds ?? 0)]
    default: return [.integer(cart.abandonedAt?.microseconds ?? .min)]
    }
  }
}
