/// Values as PostgreSQL's binary format has them (its manual, "Formats and Format Codes"; the types
/// by their numbers in pg_type).
enum PostgresValues {
  enum Kind: UInt32 {
    case flag = 16
    case bytes = 17
    case long = 20
    case short = 21
    case whole = 23
    case text = 25
    case single = 700
    case double = 701
    case varchar = 1043
    case numeric = 1700
  }

  /// What a parameter is said to be; 0 lets the server find out.
  static func type(of value: SQLValue) -> UInt32 {
    switch value {
    case .null: 0
    case .integer: Kind.long.rawValue
    case .real: Kind.double.rawValue
    case .text: Kind.text.rawValue
    case .blob: Kind.bytes.rawValue
    }
  }

  /// - Returns: false for a text with a zero byte, which PostgreSQL cannot keep.
  static func append(_ value: SQLValue, to bytes: inout [UInt8]) -> Bool {
    switch value {
    case .null: break
    case .integer(let integer): append(UInt64(bitPattern: integer), to: &bytes)
    case .real(let real): append(real.bitPattern, to: &bytes)
    case .text(let text):
      let start = bytes.count
      bytes += text.utf8
      return !bytes[start...].contains(0)
    case .blob(let blob): bytes += blob
    }
    return true
  }

  private static func append(_ number: UInt64, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: number.bigEndian) { bytes += $0 }
  }

  // MARK: - Columns

  /// In the words of errors.
  static func name(_ type: UInt32) -> String {
    switch Kind(rawValue: type) {
    case .flag, .long, .short, .whole, .numeric: "an integer"
    case .single, .double: "a real"
    case .text, .varchar: "a text"
    case .bytes: "a blob"
    case nil: "of type \(type)"
    }
  }

  /// Nil for another type, and for what is no whole number of 64 bits.
  static func integer(_ type: UInt32, _ bytes: UnsafeRawBufferPointer) -> Int64? {
    switch Kind(rawValue: type) {
    case .flag where bytes.count == 1: Int64(bytes[0])
    case .long where bytes.count == 8: Int64(bitPattern: number(bytes))
    case .whole where bytes.count == 4:
      Int64(Int32(bitPattern: UInt32(truncatingIfNeeded: number(bytes))))
    case .short where bytes.count == 2:
      Int64(Int16(bitPattern: UInt16(truncatingIfNeeded: number(bytes))))
    case .numeric: whole(bytes)
    default: nil
    }
  }

  static func real(_ type: UInt32, _ bytes: UnsafeRawBufferPointer) -> Double? {
    switch Kind(rawValue: type) {
    case .double where bytes.count == 8: Double(bitPattern: number(bytes))
    case .single where bytes.count == 4:
      Double(Float(bitPattern: UInt32(truncatingIfNeeded: number(bytes))))
    default: integer(type, bytes).map { Double($0) }
    }
  }

  static func isText(_ type: UInt32) -> Bool {
    type == Kind.text.rawValue || type == Kind.varchar.rawValue
  }

  static func isBytes(_ type: UInt32) -> Bool { type == Kind.bytes.rawValue }

  private static func number(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    bytes.reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// A sum of integers is a `numeric`: digits of base 10,000 from a weight downwards.
  private static func whole(_ bytes: UnsafeRawBufferPointer) -> Int64? {
    guard bytes.count >= 8 else { return nil }
    func field(_ at: Int) -> Int { Int(bytes[at]) << 8 | Int(bytes[at + 1]) }
    let count = field(0)
    let weight = Int(Int16(truncatingIfNeeded: field(2)))
    let isNegative = field(4) == 0x4000
    guard bytes.count == 8 + 2 * count, isNegative || field(4) == 0 else { return nil }
    var value: Int64 = 0
    for place in 0..<max(count, weight + 1) {
      let digit = place < count ? Int64(field(8 + 2 * place)) : 0
      if place > weight {
        if digit != 0 { return nil }
        continue
      }
      let (scaled, over) = value.multipliedReportingOverflow(by: 10_000)
      let (sum, overToo) = scaled.addingReportingOverflow(isNegative ? -digit : digit)
      if over || overToo { return nil }
      value = sum
    }
    return value
  }
}
