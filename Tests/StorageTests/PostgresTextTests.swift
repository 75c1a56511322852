internal import Testing

@testable internal import Storage

@Suite struct PostgresTextTests {
  private func text(_ sql: String, _ scope: Statement.Scope = .bucket) -> String {
    PostgresText.rewritten(Statement(name: "s", sql: sql, scope: scope))
  }

  @Test("Parameters are numbered as PostgreSQL does, but not within literals")
  func parameters() {
    #expect(
      text("SELECT a FROM t WHERE b = ?1 AND c = '?2' AND d > ?12")
        == "SELECT a FROM t WHERE b = $1 AND c = '?2' AND d > $12")
    #expect(PostgresText.parameterCount("?1 '?9' ?3 ?2 ?1") == 3)
    #expect(PostgresText.parameterCount("SELECT 1") == 0)
  }

  @Test("Bytes and the greatest of several values are written as PostgreSQL has them")
  func values() {
    #expect(text("SET a = x'', b = x'00fF'") == "SET a = '\\x'::BYTEA, b = '\\x00fF'::BYTEA")
    #expect(
      text("SELECT max(a), max(a, min(b, ?1)) FROM t")
        == "SELECT max(a), GREATEST(a, LEAST(b, $1)) FROM t")
    #expect(text("SELECT max((a), f(b, c))") == "SELECT GREATEST((a), f(b, c))")
    #expect(text("SELECT max(f(a, b))") == "SELECT max(f(a, b))")
    #expect(text("SELECT max") == "SELECT max")
  }

  @Test("Types of a schema are PostgreSQL's; a column that is named as one keeps its name")
  func schema() {
    #expect(
      text(
        "CREATE TABLE t(id INTEGER, text TEXT, share REAL, body BLOB) WITHOUT ROWID", .maintenance)
        == "CREATE TABLE t(id BIGINT, text TEXT COLLATE \"C\", share DOUBLE PRECISION, body BYTEA) "
    )
    #expect(
      text("SELECT text FROM note WHERE bucket = ?1") == "SELECT text FROM note WHERE bucket = $1")
  }

  @Test("Sums are read exactly, fractions and what is over 64 bits not at all")
  func sums() {
    func read(_ digits: [Int16], weight: Int16, negative: Bool = false) -> Int64? {
      var bytes: [UInt8] = []
      for field in [Int16(digits.count), weight, negative ? 0x4000 : 0, 0] + digits {
        withUnsafeBytes(of: field.bigEndian) { bytes += $0 }
      }
      return bytes.withUnsafeBytes { PostgresValues.integer(1700, $0) }
    }
    #expect(read([], weight: 0) == 0)
    #expect(read([12, 3456], weight: 1) == 123_456)
    #expect(read([12], weight: 2) == 1_200_000_000)
    #expect(read([12, 3456], weight: 1, negative: true) == -123_456)
    #expect(read([922, 3372, 368, 5477, 5807], weight: 4) == .max)
    #expect(read([922, 3372, 368, 5477, 5808], weight: 4) == nil)
    #expect(read([922, 3372, 368, 5477, 5808], weight: 4, negative: true) == .min)
    #expect(read([1, 5000], weight: 0) == nil)
  }
}
