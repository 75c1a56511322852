internal import Glibc
internal import Synchronization

/// The rows of a file in order of time. Memory does not grow with a file that is in order; of any
/// other it keeps 24 bytes a row. Reading blocks.
struct RowReader {
  private enum Source {
    /// As they come.
    case stream(CSVReader)
    case sorted(SortedRecords)
  }

  private var source: Source
  private let mapping: RowMapping
  private var number: UInt64 = 0

  init(_ file: ReplayFile, _ survey: FileSurvey) throws {
    let bytes = try ByteSource(file.path)
    if survey.isInOrder {
      var reader = CSVReader { try bytes.next() }
      var mapping = try file.mapping(&reader)
      mapping.idPrefix = survey.idPrefix
      self.mapping = mapping
      source = .stream(reader)
    } else {
      let spill = SpillFile()
      var reader = CSVReader {
        guard let chunk = try bytes.next() else { return nil }
        // Inflated bytes cannot be read again at any place, so they are laid down.
        if !bytes.isPlain { try spill.append(chunk) }
        return chunk
      }
      var mapping = try file.mapping(&reader)
      mapping.idPrefix = survey.idPrefix
      self.mapping = mapping
      let index = try RowReader.index(&reader, mapping)
      let records = try bytes.isPlain ? SpillFile(reading: file.path) : spill
      source = .sorted(SortedRecords(index, records))
    }
  }

  /// The next rows, at most so many; none at the end.
  mutating func next(_ countMax: Int) throws -> [ReplayRow] {
    var rows: [ReplayRow] = []
    rows.reserveCapacity(countMax)
    while rows.count < countMax, let (record, number) = try nextRecord() {
      // What cannot be read was counted by the survey.
      if let row = try? mapping.row(record, number: number) { rows.append(row) }
    }
    return rows
  }

  private mutating func nextRecord() throws -> (CSVRecord, UInt64)? {
    switch source {
    case .sorted(var records):
      guard let next = try records.next() else { return nil }
      source = .sorted(records)
      return next
    case .stream(var reader):
      guard let record = try reader.read() else { return nil }
      // Assigned whole, the reader's buffers are not copied.
      source = .stream(reader)
      number += 1
      return (record, number)
    }
  }

  private static func index(
    _ reader: inout CSVReader, _ mapping: RowMapping
  ) throws -> [SortedRecords.Entry] {
    var entries: [SortedRecords.Entry] = []
    var number: UInt64 = 0
    while let record = try reader.read() {
      number += 1
      guard let row = try? mapping.row(record, number: number) else { continue }
      entries.append(
        SortedRecords.Entry(
          at: row.at, offset: record.offset, row: UInt32(number),
          byteCount: UInt32(record.byteCount)))
    }
    entries.sort { ($0.at, $0.row) < ($1.at, $1.row) }
    return entries
  }
}

/// Records of a file, read at their places in another order.
private struct SortedRecords {
  struct Entry {
    let at: Int64
    let offset: UInt64
    let row: UInt32
    let byteCount: UInt32
  }

  private let entries: [Entry]
  private let file: SpillFile
  private var position = 0

  init(_ entries: [Entry], _ file: SpillFile) {
    self.entries = entries
    self.file = file
  }

  mutating func next() throws -> (CSVRecord, UInt64)? {
    guard position < entries.count else { return nil }
    let entry = entries[position]
    position += 1
    var bytes: [UInt8]? = try file.bytes(at: entry.offset, count: Int(entry.byteCount))
    var reader = CSVReader(skipsByteOrderMark: false) {
      defer { bytes = nil }
      return bytes
    }
    guard let record = try reader.read() else {
      throw CommandError.file("the file has changed while it was read")
    }
    return (record, UInt64(entry.row))
  }
}

/// Bytes laid down in a file without a name, or those of a file that is there.
private final class SpillFile {
  private var descriptor: Int32 = -1

  init() {}

  init(reading path: String) throws(CommandError) {
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 { throw .file("cannot read \(path): \(SystemError.text(errno))") }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  func append(_ bytes: [UInt8]) throws(CommandError) {
    if descriptor < 0 { try make() }
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if errno != EINTR {
        throw .file("cannot write a temporary file: \(SystemError.text(errno))")
      }
    }
  }

  func bytes(at offset: UInt64, count: Int) throws(CommandError) -> [UInt8] {
    var failure: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while filled < count {
        let read = pread(
          descriptor, buffer.baseAddress.map { $0 + filled }, count - filled,
          off_t(offset) + off_t(filled))
        if read > 0 { filled += read }
        if read == 0 { return }
        if read < 0 && errno != EINTR {
          failure = errno
          return
        }
      }
    }
    guard bytes.count == count else {
      let reason = failure == 0 ? "the file has become shorter" : SystemError.text(failure)
      throw .file("cannot read the rows again: \(reason)")
    }
    return bytes
  }

  private func make() throws(CommandError) {
    let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var path = Array((folder + "/homing-replay-XXXXXX").utf8CString)
    descriptor = mkstemp(&path)
    guard descriptor >= 0 else {
      throw .file("cannot make a temporary file in \(folder): \(SystemError.text(errno))")
    }
    unlink(path)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
  }
}

/// Where rows come from, in the order in which they are sent.
protocol RowSource: Sendable {
  /// The next rows, at most so many; none at the end.
  mutating func next(_ countMax: Int) async throws -> [ReplayRow]
}

/// A file's rows, read on threads where waiting harms nobody.
struct FileRows: RowSource {
  private let shared: Shared

  init(_ file: ReplayFile, _ survey: FileSurvey) async throws {
    shared = try await BlockingWork.run { Shared(try file.rows(survey)) }
  }

  func next(_ countMax: Int) async throws -> [ReplayRow] {
    try await BlockingWork.run { [shared] in
      try shared.reader.withLock { try $0.next(countMax) }
    }
  }

  private final class Shared: Sendable {
    let reader: Mutex<RowReader>
    init(_ reader: sending RowReader) { self.reader = Mutex(reader) }
  }
}
