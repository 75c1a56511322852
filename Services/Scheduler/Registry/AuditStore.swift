internal import Delivery
internal import Messages
internal import Storage

/// Who changed what sends, and when (F21). Only ever appended to, each entry in the transaction of
/// what it tells of.
enum AuditStore {
  static func add(_ entry: SchedulerV1.AuditEntry, _ writing: Writing) throws {
    var entry = entry
    entry.at = Micros.timestamp(writing.now)
    let last = try writing.session.first(BrakeStatements.lastAudit) { try $0.integer(0) } ?? 0
    try writing.session.execute(
      BrakeStatements.addAudit,
      [
        .integer(last + 1), .text(entry.store), .text(entry.flow), .integer(writing.now),
        .blob(try Stored.encode(entry)),
      ])
  }

  /// A page, newest first.
  static func list(
    _ request: SchedulerV1.ListAuditRequest, _ page: ListPage, _ session: any StorageSession
  ) throws -> SchedulerV1.ListAuditResponse {
    let rows = try session.all(
      BrakeStatements.audit,
      [
        .text(request.store), .text(request.flow),
        .integer(request.at?.from.map { Micros.of($0) } ?? .min),
        .integer(request.at?.to.map { Micros.of($0) } ?? .max),
        .integer(page.key?.number ?? .max), .integer(page.limit + 1),
      ]
    ) { row in
      (
        number: try row.integer(0),
        entry: try Stored.decode(SchedulerV1.AuditEntry.self, row.blob(1), "audit")
      )
    }
    var answer = SchedulerV1.ListAuditResponse(entries: rows.prefix(page.limit).map(\.entry))
    if rows.count > page.limit {
      answer.next = page.token(ListKey(number: rows[page.limit - 1].number, text: ""))
    }
    return answer
  }
}
