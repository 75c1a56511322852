/// A typed condition over facts, checked when the flow is applied (P07).
///
/// A fact that is missing makes a comparison unknown, and what is unknown is not met: neither
/// `a = 1` nor `not a = 1` holds without `a`.
indirect enum Condition: Sendable, Equatable {
  case all([Condition])
  case any([Condition])
  case not(Condition)
  case compare(FactName, Comparison, FactValue)
  /// Any of these; of a fact with several values, such as tags, any of its values.
  case oneOf(FactName, [FactValue])
  /// A flag that is set, or any other fact that is known and not empty. Never unknown.
  case holds(FactName)
}

enum Comparison: Sendable, Equatable {
  case equal, notEqual, less, atMost, greater, atLeast
}

/// The name of a fact as flows write it, such as `cart.total` or `contact.segment`.
struct FactName: Sendable, Hashable {
  var text: String
}

/// A fact's value with its type. Comparing two types is refused when the flow is applied, and is
/// never met where a contact's own attribute has another type.
enum FactValue: Sendable, Equatable {
  case text(String)
  case number(Double)
  case flag(Bool)
  /// Microseconds since 1970.
  case instant(Int64)
  /// Nanos of a unit are exact: `units` and `nanos` as in the contract.
  case money(currency: String, units: Int64, nanos: Int32)
}
