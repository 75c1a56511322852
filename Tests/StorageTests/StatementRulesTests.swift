internal import Storage
internal import Testing

@Suite struct StatementRulesTests {
  @Test(
    "A statement that keeps to the rules is left alone",
    arguments: [
      ("SELECT a FROM t WHERE bucket = ?1 AND b > ?2", Statement.Scope.bucket),
      ("INSERT INTO t(bucket, a) VALUES(?1, ?2) ON CONFLICT(bucket) DO NOTHING", .bucket),
      ("UPDATE t SET a = a * 2 WHERE bucket = ?1", .bucket),
      ("SELECT count(*) FROM t", .allBuckets),
      ("SELECT a FROM r WHERE id = ?1 AND b <> 'now() $1 *'", .reference),
    ])
  func keeps(sql: String, scope: Statement.Scope) {
    #expect(StatementRules.findings([Statement(name: "a", sql: sql, scope: scope)]) == [])
  }

  @Test(
    "Each breach is found",
    arguments: [
      ("SELECT a FROM t WHERE b = ?1", "bucket = ?1"),
      ("SELECT a FROM t WHERE bucket = ?2 AND b = ?1", "bucket = ?1"),
      ("INSERT INTO t(a, bucket) VALUES(?1, ?2)", "bucket = ?1"),
      ("INSERT INTO t VALUES(?1)", "list its columns"),
      ("SELECT * FROM t WHERE bucket = ?1", "columns"),
      ("SELECT t.* FROM t WHERE bucket = ?1", "columns"),
      ("SELECT now() FROM t WHERE bucket = ?1", "now()"),
      ("SELECT CURRENT_TIMESTAMP FROM t WHERE bucket = ?1", "CURRENT_TIMESTAMP"),
      ("SELECT random() FROM t WHERE bucket = ?1", "random()"),
      ("SELECT nextval('a') FROM t WHERE bucket = ?1", "sequence"),
      ("UPDATE t SET a = 1 WHERE bucket = ?1 RETURNING xmax", "xmax"),
      ("SELECT pg_advisory_lock(?2) FROM t WHERE bucket = ?1", "advisory"),
      ("SELECT a FROM t WHERE bucket = ?1 AND b = $2", "not ?n"),
      ("SELECT a FROM t WHERE bucket = ?1 AND b = ?", "without a number"),
      ("SELECT a FROM t WHERE bucket = ?1 AND b = ?3", "gap"),
      ("SELECT a FROM t WHERE bucket = ?1 AND b = \\(b)", "put together"),
      ("SELECT a FROM t WHERE bucket = ?1 AND b = '%s'", "put together"),
    ])
  func finds(sql: String, part: String) {
    let findings = StatementRules.findings([Statement(name: "a", sql: sql)])
    #expect(findings.contains { $0.hasPrefix("a: ") && $0.contains(part) }, "\(findings)")
  }

  @Test("Two statements of one name are found")
  func findsDoubles() {
    let one = Statement(name: "a", sql: "SELECT b FROM t WHERE bucket = ?1")
    #expect(StatementRules.findings([one, one]) == ["a: two statements have this name"])
  }

  @Test("The statements of the conformance suite keep to the rules")
  func ours() {
    #expect(StatementRules.findings(StoreConformance.Statements.all) == [])
  }
}
