/// A value that no text shows by accident.
package struct Secret<Value: Sendable>: Sendable, CustomStringConvertible,
  CustomDebugStringConvertible, CustomReflectable
{
  private let value: Value

  package init(_ value: Value) { self.value = value }

  /// The value itself, for the one place that needs it.
  package func reveal() -> Value { value }

  package var description: String { "(secret)" }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: []) }
}

/// What makes personal data in logs the same tag each time, which only the key's holder can check.
package struct RedactionKey: Sendable {
  private let key: [UInt8]

  /// - Parameter key: secret; 16 bytes or more.
  package init(_ key: [UInt8]) {
    precondition(key.count >= 16)
    self.key = key
  }

  /// One that no other process has.
  package static func ofProcess() -> RedactionKey {
    RedactionKey((0..<32).map { _ in UInt8.random(in: .min ... .max) })
  }

  package func redact(_ text: String) -> Redacted {
    // HMAC (RFC 2104); a key over 64 bytes counts by its hash.
    let key = key.count > 64 ? SHA256.hash(key) : key
    let padded = key + [UInt8](repeating: 0, count: 64 - key.count)
    let inner = SHA256.hash(padded.map { $0 ^ 0x36 } + Array(text.utf8))
    return Redacted(digest: SHA256.hash(padded.map { $0 ^ 0x5C } + inner))
  }
}

/// A tag such as `#5bdcc146bf60754e` in place of what it stands for.
package struct Redacted: Hashable, Sendable, CustomStringConvertible {
  package let description: String

  fileprivate init(digest: [UInt8]) {
    let digits = digest.prefix(8).map { byte in
      (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
    description = "#" + digits.joined()
  }
}
