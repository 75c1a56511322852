/// Why bytes are not descriptors, or why descriptors do not fit together. Equal by code.
package struct DescriptorError: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Code: Hashable, Sendable {
    /// Ends inside a field.
    case truncated
    /// No protobuf encoding, or a known field with the wrong wire type.
    case malformed
    /// Nested deeper than `WireReader.depthMax`.
    case tooDeep
    /// Text that is not UTF-8.
    case invalidText
    /// More bytes than a description may have.
    case tooLarge
    /// Two declarations with one name.
    case duplicate
  }

  package let code: Code
  package let detail: String

  package init(_ code: Code, _ detail: String) {
    self.code = code
    self.detail = detail
  }

  package var description: String { detail }

  package static func == (a: Self, b: Self) -> Bool { a.code == b.code }

  package func hash(into hasher: inout Hasher) { hasher.combine(code) }
}
