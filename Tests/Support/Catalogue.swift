package import Storage

/// Whether statements run on a schema, on either kind of engine.
package enum Catalogue {
  /// Each kind of engine with the schema, empty.
  package static func engines(_ migrations: [Migration]) throws -> [any StorageEngine] {
    let engines: [any StorageEngine] = [
      try SQLiteEngine.inMemory(),
      try PostgresEngine(address: TestPostgres.shared().database()),
    ]
    for engine in engines { try Migrator(migrations).migrate(engine) }
    return engines
  }

  /// A line for each statement that does not run; none where all do. What is refused by a rule of
  /// the tables runs.
  package static func failures(
    _ statements: [Statement], on engine: any StorageEngine
  ) -> [String] {
    statements.compactMap { statement in
      let count = Set(statement.sql.matches(of: /\?\d+/).map { String($0.output) }).count
      // PostgreSQL finds out what a NULL is to be; SQLite wants limits to be numbers.
      let value: SQLValue = engine is SQLiteEngine ? .integer(1 as Int64) : .null
      let values = [SQLValue](repeating: value, count: count)
      do {
        try engine.write { session in try session.rows(statement, values) { _ in true } }
        return nil
      } catch let error as StorageError {
        if case .constraint = error.code { return nil }
        return "\(type(of: engine)): \(error)"
      } catch { return "\(statement): \(error)" }
    }
  }
}
