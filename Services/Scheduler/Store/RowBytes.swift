internal import Storage

/// Writes the bodies of rows: numbers as varints, texts with their length.
struct RowWriter {
  private(set) var bytes: [UInt8] = []

  init(capacity: Int) { bytes.reserveCapacity(capacity) }

  mutating func byte(_ value: UInt8) { bytes.append(value) }

  mutating func unsigned(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  mutating func count(_ value: Int) { unsigned(UInt64(value)) }

  /// Small numbers of either sign stay small.
  mutating func signed(_ value: Int64) { unsigned(UInt64(bitPattern: value << 1 ^ value >> 63)) }

  mutating func text(_ value: String) {
    count(value.utf8.count)
    bytes.append(contentsOf: value.utf8)
  }

  mutating func blob(_ value: [UInt8]) {
    count(value.count)
    bytes.append(contentsOf: value)
  }

  mutating func id(_ value: Identifier) { bytes.append(contentsOf: value.bytes) }

  /// A number from 0 on, or none.
  mutating func optional(_ value: Int?) { unsigned(value.map { UInt64($0) + 1 } ?? 0) }
}

/// Reads what `RowWriter` wrote; trusts nothing.
struct RowReader {
  private let bytes: [UInt8]
  private var offset = 0
  private let table: String

  /// - Parameter table: stands in errors.
  init(_ bytes: [UInt8], table: String) {
    self.bytes = bytes
    self.table = table
  }

  var isAtEnd: Bool { offset == bytes.count }

  private var damaged: StorageError {
    StorageError(
      .corrupt, "a row of \(table) is damaged at byte \(offset) of \(bytes.count)")
  }

  mutating func byte() throws -> UInt8 {
    guard offset < bytes.count else { throw damaged }
    defer { offset += 1 }
    return bytes[offset]
  }

  mutating func unsigned() throws -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      let next = try byte()
      if shift == 63 && next > 1 { throw damaged }
      value |= UInt64(next & 0x7f) << shift
      if next < 0x80 { return value }
      shift += 7
      if shift > 63 { throw damaged }
    }
  }

  mutating func signed() throws -> Int64 {
    let value = try unsigned()
    return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }

  /// A number of things, each of at least a byte: never more than bytes are left.
  mutating func count() throws -> Int {
    let value = try unsigned()
    guard value <= UInt64(bytes.count - offset) else { throw damaged }
    return Int(value)
  }

  /// A number that is no size.
  mutating func number() throws -> Int {
    guard let value = Int(exactly: try unsigned()) else { throw damaged }
    return value
  }

  mutating func number32() throws -> UInt32 {
    guard let value = UInt32(exactly: try unsigned()) else { throw damaged }
    return value
  }

  mutating func signed32() throws -> Int32 {
    guard let value = Int32(exactly: try signed()) else { throw damaged }
    return value
  }

  mutating func optional() throws -> Int? {
    let value = try number()
    return value == 0 ? nil : value - 1
  }

  mutating func blob() throws -> [UInt8] {
    let size = try count()
    defer { offset += size }
    return Array(bytes[offset..<(offset + size)])
  }

  mutating func text() throws -> String {
    let size = try count()
    let end = offset + size
    guard let text = String(validating: bytes[offset..<end], as: UTF8.self) else { throw damaged }
    offset = end
    return text
  }

  mutating func id() throws -> Identifier {
    guard bytes.count - offset >= Identifier.size else { throw damaged }
    defer { offset += Identifier.size }
    return try Identifier(bytes: Array(bytes[offset..<(offset + Identifier.size)]))
  }

  mutating func flag() throws -> Bool {
    switch try byte() {
    case 0: return false
    case 1: return true
    default: throw damaged
    }
  }

  func finish() throws {
    if !isAtEnd { throw damaged }
  }
}
