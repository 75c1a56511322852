extension Condition {
  /// Whether it holds for what is known; what is unknown is not met (F04).
  func isMet(_ sheet: FactSheet) -> Bool { truth(sheet) == true }

  /// The facts that it rests on.
  var factNames: Set<FactName> {
    switch self {
    case .all(let list), .any(let list): list.reduce(into: []) { $0.formUnion($1.factNames) }
    case .not(let condition): condition.factNames
    case .compare(let name, _, _), .oneOf(let name, _), .holds(let name): [name]
    }
  }

  /// Nil: unknown (Kleene's logic).
  private func truth(_ sheet: FactSheet) -> Bool? {
    switch self {
    case .all(let list):
      var isKnown = true
      for condition in list {
        let truth = condition.truth(sheet)
        if truth == false { return false }
        if truth == nil { isKnown = false }
      }
      return isKnown ? true : nil
    case .any(let list):
      var isKnown = true
      for condition in list {
        let truth = condition.truth(sheet)
        if truth == true { return true }
        if truth == nil { isKnown = false }
      }
      return isKnown ? false : nil
    case .not(let condition): return condition.truth(sheet).map { !$0 }
    case .holds(let name): return Condition.holds(sheet[name] ?? [])
    case .compare(let name, let comparison, let value):
      return sheet[name].flatMap { Condition.compare($0, comparison, value) }
    case .oneOf(let name, let values):
      guard let present = sheet[name] else { return nil }
      let truths = values.map { Condition.compare(present, .equal, $0) }
      if truths.contains(true) { return true }
      return truths.contains(nil) ? nil : false
    }
  }

  private static func holds(_ values: [FactValue]) -> Bool {
    values.contains { value in
      switch value {
      case .flag(let flag): flag
      case .text(let text): !text.isEmpty
      case .number, .instant, .money: true
      }
    }
  }

  /// Nil where no value has the type, or the currency, of what it is compared with.
  private static func compare(
    _ present: [FactValue], _ comparison: Comparison, _ value: FactValue
  ) -> Bool? {
    if present.isEmpty {
      // Known to be none: no text equals it, and no amount is zero in every currency.
      guard case .money(_, let units, let nanos) = value else { return comparison == .notEqual }
      return comparison.holds(ordered((0, 0), (units, nanos)))
    }
    let orders = present.compactMap { order($0, value) }
    if orders.isEmpty { return nil }
    // Of several values, such as tags, `is not` means that none is it.
    if comparison == .notEqual { return !orders.contains(0) }
    return orders.contains { comparison.holds($0) }
  }

  /// -1, 0 or 1; for texts and flags 0 or, where they differ, 1. Nil where the types differ.
  private static func order(_ a: FactValue, _ b: FactValue) -> Int? {
    switch (a, b) {
    case (.text(let a), .text(let b)): a == b ? 0 : 1
    case (.flag(let a), .flag(let b)): a == b ? 0 : 1
    case (.number(let a), .number(let b)):
      a.isNaN || b.isNaN ? nil : a < b ? -1 : a > b ? 1 : 0
    case (.instant(let a), .instant(let b)): a < b ? -1 : a > b ? 1 : 0
    case (
      .money(let currency, let units, let nanos), .money(let other, let otherUnits, let otherNanos)
    ):
      currency == other ? ordered((units, nanos), (otherUnits, otherNanos)) : nil
    default: nil
    }
  }

  private static func ordered(_ a: (Int64, Int32), _ b: (Int64, Int32)) -> Int {
    a < b ? -1 : a > b ? 1 : 0
  }
}

extension Comparison {
  fileprivate func holds(_ order: Int) -> Bool {
    switch self {
    case .equal: order == 0
    case .notEqual: order != 0
    case .less: order < 0
    case .atMost: order <= 0
    case .greater: order > 0
    case .atLeast: order >= 0
    }
  }
}
