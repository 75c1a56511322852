/// One step of a schema. Once it has been released, it is never edited.
package struct Migration: Sendable {
  package let number: Int
  package let name: String
  package let statements: [String]

  package init(number: Int, name: String, statements: [String]) {
    self.number = number
    self.name = name
    self.statements = statements
  }

  /// FNV-1a over the statements with their lengths; guards against edits, not against malice.
  var checksum: Int64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for statement in statements {
      for byte in "\(statement.utf8.count):\(statement)".utf8 {
        hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
      }
    }
    return Int64(bitPattern: hash)
  }
}

/// Brings a database to the schema that the code expects.
package struct Migrator: Sendable {
  private let migrations: [Migration]

  /// - Parameter migrations: numbered 1, 2, 3…
  package init(_ migrations: [Migration]) {
    precondition(migrations.map(\.number) == Array(1...max(1, migrations.count)), "numbered from 1")
    self.migrations = migrations
  }

  /// Applies what is missing, each migration in a transaction of its own; the numbers applied.
  ///
  /// Throws `StorageError.newer` for a database that has more migrations than the code, `differs`
  /// where one that was applied is not the one in the code. What was applied stays, so a retry is
  /// safe.
  @discardableResult
  package func migrate(_ engine: any StorageEngine) throws -> [Int] {
    let applied = try engine.write { session in
      try session.execute(MigratorStatements.create)
      return try session.all(MigratorStatements.list) { row in
        (try row.integer(0), try row.text(1), try row.integer(2))
      }
    }
    try check(applied)
    for migration in migrations.dropFirst(applied.count) {
      try engine.write { session in
        for (index, sql) in migration.statements.enumerated() {
          let name = "migration \(migration.number) statement \(index + 1)"
          try session.execute(Statement(name: name, sql: sql, scope: .maintenance))
        }
        try session.execute(
          MigratorStatements.record,
          [.integer(migration.number), .text(migration.name), .integer(migration.checksum)])
      }
    }
    return migrations.dropFirst(applied.count).map(\.number)
  }

  private func check(_ applied: [(number: Int64, name: String, checksum: Int64)]) throws {
    if applied.count > migrations.count {
      throw StorageError(
        .newer, "the database has \(applied.count) migrations, the code \(migrations.count)")
    }
    for (migration, record) in zip(migrations, applied)
    where record != (Int64(migration.number), migration.name, migration.checksum) {
      throw StorageError(
        .differs,
        "migration \(migration.number) (\(migration.name)) is not the one that was applied, "
          + "\(record.number) (\(record.name))")
    }
  }
}

enum MigratorStatements {
  /// Makes the list of what was applied.
  static let create = Statement(
    name: "createMigrations",
    sql: """
      CREATE TABLE IF NOT EXISTS migration(
        number INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, checksum BIGINT NOT NULL)
      """, scope: .maintenance)
  /// What was applied, in order.
  static let list = Statement(
    name: "listMigrations", sql: "SELECT number, name, checksum FROM migration ORDER BY number",
    scope: .reference)
  /// Notes that one was applied.
  static let record = Statement(
    name: "recordMigration",
    sql: "INSERT INTO migration(number, name, checksum) VALUES(?1, ?2, ?3)",
    scope: .reference)
}
