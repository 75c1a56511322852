internal import Delivery
internal import Messages
internal import Storage

/// Pages of enrolments, newest first.
struct EnrolmentList {
  let request: SchedulerV1.ListEnrolmentsRequest
  let session: any StorageSession
  let flows: FlowRegistry

  func page(_ page: ListPage) throws -> SchedulerV1.ListEnrolmentsResponse {
    let found = try enrolments(behind: page.key, limit: page.limit + 1)
    let reader = EnrolmentReader(session: session, flows: flows)
    var answer = SchedulerV1.ListEnrolmentsResponse(
      enrolments: try found.prefix(page.limit).map { try reader.message($0) })
    if found.count > page.limit {
      answer.next = page.token(EnrolmentList.key(found[page.limit - 1]))
    }
    return answer
  }

  /// All of a contact or a cart, newest first.
  func all() throws -> [Enrolment] {
    precondition(!request.contact.isEmpty || !request.cart.isEmpty)
    return try enrolments(behind: nil, limit: .max)
  }

  /// Rises from the newest on.
  private static func key(_ enrolment: Enrolment) -> ListKey {
    ListKey(number: -enrolment.place.number, text: enrolment.id.text)
  }

  private func enrolments(behind key: ListKey?, limit: Int) throws -> [Enrolment] {
    if !request.contact.isEmpty || !request.cart.isEmpty {
      let some = try named().filter { enrolment in
        matches(enrolment) && (key.map { $0 < EnrolmentList.key(enrolment) } ?? true)
      }
      return Array(some.sorted { EnrolmentList.key($0) < EnrolmentList.key($1) }.prefix(limit))
    }
    // The page's last number is read again: other buckets may have the same.
    let newest = key.map { -$0.number } ?? .max
    var merge = try BucketMerge(
      EnrolmentStatements.newest, in: session,
      values: { [.integer($0), .integer(newest), .text(request.store), .text(request.flow)] },
      isBefore: { EnrolmentList.key($0) < EnrolmentList.key($1) },
      read: { try EnrolmentRow($0, bucket: $1).enrolment })
    var found: [Enrolment] = []
    while found.count < limit, let enrolment = try merge.next() {
      if let key, !(key < EnrolmentList.key(enrolment)) { continue }
      if matches(enrolment) { found.append(enrolment) }
    }
    return found
  }

  /// Of one contact with all linked identities, or about one cart.
  private func named() throws -> [Enrolment] {
    guard !request.contact.isEmpty else { return try ofCart() }
    let owner = OwnerKey.contact(store: request.store, contact: request.contact)
    return try PersonLinks.linked(with: owner, in: session).flatMap { person in
      let (first, last) = Identifier.range(of: person)
      return try session.all(
        EnrolmentStatements.ofOwner, [.integer(person.bucket), first.value, last.value]
      ) { try EnrolmentRow($0, bucket: person.bucket).enrolment }
    }
  }

  private func ofCart() throws -> [Enrolment] {
    try (UInt8.min...UInt8.max).flatMap { bucket in
      try session.all(
        EnrolmentStatements.ofCart, [.integer(bucket), .text(request.store), .text(request.cart)]
      ) { try EnrolmentRow($0, bucket: bucket).enrolment }
    }
  }

  private func matches(_ enrolment: Enrolment) -> Bool {
    guard enrolment.store == request.store,
      request.flow.isEmpty || enrolment.flow == request.flow,
      request.cart.isEmpty || enrolment.cart == request.cart
    else { return false }
    let state = EnrolmentMessage.state(enrolment.phase)
    if !request.states.isEmpty && !request.states.contains(state) { return false }
    if !request.reasons.isEmpty && !request.reasons.contains(enrolment.reason) { return false }
    return request.started.contains(enrolment.startedAt)
  }
}

extension CommonV1.TimeRange? {
  /// In microseconds; absent or open sides hold everything.
  func contains(_ instant: Int64) -> Bool {
    if let from = self?.from, instant < Micros.up(from) { return false }
    if let to = self?.to, instant >= Micros.up(to) { return false }
    return true
  }
}
