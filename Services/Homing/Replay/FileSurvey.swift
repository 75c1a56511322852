/// What a first reading of a file has found.
struct FileSurvey: Hashable, Sendable {
  /// A row that cannot be read, with the reason.
  struct Refusal: Hashable, Sendable {
    let row: UInt64
    let reason: String
  }

  /// Refusals that are kept to be shown.
  static let refusalsShown = 5
  /// More stores in one file are a column mapped wrong.
  static let storesMax = 1000

  /// SHA-256 of the file's bytes.
  fileprivate(set) var digest: [UInt8] = []
  /// Readable or not.
  fileprivate(set) var rowCount: UInt64 = 0
  fileprivate(set) var refusedCount: UInt64 = 0
  fileprivate(set) var refusals: [Refusal] = []
  /// Microseconds since 1970, of readable rows.
  fileprivate(set) var firstAt = Int64.max
  fileprivate(set) var lastAt = Int64.min
  /// Whether no row is earlier than the one before it.
  fileprivate(set) var isInOrder = true
  /// In the order in which they appear.
  fileprivate(set) var stores: [String] = []

  /// The beginning of each event's id.
  var idPrefix: String { HexText.text(digest.prefix(8)) }

  fileprivate mutating func add(_ row: ReplayRow) throws(CommandError) {
    if row.at < lastAt { isInOrder = false }
    firstAt = min(firstAt, row.at)
    lastAt = max(lastAt, row.at)
    guard stores.last != row.store, !stores.contains(row.store) else { return }
    stores.append(row.store)
    guard stores.count <= Self.storesMax else {
      throw .usage("the file names more than \(Self.storesMax) stores; is the column right?")
    }
  }

  fileprivate mutating func add(_ refusal: Refusal) {
    refusedCount += 1
    if refusals.count < Self.refusalsShown { refusals.append(refusal) }
  }
}

/// A file of rows with the way to read it. Everything here blocks.
struct ReplayFile: Sendable {
  let path: String
  let format: ReplayFormat
  /// Of rows without a store.
  let store: String
  /// Of prices without a currency.
  let currency: String

  /// Reads the whole file once.
  ///
  /// - Throws: `CommandError`, also where no row at all can be read.
  func survey() throws -> FileSurvey {
    let source = try ByteSource(path, digests: true)
    var reader = CSVReader { try source.next() }
    let mapping = try mapping(&reader)
    var survey = FileSurvey()
    while let record = try reader.read() {
      survey.rowCount += 1
      let row: ReplayRow
      do throws(RowRefusal) {
        row = try mapping.row(record, number: survey.rowCount)
      } catch {
        survey.add(FileSurvey.Refusal(row: survey.rowCount, reason: error.reason))
        continue
      }
      try survey.add(row)
    }
    survey.digest = source.finishedDigest()
    guard survey.rowCount > 0 else { throw CommandError.file("\(path) has no rows") }
    guard survey.refusedCount < survey.rowCount else {
      let first = survey.refusals[0]
      throw CommandError.usage(
        "none of the \(survey.rowCount) rows of \(path) can be read; row \(first.row): "
          + first.reason)
    }
    return survey
  }

  /// The rows that can be read, in order of time and, at equal times, of the file.
  func rows(_ survey: FileSurvey) throws -> RowReader {
    try RowReader(self, survey)
  }

  /// Reads the header where there is one.
  func mapping(_ reader: inout CSVReader) throws -> RowMapping {
    guard format.hasHeader else {
      return try format.mapping(header: nil, store: store, currency: currency)
    }
    guard let record = try reader.read() else { throw CommandError.file("\(path) is empty") }
    let header = (0..<record.count).map { record.text($0) ?? "?" }
    return try format.mapping(header: header, store: store, currency: currency)
  }
}

/// Bytes as lower-case hexadecimal digits.
enum HexText {
  static func text(_ bytes: some Sequence<UInt8>) -> String {
    bytes.reduce(into: "") { text, byte in
      text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
  }
}
