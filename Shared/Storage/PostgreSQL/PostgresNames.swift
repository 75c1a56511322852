/// What the statements of one connection are called where they are prepared. Bounded: the one used
/// least recently goes first.
struct PostgresNames {
  static let max = 512

  enum Change {
    case known
    /// - Parameter forget: another one's name, which is free then.
    case prepare(sql: String, parameters: Int, forget: String?)
  }

  /// The same text with other kinds of values is another statement to the server.
  private struct Key: Hashable {
    let sql: String
    let types: [UInt32]
  }

  private struct Entry {
    let name: String
    var usedAt: UInt64
  }

  private var entries: [Key: Entry] = [:]
  private var clock: UInt64 = 0

  mutating func name(_ statement: Statement, _ values: [SQLValue]) -> (String, Change) {
    clock += 1
    let key = key(statement, values)
    if let entry = entries[key] {
      entries[key]?.usedAt = clock
      return (entry.name, .known)
    }
    var old: String?
    if entries.count >= PostgresNames.max,
      let oldest = entries.min(by: { $0.value.usedAt < $1.value.usedAt })
    {
      entries[oldest.key] = nil
      old = oldest.value.name
    }
    let name = "s\(clock)"
    entries[key] = Entry(name: name, usedAt: clock)
    return (
      name,
      .prepare(
        sql: PostgresText.rewritten(statement),
        parameters: PostgresText.parameterCount(statement.sql), forget: old)
    )
  }

  /// It was not prepared after all.
  mutating func forget(_ statement: Statement, _ values: [SQLValue]) {
    entries[key(statement, values)] = nil
  }

  mutating func forgetAll() { entries = [:] }

  private func key(_ statement: Statement, _ values: [SQLValue]) -> Key {
    Key(sql: statement.sql, types: values.map { PostgresValues.type(of: $0) })
  }
}
