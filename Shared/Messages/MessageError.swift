/// Why bytes are not the message they should be. Equal by code and path.
public struct MessageError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What was wrong. Trying again with the same bytes never helps.
  public enum Code: Hashable, Sendable {
    /// Not protobuf, or cut short. Has no path below the message.
    case malformed
    /// Text that is not UTF-8.
    case invalidText
    /// A required field is missing or at its default.
    case missing
    /// A string or bytes value over its limit.
    case tooLong
    /// A list over its limit.
    case tooMany
    /// A Timestamp or Duration outside protobuf's range.
    case outOfRange
    /// The encoded form does not fit a frame that the peer takes.
    case frame
    /// The decoded form would need more memory than the arena may have.
    case memory
  }

  public let code: Code
  /// From the message downwards, such as `lines[3].sku`; empty for the message itself.
  public private(set) var path: String
  /// The rule, the limit and the size of the value; never the value.
  public let detail: String

  public init(_ code: Code, path: String = "", detail: String) {
    self.code = code
    self.path = path
    self.detail = detail
  }

  public var description: String { path.isEmpty ? detail : "\(path): \(detail)" }

  /// The same error seen from the message that holds the field.
  package func inside(_ field: StaticString, at index: Int? = nil) -> MessageError {
    var outer = "\(field)"
    if let index { outer += "[\(index)]" }
    var error = self
    error.path = path.isEmpty ? outer : outer + "." + path
    return error
  }

  public static func == (a: Self, b: Self) -> Bool { a.code == b.code && a.path == b.path }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(code)
    hasher.combine(path)
  }
}
