/// Reads protobuf encoding field by field from bytes nobody vouches for.
///
/// Every length is checked against the bytes that are left, and nesting is bounded, so the cost of
/// reading is linear in the size of the input. After an error the reader must not be used again.
package struct WireReader {
  /// Deepest nesting that `nested()` follows.
  package static let depthMax = 32

  package enum WireType: UInt8, Hashable, Sendable {
    case varint = 0
    case fixed64 = 1
    case lengthDelimited = 2
    case startGroup = 3
    case endGroup = 4
    case fixed32 = 5
  }

  package struct Tag: Hashable, Sendable {
    /// 1 to 2^29 - 1.
    package let number: Int
    package let wireType: WireType
  }

  private var rest: ArraySlice<UInt8>
  private let depth: Int

  package init(_ bytes: [UInt8]) { self.init(bytes[...], depth: 0) }

  /// - Parameter depth: how many messages already enclose these bytes.
  package init(_ bytes: ArraySlice<UInt8>, depth: Int = 0) {
    rest = bytes
    self.depth = depth
  }

  package var isAtEnd: Bool { rest.isEmpty }

  /// The tag of the next field, or nil at the end. Follow it by reading or `skip`ping the value.
  package mutating func next() throws(DescriptorError) -> Tag? {
    if rest.isEmpty { return nil }
    let key = try varint()
    guard key <= UInt64(UInt32.max), key >> 3 > 0, let type = WireType(rawValue: UInt8(key & 7))
    else {
      throw DescriptorError(.malformed, "\(key) is not the key of a field")
    }
    return Tag(number: Int(key >> 3), wireType: type)
  }

  package mutating func varint() throws(DescriptorError) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while let byte = rest.popFirst() {
      if shift == 63 && byte > 1 { throw DescriptorError(.malformed, "a varint is over 64 bits") }
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    throw DescriptorError(.truncated, "ends inside a varint")
  }

  package mutating func fixed32() throws(DescriptorError) -> UInt32 {
    UInt32(truncatingIfNeeded: try littleEndian(4))
  }

  package mutating func fixed64() throws(DescriptorError) -> UInt64 { try littleEndian(8) }

  private mutating func littleEndian(_ size: Int) throws(DescriptorError) -> UInt64 {
    guard rest.count >= size else {
      throw DescriptorError(.truncated, "\(size) bytes wanted, \(rest.count) left")
    }
    var value: UInt64 = 0
    for byte in rest.prefix(size).reversed() { value = value << 8 | UInt64(byte) }
    rest.removeFirst(size)
    return value
  }

  package mutating func bytes() throws(DescriptorError) -> ArraySlice<UInt8> {
    let size = try varint()
    guard size <= UInt64(rest.count) else {
      throw DescriptorError(.truncated, "\(size) bytes wanted, \(rest.count) left")
    }
    defer { rest.removeFirst(Int(size)) }
    return rest.prefix(Int(size))
  }

  package mutating func text() throws(DescriptorError) -> String {
    guard let text = String(validating: try bytes(), as: UTF8.self) else {
      throw DescriptorError(.invalidText, "text that is not UTF-8")
    }
    return text
  }

  /// The message that is the next value.
  package mutating func nested() throws(DescriptorError) -> WireReader {
    guard depth < WireReader.depthMax else {
      throw DescriptorError(.tooDeep, "nested deeper than \(WireReader.depthMax)")
    }
    return WireReader(try bytes(), depth: depth + 1)
  }

  /// Passes over a value of any wire type; a group with all it holds.
  package mutating func skip(_ tag: Tag) throws(DescriptorError) {
    var openGroups: [Int] = []
    var tag = tag
    while true {
      switch tag.wireType {
      case .varint: _ = try varint()
      case .fixed64: _ = try fixed64()
      case .lengthDelimited: _ = try bytes()
      case .fixed32: _ = try fixed32()
      case .startGroup:
        guard depth + openGroups.count < WireReader.depthMax else {
          throw DescriptorError(.tooDeep, "nested deeper than \(WireReader.depthMax)")
        }
        openGroups.append(tag.number)
      case .endGroup:
        guard openGroups.popLast() == tag.number else {
          throw DescriptorError(.malformed, "a group ends that never began")
        }
      }
      if openGroups.isEmpty { return }
      guard let inner = try next() else { throw DescriptorError(.truncated, "ends inside a group") }
      tag = inner
    }
  }

  /// Throws unless the field came with this wire type.
  package func expect(_ type: WireType, _ tag: Tag) throws(DescriptorError) {
    guard tag.wireType == type else {
      throw DescriptorError(.malformed, "field \(tag.number) has wire type \(tag.wireType)")
    }
  }
}
