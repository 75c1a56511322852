/// Where rows are kept. Every call blocks: make it on a thread for that.
package protocol StorageEngine: AnyObject, Sendable {
  /// Runs `body` in one transaction, one at a time; rolled back whole if `body` throws.
  ///
  /// Neither `write` nor `read` may be called within `body`. Throws `StorageError.uncertain` if the
  /// commit fails, and at every later call.
  func write<R>(_ body: (any StorageSession) throws -> R) throws -> R

  /// Runs `body` over a snapshot, which its first statement takes; several run at once.
  func read<R>(_ body: (any StorageSession) throws -> R) throws -> R

  /// Sees to it that what was overwritten or deleted before stands in no file (P10), as far as the
  /// engine can. Blocks.
  ///
  /// - Throws: `busy` where a reader would not end; calling again is safe.
  func emptyLog() throws

  /// Waits for what runs, then lets the files go. Later calls throw `StorageError.closed`.
  func close()
}

extension StorageEngine {
  /// `emptyLog`, tried again while a reader is in the way; where it does not end, the next
  /// checkpoint does it. Blocks for the busy timeout a few times.
  package func emptyLogPatiently() throws {
    for _ in 0..<20 {
      do {
        return try emptyLog()
      } catch let error as StorageError where error.code == .busy { continue }
    }
  }
}

/// One transaction. Used by one thread, and not after the closure that got it.
package protocol StorageSession: AnyObject {
  /// Runs a statement without rows; the number of rows changed.
  @discardableResult
  func execute(_ statement: Statement, _ values: [SQLValue]) throws -> Int

  /// Runs a statement whose count nobody asks for. A fault may come with a later statement of the
  /// transaction, at its commit at the latest: an engine far away need not be waited for.
  func put(_ statement: Statement, _ values: [SQLValue]) throws

  /// Hands on each row until `body` returns false.
  func rows(_ statement: Statement, _ values: [SQLValue], _ body: (Row) throws -> Bool) throws

  /// Rows on demand; many cursors may be open at once, for merging.
  func cursor(_ statement: Statement, _ values: [SQLValue]) throws -> any RowCursor
}

package protocol RowCursor: AnyObject {
  /// The next row, valid until the next call; nil at the end and ever after.
  func next() throws -> Row?

  /// Ends it early. Done by itself at the end, on an error and when nobody holds it.
  func close()
}

/// Where the columns of the row at hand are read from.
protocol RowSource: AnyObject {
  var columnCount: Int { get }
  /// Each throws `StorageError.corrupt` if the column has another type; NULL is one.
  func integer(_ column: Int) throws -> Int64
  func real(_ column: Int) throws -> Double
  func text(_ column: Int) throws -> String
  func blob(_ column: Int) throws -> [UInt8]
  func isNull(_ column: Int) -> Bool
}

/// One row of an answer. Columns count from 0; another type than the one asked for, and NULL where
/// it is not optional, throw `StorageError.corrupt` with the statement and the column.
package struct Row {
  let source: any RowSource

  package var columnCount: Int { source.columnCount }

  package func integer(_ column: Int) throws -> Int64 { try source.integer(column) }

  /// A whole number is one too.
  package func real(_ column: Int) throws -> Double { try source.real(column) }

  package func text(_ column: Int) throws -> String { try source.text(column) }

  package func blob(_ column: Int) throws -> [UInt8] { try source.blob(column) }

  package func isNull(_ column: Int) -> Bool { source.isNull(column) }

  package func optionalInteger(_ column: Int) throws -> Int64? {
    source.isNull(column) ? nil : try source.integer(column)
  }

  package func optionalReal(_ column: Int) throws -> Double? {
    source.isNull(column) ? nil : try source.real(column)
  }

  package func optionalText(_ column: Int) throws -> String? {
    source.isNull(column) ? nil : try source.text(column)
  }

  package func optionalBlob(_ column: Int) throws -> [UInt8]? {
    source.isNull(column) ? nil : try source.blob(column)
  }
}

extension StorageSession {
  package func put(_ statement: Statement, _ values: [SQLValue]) throws {
    try execute(statement, values)
  }

  @discardableResult
  package func execute(_ statement: Statement) throws -> Int { try execute(statement, []) }

  /// What `body` makes of each row.
  package func all<R>(
    _ statement: Statement, _ values: [SQLValue] = [], _ body: (Row) throws -> R
  ) throws -> [R] {
    var found: [R] = []
    try rows(statement, values) { row in
      found.append(try body(row))
      return true
    }
    return found
  }

  /// What `body` makes of the first row; nil if there is none.
  package func first<R>(
    _ statement: Statement, _ values: [SQLValue] = [], _ body: (Row) throws -> R
  ) throws -> R? {
    var found: R?
    try rows(statement, values) { row in
      found = try body(row)
      return false
    }
    return found
  }
}
