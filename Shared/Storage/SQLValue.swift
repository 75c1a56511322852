/// What is bound to one parameter of a statement.
package enum SQLValue: Sendable, Hashable {
  case null
  case integer(Int64)
  case real(Double)
  case text(String)
  /// Empty is not NULL.
  case blob([UInt8])

  package static func integer(_ value: Int) -> Self { .integer(Int64(value)) }

  package static func integer(_ value: Int32) -> Self { .integer(Int64(value)) }

  package static func integer(_ value: UInt32) -> Self { .integer(Int64(value)) }

  package static func integer(_ value: UInt8) -> Self { .integer(Int64(value)) }

  /// Must be below 2⁶³: columns are signed.
  package static func integer(_ value: UInt64) -> Self { .integer(Int64(value)) }

  package static func flag(_ value: Bool) -> Self { .integer(value ? 1 as Int64 : 0) }

  /// NULL where there is none.
  package static func optional(_ value: Int64?) -> Self { value.map { .integer($0) } ?? .null }

  package static func optional(_ value: String?) -> Self { value.map { .text($0) } ?? .null }

  package static func optional(_ value: [UInt8]?) -> Self { value.map { .blob($0) } ?? .null }
}

extension SQLValue: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByStringLiteral
{
  package init(integerLiteral value: Int64) { self = .integer(value) }
  package init(floatLiteral value: Double) { self = .real(value) }
  package init(stringLiteral value: String) { self = .text(value) }
}
