internal import Messages
internal import Storage

/// A query for carts as a plan over the table `cart` (L01–L03).
struct CartQueryPlan: Sendable {
  let list: ListPlan
  let shape: CartShape
  let store: String

  /// Signs of a text that count for its place in a list; a position must fit into `Page.after`.
  static let sortedSigns = 48

  /// - Parameter persons: where the query names a contact: it and all that are linked with it; nil
  ///   where it names none.
  /// - Throws: `MessageError` where the query cannot be encoded.
  init(_ query: Tracked.CartQuery, store: String, persons: [PersonKey]? = nil) throws {
    precondition(query.contact.isEmpty == (persons == nil))
    self.store = store
    shape = CartShape(query)
    let states = Set(query.states.isEmpty ? [.abandoned] : query.states)
    let isAbandoned = states == [.abandoned]
    let hasTime = isAbandoned || query.abandoned != nil
    let order = CartQueryPlan.order(query, hasTime: hasTime)
    var list = ListPlan(
      "carts", table: "cart", order: order,
      isIndexed: isAbandoned && CartQueryPlan.column(query) == .abandonedAt,
      digest: try PageToken.digest(query, store: store), persons: persons)
    list.require { "store = \($0(.text(store)))" }
    if isAbandoned {
      // As the index has it: a bound value would not find it.
      list.require { _ in "state = 2" }
    } else {
      list.require("state", in: states.map(\.rawValue).sorted())
    }
    if hasTime { list.require { _ in "abandoned_at IS NOT NULL" } }
    if let range = query.abandoned { list.require("abandoned_at", within: range) }
    CartQueryPlan.filter(&list, query)
    CartQueryPlan.search(&list, query)
    self.list = list
  }

  private static func filter(_ list: inout ListPlan, _ query: Tracked.CartQuery) {
    list.require("kind", in: query.kinds.map(\.rawValue))
    list.require("place", in: query.places.map(\.rawValue))
    list.require("offer_class", in: query.offerClasses.map(\.rawValue))
    list.require("stage", in: query.stages.map(\.rawValue))
    if !query.reasons.isEmpty {
      let bits = query.reasons.reduce(0) { $0 | CartColumns.bit($1) }
      list.require { "(reasons & \($0(.integer(bits)))) <> 0" }
    }
    if !query.companies.isEmpty {
      list.require { bind in
        "company IN (\(query.companies.map { bind(.text($0)) }.joined(separator: ", ")))"
      }
    }
    if query.scoreMin > 0 { list.require { "score >= \($0(.integer(query.scoreMin)))" } }
  }

  private static func search(_ list: inout ListPlan, _ query: Tracked.CartQuery) {
    list.require("products", contains: query.productName)
    list.require("skus", contains: query.sku)
    list.require("customer", contains: query.customerName)
    list.require("details", contains: query.contactDetail)
    guard let total = query.total else { return }
    let separator = String(SearchText.separator)
    let pattern = "%\(separator)\(SearchText.escaped(CartColumns.text(total)))\(separator)%"
    list.require { bind in
      let separator = bind(.text(separator))
      return "(\(separator) || totals || \(separator)) LIKE \(bind(.text(pattern))) ESCAPE '\\'"
    }
  }

  // MARK: - Order

  private static func column(_ query: Tracked.CartQuery) -> Tracked.CartColumn {
    query.sort == .unspecified ? .abandonedAt : query.sort
  }

  /// Ties are in order of the cart id, then of the person.
  private static func order(_ query: Tracked.CartQuery, hasTime: Bool) -> ListOrder {
    let isDescending = query.sort == .unspecified || !query.ascending
    let terms = terms(column(query), hasTime: hasTime).map { sql, kind in
      ListOrder.Term(sql, kind, isDescending: isDescending)
    }
    return ListOrder(terms: terms + [.init("cart", .text), .init("person", .bytes)])
  }

  private static func terms(
    _ column: Tracked.CartColumn, hasTime: Bool
  ) -> [(sql: String, kind: SortValue.Kind)] {
    func text(_ name: String) -> [(String, SortValue.Kind)] {
      [("substr(\(name), 1, \(sortedSigns))", .text)]
    }
    switch column {
    case .quantity: return [("quantity", .real)]
    case .total: return [("currency", .text), ("total_units", .integer), ("total_nanos", .integer)]
    case .contact: return text("customer")
    case .email: return text("email")
    case .company: return text("company_name")
    case .stage: return [("stage", .integer)]
    case .score: return [("score", .integer)]
    case .kind: return [("kind", .integer)]
    case .state: return [("state", .integer)]
    // The reason with the lowest number leads.
    case .reason: return [("(reasons & -reasons)", .integer), ("reasons", .integer)]
    case .phone: return text("phone")
    case .lastActivityAt: return [("last_activity_at", .integer)]
    default:
      // Carts that never were abandoned come before all others in time.
      return [
        (hasTime ? "abandoned_at" : "COALESCE(abandoned_at, -1000000000000000000)", .integer)
      ]
    }
  }
}

extension CartQueryPlan {
  /// Index of the cart's id among the terms; the person's key comes behind it.
  private var idTerm: Int { list.order.terms.count - 2 }

  /// Which cart a position is of.
  func key(_ position: ListPosition) -> CartKey {
    CartKey(person: position.bytes(idTerm + 1), cart: position.text(idTerm))
  }
}

/// A row of the table `cart`.
struct CartKey: Hashable, Sendable {
  /// 16 bytes, of which the first is the bucket.
  let person: [UInt8]
  let cart: String

  var bucket: UInt8 { person.first ?? 0 }

  var values: [SQLValue] { [.integer(bucket), .blob(person), .text(cart)] }
}
