/// Writes protobuf encoding field by field.
package struct WireWriter {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  package mutating func key(_ number: Int, _ type: WireReader.WireType) {
    rawVarint(UInt64(number) << 3 | UInt64(type.rawValue))
  }

  /// A varint without a key: for packed lists.
  package mutating func rawVarint(_ value: UInt64) {
    var value = value
    while value >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
      value >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: value))
  }

  package mutating func rawFixed32(_ value: UInt32) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  package mutating func rawFixed64(_ value: UInt64) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  package mutating func varint(_ number: Int, _ value: UInt64) {
    key(number, .varint)
    rawVarint(value)
  }

  package mutating func fixed32(_ number: Int, _ value: UInt32) {
    key(number, .fixed32)
    rawFixed32(value)
  }

  package mutating func fixed64(_ number: Int, _ value: UInt64) {
    key(number, .fixed64)
    rawFixed64(value)
  }

  package mutating func bytes(_ number: Int, _ value: some Collection<UInt8>) {
    key(number, .lengthDelimited)
    rawVarint(UInt64(value.count))
    bytes.append(contentsOf: value)
  }

  package mutating func text(_ number: Int, _ value: String) { bytes(number, value.utf8) }

  /// Copies a field as it came.
  package mutating func copy(
    _ tag: WireReader.Tag, from reader: inout WireReader
  ) throws(DescriptorError) {
    switch tag.wireType {
    case .varint: varint(tag.number, try reader.varint())
    case .fixed64: fixed64(tag.number, try reader.fixed64())
    case .fixed32: fixed32(tag.number, try reader.fixed32())
    case .lengthDelimited: bytes(tag.number, try reader.bytes())
    case .startGroup, .endGroup:
      throw DescriptorError(.malformed, "field \(tag.number) is a group")
    }
  }
}
