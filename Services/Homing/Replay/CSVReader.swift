/// One record of a CSV file.
struct CSVRecord {
  /// All fields one after the other, unquoted.
  fileprivate(set) var bytes: [UInt8] = []
  /// Where each field ends in `bytes`.
  fileprivate(set) var ends: [Int] = []
  /// Where the record begins in the file's inflated bytes, and its length with quotes and line end.
  fileprivate(set) var offset: UInt64 = 0
  fileprivate(set) var byteCount = 0
  /// Why it is no record by RFC 4180.
  fileprivate(set) var fault: String?

  var count: Int { ends.count }

  subscript(index: Int) -> ArraySlice<UInt8> {
    bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]]
  }

  /// Nil where the field is not UTF-8 or holds a NUL.
  func text(_ index: Int) -> String? {
    let field = self[index]
    guard !field.contains(0) else { return nil }
    return String(validating: field, as: UTF8.self)
  }
}

/// Reads CSV as RFC 4180 has it, from bytes that come in pieces.
///
/// Lines end with LF or CR LF; empty lines are no records; a byte-order mark is passed over. A
/// record that breaks the rules says so in `fault`, and the next one begins with the next line.
struct CSVReader {
  /// A record that is longer is no record: most likely a quote was not closed.
  static let recordBytesMax = 1 << 20

  private static let tooLong = "is longer than \(recordBytesMax) bytes"

  private let next: () throws -> [UInt8]?
  private let separator: UInt8
  private var chunk: [UInt8] = []
  private var position = 0
  /// Bytes before `chunk`.
  private var chunkOffset: UInt64 = 0
  private var isAtStart: Bool
  private var isAtEnd = false
  private var record = CSVRecord()

  /// - Parameter next: gives the next bytes, nil at the end.
  init(
    separator: UInt8 = UInt8(ascii: ","), skipsByteOrderMark: Bool = true,
    _ next: @escaping () throws -> [UInt8]?
  ) {
    self.next = next
    self.separator = separator
    isAtStart = skipsByteOrderMark
  }

  /// The next record; nil at the end.
  mutating func read() throws -> CSVRecord? {
    if isAtStart {
      isAtStart = false
      try skipByteOrderMark()
    }
    while try hasByte() {
      record.bytes.removeAll(keepingCapacity: true)
      record.ends.removeAll(keepingCapacity: true)
      record.fault = nil
      record.offset = chunkOffset + UInt64(position)
      try readRecord()
      record.byteCount = Int(chunkOffset + UInt64(position) - record.offset)
      let isEmptyLine =
        record.fault == nil && record.ends == [0] && record.byteCount <= 2
      if !isEmptyLine { return record }
    }
    return nil
  }

  private enum State {
    case fieldStart
    case plain
    case quoted
    /// After a quote inside a quoted field: its end, or half of a doubled one.
    case quote
    /// The rest of a record that is none.
    case faulty
  }

  private mutating func readRecord() throws {
    var state = State.fieldStart
    let (quote, lineFeed) = (UInt8(ascii: "\""), UInt8(ascii: "\n"))
    while try hasByte() {
      let byte = chunk[position]
      position += 1
      if state == .quoted {
        if byte == quote { state = .quote } else { record.bytes.append(byte) }
        if record.bytes.count > Self.recordBytesMax { fail(Self.tooLong, &state) }
        continue
      }
      if byte == lineFeed { return endRecord(state) }
      switch state {
      case .faulty: break
      case .quote where byte == quote:
        record.bytes.append(quote)
        state = .quoted
      case _ where byte == separator:
        record.ends.append(record.bytes.count)
        state = .fieldStart
      case .fieldStart where byte == quote: state = .quoted
      case .quote:
        if byte != UInt8(ascii: "\r") { fail("has text after a closing quote", &state) }
      default:
        record.bytes.append(byte)
        state = .plain
        if record.bytes.count > Self.recordBytesMax { fail(Self.tooLong, &state) }
      }
    }
    if state == .quoted { fail("has a quote that is never closed", &state) }
    endRecord(state)
  }

  private mutating func endRecord(_ state: State) {
    if state == .plain, record.bytes.last == UInt8(ascii: "\r") { record.bytes.removeLast() }
    record.ends.append(record.bytes.count)
  }

  private mutating func fail(_ reason: String, _ state: inout State) {
    record.fault = reason
    state = .faulty
  }

  private mutating func hasByte() throws -> Bool {
    while position == chunk.count {
      if isAtEnd { return false }
      chunkOffset += UInt64(chunk.count)
      position = 0
      chunk = try next() ?? []
      isAtEnd = chunk.isEmpty
    }
    return true
  }

  private mutating func skipByteOrderMark() throws {
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    guard try hasByte() else { return }
    // A first piece of less than three bytes would be a file of less than three bytes.
    if chunk.starts(with: mark) { position = mark.count }
  }
}
