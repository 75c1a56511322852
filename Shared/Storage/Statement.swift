/// One SQL statement with its name. A constant in a catalogue, with a line that says its purpose.
///
/// A list with filters may put its text together from constant pieces; its values are bound all
/// the same.
package struct Statement: Sendable, Hashable, CustomStringConvertible {
  /// What a statement may touch; checked by `StatementRules`.
  package enum Scope: Sendable, Hashable {
    /// One bucket, which is its first parameter.
    case bucket
    /// A table that has no buckets.
    case reference
    /// Every bucket: a list, export or report, never a worker.
    case allBuckets
    /// A migration, a check of the whole database.
    case maintenance
    /// What only one kind of engine understands.
    case engine
  }

  /// Its identity is what an engine remembers the prepared form by.
  final class Source: Sendable {
    let name: String
    let sql: String
    let scope: Scope

    init(_ name: String, _ sql: String, _ scope: Scope) {
      self.name = name
      self.sql = sql
      self.scope = scope
    }
  }

  let source: Source

  /// - Parameters:
  ///   - name: stands in errors; one of its kind in a catalogue.
  ///   - sql: parameters are `?1`, `?2`…
  package init(name: String, sql: String, scope: Scope = .bucket) {
    precondition(!name.isEmpty && !sql.isEmpty)
    source = Source(name, sql, scope)
  }

  package var name: String { source.name }
  package var sql: String { source.sql }
  package var scope: Scope { source.scope }
  package var description: String { source.name }

  package static func == (a: Self, b: Self) -> Bool {
    a.source === b.source || (a.name == b.name && a.sql == b.sql && a.scope == b.scope)
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(source.name)
    hasher.combine(source.sql)
  }
}
