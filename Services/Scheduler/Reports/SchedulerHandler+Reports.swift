internal import Delivery
internal import Messages
internal import Storage
internal import Stubs
internal import Transport
internal import Wire

/// Who entered, what happened, what it earned (R04, R05).
extension SchedulerHandler {
  func report(
    _ request: SchedulerV1.ReportRequest, _ call: ServerCall
  ) throws -> Reply<SchedulerV1.ReportResponse> {
    let windows = try ReportWindows(request.windows)
    return .later {
      let profile = try await store(request.store)
      return .now(
        try await reading { session in
          var builder = ReportBuilder(windows)
          let from = request.started?.from.map { Micros.up($0) } ?? .min
          let to = request.started?.to.map { Micros.up($0) } ?? .max
          for bucket in UInt8.min...UInt8.max {
            let purchases = try purchases(in: bucket, session)
            let values: [SQLValue] = [
              .integer(bucket), .text(request.store), .integer(from), .integer(to),
            ]
            try session.rows(EnrolmentStatements.startedWithin, values) { row in
              let enrolment = try EnrolmentRow(row, bucket: bucket).enrolment
              if !request.flow.isEmpty && enrolment.flow != request.flow { return true }
              try builder.add(
                enrolment, purchases[enrolment.id.owner] ?? [],
                stopsCartOnly: profile.stopsCartOnly(enrolment.cartKind)
              ) { number in
                try flows.entry(enrolment.flow, number, in: enrolment.store, session)?.version
              }
              return true
            }
          }
          return builder.response(asOf: now)
        })
    }
  }

  /// Purchases of a bucket by the part of the owner key that enrolments' ids begin with.
  private func purchases(
    in bucket: UInt8, _ session: any StorageSession
  ) throws -> [UInt64: [ReportBuilder.Bought]] {
    var found: [UInt64: [ReportBuilder.Bought]] = [:]
    try session.rows(EnrolmentStatements.allPurchases, [.integer(bucket)]) { row in
      let person = try OwnerKey(bytes: row.blob(0))
      found[Identifier.range(of: person).first.owner, default: []].append(
        .init(at: try row.integer(1), row: try PurchaseRow(row.blob(2))))
      return true
    }
    return found
  }
}
