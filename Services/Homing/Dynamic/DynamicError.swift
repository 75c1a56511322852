/// Why a value is not the message it should be. Trying again with the same value never helps.
package struct DynamicError: Error, Hashable, Sendable, CustomStringConvertible {
  /// From the message downwards, such as `lines[3].sku`; empty for the message itself.
  package private(set) var path: String
  /// One clause: the rule, the limit and the size.
  package let message: String

  package init(_ message: String, path: String = "") {
    self.path = path
    self.message = message
  }

  package var description: String { path.isEmpty ? message : "\(path): \(message)" }

  /// The same error seen from the message that holds the field.
  func inside(_ field: String) -> DynamicError {
    let separator = path.isEmpty || path.hasPrefix("[") ? "" : "."
    return DynamicError(message, path: field + separator + path)
  }

  func inside(at index: Int) -> DynamicError { inside("[\(index)]") }
}
