internal import Storage

/// One part of where a row stands in a list. Ordered as the database orders it: numbers by value,
/// texts and bytes by their bytes.
enum SortValue: Hashable, Sendable, Comparable {
  case integer(Int64)
  case real(Double)
  case text(String)
  case bytes([UInt8])

  enum Kind: UInt8 {
    case integer = 1
    case real = 2
    case text = 3
    case bytes = 4
  }

  var kind: Kind {
    switch self {
    case .integer: .integer
    case .real: .real
    case .text: .text
    case .bytes: .bytes
    }
  }

  init(_ row: Row, _ column: Int, _ kind: Kind) throws {
    switch kind {
    case .integer: self = .integer(try row.integer(column))
    case .real: self = .real(try row.real(column))
    case .text: self = .text(try row.text(column))
    case .bytes: self = .bytes(try row.blob(column))
    }
  }

  var value: SQLValue {
    switch self {
    case .integer(let value): .integer(value)
    case .real(let value): .real(value)
    case .text(let value): .text(value)
    case .bytes(let value): .blob(value)
    }
  }

  /// Both are of one kind.
  static func < (left: SortValue, right: SortValue) -> Bool {
    switch (left, right) {
    case (.integer(let left), .integer(let right)): return left < right
    case (.real(let left), .real(let right)): return left < right
    case (.text(let left), .text(let right)):
      return left.utf8.lexicographicallyPrecedes(right.utf8)
    case (.bytes(let left), .bytes(let right)): return left.lexicographicallyPrecedes(right)
    default: preconditionFailure("values of a list's order are of one kind")
    }
  }
}

/// By what a list is ordered: terms that together name a row, so that a position is never
/// ambiguous.
struct ListOrder: Sendable {
  struct Term: Sendable {
    /// An expression over columns, never NULL.
    let sql: String
    let kind: SortValue.Kind
    let isDescending: Bool

    init(_ sql: String, _ kind: SortValue.Kind, isDescending: Bool = false) {
      self.sql = sql
      self.kind = kind
      self.isDescending = isDescending
    }
  }

  let terms: [Term]

  /// As `SELECT` lists them.
  var columns: String { terms.map(\.sql).joined(separator: ", ") }

  var orderBy: String {
    terms.map { $0.isDescending ? "\($0.sql) DESC" : $0.sql }.joined(separator: ", ")
  }

  func position(_ row: Row) throws -> ListPosition {
    var values: [SortValue] = []
    values.reserveCapacity(terms.count)
    for (index, term) in terms.enumerated() {
      values.append(try SortValue(row, index, term.kind))
    }
    return ListPosition(values: values)
  }

  func precedes(_ left: ListPosition, _ right: ListPosition) -> Bool {
    for (index, term) in terms.enumerated() where left.values[index] != right.values[index] {
      return (left.values[index] < right.values[index]) != term.isDescending
    }
    return false
  }

  /// A condition that holds for the rows behind a position.
  ///
  /// - Parameter bind: takes a value, gives its parameter.
  func isBehind(_ position: ListPosition, bind: (SQLValue) -> String) -> String {
    let parameters = position.values.map { bind($0.value) }
    var condition = ""
    for (term, parameter) in zip(terms, parameters).reversed() {
      let isBehind = "\(term.sql) \(term.isDescending ? "<" : ">") \(parameter)"
      condition =
        condition.isEmpty
        ? isBehind : "(\(isBehind) OR \(term.sql) = \(parameter) AND \(condition))"
    }
    // Says nothing new, and lets an index begin there.
    guard let first = terms.first, terms.count > 1 else { return condition }
    return "\(first.sql) \(first.isDescending ? "<=" : ">=") \(parameters[0]) AND \(condition)"
  }
}

/// Where a row stands in a list: a value for each term of its order.
struct ListPosition: Hashable, Sendable {
  let values: [SortValue]

  func text(_ index: Int) -> String {
    guard case .text(let text) = values[index] else { preconditionFailure("term is no text") }
    return text
  }

  func bytes(_ index: Int) -> [UInt8] {
    guard case .bytes(let bytes) = values[index] else { preconditionFailure("term is no bytes") }
    return bytes
  }
}
