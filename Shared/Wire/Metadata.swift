package import Messages

/// Keys and values that travel beside a call's messages, in order; a key may come several times.
///
/// Keys: 1 to 64 of `a`-`z`, `0`-`9`, `-`, `_`, `.`; those beginning `homing-` belong to the
/// protocol. Keys that end in `-bin` carry any bytes, others printable ASCII. Checked when a call
/// is sent and when it arrives.
public struct Metadata: Hashable, Sendable, ExpressibleByDictionaryLiteral, Sequence {
  /// A key with its value as bytes.
  public typealias Element = (key: String, value: [UInt8])

  private struct Pair: Hashable, Sendable {
    var key: String
    var value: [UInt8]
  }

  private var pairs: [Pair] = []

  public init() {}

  public init(dictionaryLiteral elements: (String, String)...) {
    for (key, value) in elements { append(key, value) }
  }

  public mutating func append(_ key: String, _ text: String) {
    pairs.append(Pair(key: key, value: Array(text.utf8)))
  }

  public mutating func append(_ key: String, bytes: [UInt8]) {
    pairs.append(Pair(key: key, value: bytes))
  }

  /// The first value of the key as text; nil where there is none or it is not UTF-8.
  public func text(_ key: String) -> String? {
    bytes(key).flatMap { String(validating: $0, as: UTF8.self) }
  }

  /// The first value of the key.
  public func bytes(_ key: String) -> [UInt8]? {
    pairs.first { $0.key == key }?.value
  }

  public var isEmpty: Bool { pairs.isEmpty }
  public var count: Int { pairs.count }

  public func makeIterator() -> AnyIterator<Element> {
    var rest = pairs.makeIterator()
    return AnyIterator { rest.next().map { ($0.key, $0.value) } }
  }
}

extension Metadata {
  /// The form that travels.
  package var wire: [RpcV1.Metadata] {
    pairs.isEmpty ? [] : pairs.map { RpcV1.Metadata(key: $0.key, value: $0.value) }
  }

  package init(_ wire: [RpcV1.Metadata]) {
    pairs = wire.map { Pair(key: $0.key, value: $0.value) }
  }

  /// Bytes of all keys and values, which `metadata_bytes_max` bounds.
  package var byteCount: Int {
    pairs.reduce(0) { $0 + $1.key.utf8.count + $1.value.count }
  }

  /// What is wrong with a key or value, or with the size; nil where nothing is.
  package func fault(bytesMax: Int) -> RPCError? {
    if isEmpty { return nil }
    if byteCount > bytesMax {
      return RPCError(
        .resourceExhausted, "metadata takes \(byteCount) bytes, the limit is \(bytesMax)")
    }
    for pair in pairs {
      if !Metadata.isKey(pair.key.utf8) {
        return RPCError(
          .invalidArgument,
          "a metadata key has \(pair.key.utf8.count) bytes; keys are 1 to 64 of a-z 0-9 - _ .")
      }
      if !pair.key.hasSuffix("-bin") && !pair.value.allSatisfy({ (0x20...0x7e).contains($0) }) {
        return RPCError(
          .invalidArgument,
          "the value of metadata `\(pair.key)` is not printable ASCII; keys with -bin take bytes")
      }
    }
    return nil
  }

  private static func isKey(_ key: String.UTF8View) -> Bool {
    (1...64).contains(key.count)
      && key.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
          UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
          true
        default: false
        }
      }
  }
}
