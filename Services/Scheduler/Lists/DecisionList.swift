internal import Messages
internal import Storage

/// Pages of decisions, in the order of (decided_at, id).
struct DecisionList {
  let request: SchedulerV1.ListDecisionsRequest
  let session: any StorageSession
  let flows: FlowRegistry

  private struct Found {
    let bucket: UInt8
    let read: DecisionRow.Read

    var key: ListKey { ListKey(number: read.record.decidedAt, text: read.record.id.text) }
  }

  func page(_ page: ListPage) throws -> SchedulerV1.ListDecisionsResponse {
    let from = page.key?.number ?? request.decided?.from.map { Micros.up($0) } ?? .min
    let to = request.decided?.to.map { Micros.up($0) } ?? .max
    var merge = try BucketMerge(
      EnrolmentStatements.decisions, in: session,
      values: {
        [
          .integer($0), .text(request.store), .integer(from), .integer(to), .text(request.step),
        ]
      },
      isBefore: { (left: Found, right: Found) in left.key < right.key },
      read: { Found(bucket: $1, read: try DecisionRow.read($0)) })
    let reader = EnrolmentReader(session: session, flows: flows)
    var answer = SchedulerV1.ListDecisionsResponse()
    var last: ListKey?
    while let found = try merge.next() {
      if let key = page.key, !(key < found.key) { continue }
      guard matches(found.read.record) else { continue }
      let enrolment = try reader.enrolment(
        at: EnrolmentPlace(bucket: found.bucket, number: found.read.enrolment))
      if !request.flow.isEmpty && enrolment.flow != request.flow { continue }
      if answer.decisions.count == page.limit {
        answer.next = last.map { page.token($0) } ?? ""
        break
      }
      answer.decisions.append(
        try EnrolmentMessage.decision(found.read, enrolment, in: session))
      last = found.key
    }
    return answer
  }

  private func matches(_ record: DecisionRecord) -> Bool {
    if !request.verdicts.isEmpty && !request.verdicts.contains(record.verdict) { return false }
    if !request.reasons.isEmpty && !request.reasons.contains(record.reason) { return false }
    return true
  }
}
