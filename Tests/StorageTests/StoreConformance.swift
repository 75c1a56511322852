internal import Storage
internal import TestSupport
internal import Testing

/// What every engine must do, as functions over one of them.
struct StoreConformance {
  let engine: any StorageEngine
  /// Whether a write may commit while a read is under way.
  let isConcurrent: Bool
  /// Whether a text may hold a zero byte.
  var keepsZeroBytes = true

  /// A table that has a CHECK for each kind of refusal.
  static let migrations = [
    Migration(
      number: 1, name: "values",
      statements: [
        """
        CREATE TABLE kept(
          bucket INTEGER NOT NULL, id INTEGER NOT NULL, number INTEGER, share REAL, word TEXT,
          bytes BLOB, PRIMARY KEY(bucket, id),
          CONSTRAINT kept_bucket CHECK(bucket BETWEEN 0 AND 255)) WITHOUT ROWID
        """,
        LeaseStatements.create,
      ])
  ]

  enum Statements {
    static let insert = Statement(
      name: "insertKept",
      sql: """
        INSERT INTO kept(bucket, id, number, share, word, bytes) VALUES(?1, ?2, ?3, ?4, ?5, ?6)
        """)
    static let read = Statement(
      name: "readKept",
      sql: "SELECT number, share, word, bytes FROM kept WHERE bucket = ?1 AND id = ?2")
    static let ids = Statement(
      name: "keptIDs", sql: "SELECT id FROM kept WHERE bucket = ?1 ORDER BY id")
    static let count = Statement(
      name: "countKept", sql: "SELECT count(*) FROM kept", scope: .allBuckets)
    static let raise = Statement(
      name: "raiseKept", sql: "UPDATE kept SET number = number + 1 WHERE bucket = ?1")
    static let all = [insert, read, ids, count, raise]
  }

  init(_ engine: any StorageEngine, isConcurrent: Bool) throws {
    self.engine = engine
    self.isConcurrent = isConcurrent
    try Migrator(StoreConformance.migrations).migrate(engine)
  }

  struct Refused: Error, Equatable {}

  func insert(_ id: Int64, bucket: Int64 = 0, _ values: [SQLValue]? = nil) throws {
    let values = values ?? [.null, .null, .null, .null]
    try engine.write { session in
      _ = try session.execute(Statements.insert, [.integer(bucket), .integer(id)] + values)
    }
  }

  func count() throws -> Int64? {
    try engine.read { session in try session.first(Statements.count) { try $0.integer(0) } }
  }

  /// Each kind of value comes back as it went in.
  func valuesComeBack() throws {
    let integers: [Int64] = [.min, -1, 0, 1, .max]
    let reals: [Double] = [0, -0.0, 1.5, .greatestFiniteMagnitude, .leastNonzeroMagnitude, -1e300]
    let texts = [
      "", "a", keepsZeroBytes ? "a\0b" : "a\u{1}b", "zwölf Bretter 🪵",
      String(repeating: "x", count: 100_000),
    ]
    let blobs: [[UInt8]] = [[], [0], [0, 0, 1], Array(repeating: 7, count: 100_000)]
    for index in 0..<6 {
      let values: [SQLValue] = [
        .integer(integers[index % 5]), .real(reals[index]), .text(texts[index % 5]),
        .blob(blobs[index % 4]),
      ]
      try insert(Int64(index), values)
      try engine.read { session in
        let row = try session.first(Statements.read, [0, .integer(index)]) { row in
          #expect(row.columnCount == 4)
          #expect(!row.isNull(3))
          return [
            SQLValue.integer(try row.integer(0)), .real(try row.real(1)), .text(try row.text(2)),
            .blob(try row.blob(3)),
          ]
        }
        #expect(row == values)
      }
    }
  }

  /// NULL is told from an empty text and an empty blob.
  func nullIsNotEmpty() throws {
    try insert(1)
    try insert(2, [.integer(0), .real(0), .text(""), .blob([])])
    try engine.read { session in
      let isNull = try session.first(Statements.read, [0, 1]) { row in
        let values: [Any?] = [
          try row.optionalInteger(0), try row.optionalReal(1), try row.optionalText(2),
          try row.optionalBlob(3),
        ]
        return values.allSatisfy { $0 == nil } && (0..<4).allSatisfy(row.isNull)
      }
      #expect(isNull == true)
      let empty = try session.first(Statements.read, [0, 2]) { row in
        (try row.optionalText(2), try row.optionalBlob(3))
      }
      #expect(empty?.0 == "")
      #expect(empty?.1 == [])
    }
  }

  /// A column of another type is corrupt, and the error names the statement and the column.
  func otherTypesAreCorrupt() throws {
    try insert(1)
    try insert(2, [.integer(1), .real(1.5), .text("a"), .blob([1])])
    let reads: [(Int64, (Row) throws -> Void, String)] = [
      (1, { _ = try $0.integer(0) }, "column 0 (number) is NULL, not an integer"),
      (1, { _ = try $0.text(2) }, "column 2 (word) is NULL, not a text"),
      (1, { _ = try $0.blob(3) }, "column 3 (bytes) is NULL, not a blob"),
      (2, { _ = try $0.integer(1) }, "column 1 (share) is a real, not an integer"),
      (2, { _ = try $0.integer(2) }, "column 2 (word) is a text, not an integer"),
      (2, { _ = try $0.text(3) }, "column 3 (bytes) is a blob, not a text"),
      (2, { _ = try $0.real(2) }, "column 2 (word) is a text, not a number"),
    ]
    for (id, read, text) in reads {
      #expect(throws: StorageError(.corrupt, "readKept: \(text)")) {
        try engine.read { try $0.first(Statements.read, [0, .integer(id)], read) }
      }
    }
  }

  /// What a transaction did before it threw is taken back.
  func throwingRollsBack() throws {
    try insert(1)
    #expect(throws: Refused()) {
      try engine.write { session in
        try session.execute(Statements.insert, [0, 2, .null, .null, .null, .null])
        throw Refused()
      }
    }
    #expect(try count() == 1)
    try insert(2)
    #expect(try count() == 2)
  }

  /// The number of rows changed is that of the statement alone.
  func changesAreCounted() throws {
    for id in 1...3 { try insert(Int64(id), [1, .null, .null, .null]) }
    let changed = try engine.write { session in
      [
        try session.execute(Statements.raise, [0]), try session.execute(Statements.raise, [1]),
      ]
    }
    #expect(changed == [3, 0])
  }

  /// A refusal carries the name of the constraint and of the statement.
  func constraintsRefuse() throws {
    try insert(1)
    let check = try #require(throws: StorageError.self) { try insert(1, bucket: 256) }
    #expect(check.code == .constraint("kept_bucket"))
    #expect(check.message.hasPrefix("insertKept: "))
    let key = try #require(throws: StorageError.self) { try insert(1) }
    #expect(key.code == .constraint("kept.bucket, kept.id"))
    #expect(!key.isRetrySafe)
    #expect(try count() == 1)
  }

  /// Wrong text and wrong numbers of values name the statement.
  func statementErrorsNameTheStatement() throws {
    let wrong = Statement(name: "wrongWords", sql: "SELEKT 1", scope: .maintenance)
    let error = try #require(throws: StorageError.self) {
      try engine.read { try $0.first(wrong) { try $0.integer(0) } }
    }
    #expect(error.code == .statement)
    #expect(error.message.hasPrefix("wrongWords: "))
    #expect(
      throws: StorageError(.statement, "keptIDs: 2 values for 1 parameters")
    ) {
      try engine.read { try $0.first(Statements.ids, [0, 1]) { try $0.integer(0) } }
    }
  }

  /// A read never changes anything.
  func readsCannotWrite() throws {
    if !isConcurrent { return }
    #expect(throws: StorageError.self) {
      try engine.read { try $0.execute(Statements.insert, [0, 9, .null, .null, .null, .null]) }
    }
    #expect(try count() == 0)
  }

  /// A read sees one state from its first statement on, whatever is written meanwhile.
  func readsAreSnapshots() async throws {
    try insert(1)
    let hasRead = Promise<Void>()
    let hasWritten = Promise<Void>()
    let engine = engine
    let isConcurrent = isConcurrent
    async let counts = onThread {
      try engine.read { session in
        let first = try session.first(Statements.count) { try $0.integer(0) }
        hasRead.fulfil()
        if isConcurrent { hasWritten.block() }
        return [first, try session.first(Statements.count) { try $0.integer(0) }]
      }
    }
    await hasRead.value
    try await onThread {
      try engine.write { session in
        _ = try session.execute(Statements.insert, [0, 2, .null, .null, .null, .null])
      }
    }
    hasWritten.fulfil()
    #expect(try await counts == [1, 1])
    #expect(try count() == 2)
  }

  /// Many cursors over one statement stay apart.
  func cursorsMerge() throws {
    for id in 0..<30 { try insert(Int64(id), bucket: Int64(id % 3)) }
    for _ in 0..<2 {
      let ids = try engine.read { session -> [Int64] in
        let cursors = try (0..<3).map { try session.cursor(Statements.ids, [.integer($0)]) }
        var ids: [Int64] = []
        for _ in 0..<10 {
          for cursor in cursors {
            let row = try #require(try cursor.next())
            ids.append(try row.integer(0))
          }
        }
        for cursor in cursors {
          let end = try cursor.next()
          #expect(end?.columnCount == nil)
        }
        return ids
      }
      #expect(ids == Array(0..<30))
    }
  }

  /// Text is compared by its bytes, and LIKE tells cases apart.
  func textIsCompared() throws {
    try insert(1, [.null, .null, "Holz", .null])
    let like = Statement(
      name: "likeKept", sql: "SELECT count(*) FROM kept WHERE bucket = ?1 AND word LIKE ?2")
    let found = try engine.read { session in
      try ["Ho%", "ho%"].map { pattern in
        try session.first(like, [0, .text(pattern)]) { try $0.integer(0) }
      }
    }
    #expect(found == [1, 0])
  }

  /// A statement put together anew each time is not kept for ever.
  func textsAreBounded() throws {
    for index in 0..<700 {
      let statement = Statement(
        name: "made", sql: "SELECT count(*) + \(index) FROM kept", scope: .allBuckets)
      let found = try engine.read { try $0.first(statement) { try $0.integer(0) } }
      #expect(found == Int64(index))
    }
  }

  /// An owner whose epoch has passed is refused, and nothing of its transaction stays.
  func staleOwnersAreFenced() throws {
    let first = try engine.write { try BucketLease.take($0, owner: "a") }
    try engine.write { session in
      try first.fence(session, 7)
      try first.beat(session)
    }
    let second = try engine.write { try BucketLease.take($0, owner: "b") }
    #expect(second.epoch == first.epoch + 1)
    let error = try #require(throws: StorageError.self) {
      try engine.write { session in
        try session.execute(Statements.insert, [7, 1, .null, .null, .null, .null])
        try first.fence(session, 7)
      }
    }
    #expect(error.code == .fenced)
    #expect(throws: StorageError.self) { try engine.write { try first.beat($0) } }
    try engine.write { try second.fence($0, 7) }
    #expect(try count() == 0)
    let hold = try engine.read { try BucketLease.hold($0, 7) }
    #expect(hold?.owner == "b")
    #expect(hold?.beat == 0)
  }

  /// After its end, every call says that it is closed.
  func closedIsClosed() throws {
    engine.close()
    engine.close()
    for call in [{ try insert(1) }, { _ = try count() }] {
      let error = try #require(throws: StorageError.self) { try call() }
      #expect(error.code == .closed)
    }
  }
}

extension Promise where Value == Void {
  /// Waits on a thread that may block.
  func block() {
    let monitor = Monitor(false)
    Task {
      await value
      monitor.withLock { $0 = true }
      monitor.wakeAll()
    }
    monitor.wait { $0 ? () : nil }
  }
}
