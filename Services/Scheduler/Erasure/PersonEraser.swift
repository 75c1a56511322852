internal import Delivery
package import Messages
package import Storage

/// Takes out of decisions what they rested on (P10): facts of the person. What was decided, when
/// and why stays, and so do the legal basis and what was given.
struct PersonEraser {
  static let service = "scheduler"
  /// They name no one.
  private static let kept: Set = ["legal basis", "incentive"]

  let session: any StorageSession
  let now: Int64

  var book: ErasedBook<Stored> { ErasedBook(Stored.self, service: Self.service, session) }

  /// In a transaction that has fenced the identity's bucket. A second time it does nothing.
  func erase(_ order: CommonV1.ErasePerson) throws {
    let owner = order.owner
    if try book.isErased(owner) { return }
    let (first, last) = Identifier.range(of: owner)
    let enrolments = try session.all(
      EnrolmentStatements.ofOwner, [owner.bucketValue, first.value, last.value]
    ) { try EnrolmentRow($0, bucket: owner.bucket).enrolment }
    var count: UInt64 = 0
    for enrolment in enrolments where enrolment.store == order.store {
      for visit in enrolment.visits where try redact(visit, of: enrolment) { count += 1 }
    }
    try book.put(order, [.init(what: "decision facts", rows: count)], now: now)
  }

  private func redact(_ visit: Visit, of enrolment: Enrolment) throws -> Bool {
    let place: [SQLValue] = [
      .integer(enrolment.bucket), .text(enrolment.store), .integer(visit.decidedAt),
    ]
    let rows = try session.all(EnrolmentStatements.decisionsAt, place) { try DecisionRow.read($0) }
    var isRedacted = false
    for read in rows where read.enrolment == enrolment.place.number {
      var record = read.record
      record.facts.removeAll { !Self.kept.contains($0.name) }
      if record.facts.count == read.record.facts.count { continue }
      var decided = enrolment
      decided.version = read.version
      try session.execute(
        EnrolmentStatements.removeDecision, place + [record.id.value])
      try session.execute(EnrolmentStatements.addDecision, DecisionRow.values(record, decided))
      isRedacted = true
    }
    return isRedacted
  }
}

/// The scheduler's lines of its erasure journal: whom, and nothing personal (T31).
extension CommonV1.ErasePerson: OptOutEntry {
  package typealias Rows = Stored

  package var bucket: UInt8? { owner.bucket }

  package static func all(of bucket: UInt8, _ session: any StorageSession) throws -> [Self] {
    try ErasedBook(Stored.self, service: PersonEraser.service, session).orders(of: bucket)
  }

  package func apply(_ session: any StorageSession) throws {
    try PersonEraser(session: session, now: at.map(Micros.of) ?? 0).erase(self)
  }
}

/// The database as the journal brings it up to date, before anything else writes.
struct ErasedLedger: OptOutDatabase {
  let engine: any StorageEngine
  let lease: BucketLease

  func read<R>(_ body: (any StorageSession) throws -> R) throws -> R { try engine.read(body) }

  func commitBlocking<R: Sendable>(
    _ buckets: [UInt8], weight: Int,
    _ apply: @escaping @Sendable (any StorageSession) throws -> R
  ) throws -> R {
    try engine.write { session in
      for bucket in Set(buckets).sorted() { try lease.fence(session, bucket) }
      return try apply(session)
    }
  }
}
