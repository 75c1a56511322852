internal import Delivery
internal import Messages
internal import Wire

/// Consents are events of their contact like all else that is known of it: the log, which nobody
/// changes, is their evidence.
extension Commands {
  func grantConsent(
    _ request: Tracked.GrantConsentRequest, by caller: String
  ) async throws -> Tracked.ListConsentsResponse {
    let entry = try recorder.store(request.store)
    let consent = request.consent ?? Tracked.Consent()
    var violations = ConsentRules.violations(of: consent, "consent")
    if consent.wordingVersion.isEmpty {
      violations.append(.init(field: "consent.wording_version", detail: "is required, is empty"))
    }
    if consent.withdrawnAt != nil {
      violations.append(
        .init(field: "consent.withdrawn_at", detail: "is what WithdrawConsent says"))
    }
    violations += future("consent.given_at", consent.givenAt)
    violations += future("consent.confirmed_at", consent.confirmedAt)
    try refuse(violations)
    return try await run(
      "GrantConsent", request.store, request.idempotencyKey, request,
      about: .contact(store: request.store, contact: request.contact)
    ) {
      try effect([consent], request.contact, entry, "grant:" + request.idempotencyKey, by: caller)
    }
  }

  func confirmConsent(
    _ request: Tracked.ConfirmConsentRequest, by caller: String
  ) async throws -> Tracked.ListConsentsResponse {
    let entry = try recorder.store(request.store)
    try refuse(future("confirmed_at", request.confirmedAt))
    return try await run(
      "ConfirmConsent", request.store, request.idempotencyKey, request,
      about: .contact(store: request.store, contact: request.contact)
    ) {
      let at = request.confirmedAt?.microseconds ?? now
      let contact = Identity(store: request.store, kind: .contact, id: request.contact)
      let known = try reader.read(contact) { reading, _ in
        let use = Tracked.Use(channel: request.channel, purpose: request.purpose)
        return BasisRule(packs: .shipped, rules: entry.rules, now: now)
          .evidence(use, .init(reading.group)).express
      }
      guard var consent = known ?? nil else {
        throw RPCError(.failedPrecondition, "no consent stands for this channel and purpose")
      }
      guard at >= consent.givenAt?.microseconds ?? 0 else {
        throw RPCError(
          .invalidArgument, "the consent was given later",
          fieldViolations: [.init(field: "confirmed_at", detail: "lies before given_at")])
      }
      consent.confirmedAt = Protobuf.Timestamp(instant: at)
      return try effect(
        [consent], request.contact, entry, "confirm:" + request.idempotencyKey, by: caller)
    }
  }

  func withdrawConsent(
    _ request: Tracked.WithdrawConsentRequest, by caller: String
  ) async throws -> Tracked.ListConsentsResponse {
    let entry = try recorder.store(request.store)
    var violations = future("withdrawn_at", request.withdrawnAt)
    if request.channel != .unspecified && !request.channel.needsBasis {
      violations.append(
        .init(field: "channel", detail: "must reach a customer, is \(request.channel)"))
    }
    try refuse(violations)
    return try await run(
      "WithdrawConsent", request.store, request.idempotencyKey, request,
      about: .contact(store: request.store, contact: request.contact)
    ) {
      let at = request.withdrawnAt ?? Protobuf.Timestamp(instant: now)
      let channels = request.channel == .unspecified ? CommonV1.Channel.personal : [request.channel]
      let purpose = request.purpose.isEmpty ? ConsentEvidence.everyPurpose : request.purpose
      let consents = channels.map { channel in
        Tracked.Consent(
          channel: channel, purpose: purpose, source: request.source, givenAt: at, withdrawnAt: at)
      }
      return try effect(
        consents, request.contact, entry, "withdraw:" + request.idempotencyKey, by: caller)
    }
  }

  private func effect(
    _ consents: [Tracked.Consent], _ contact: String, _ entry: StoreRegistry.Entry, _ id: String,
    by caller: String
  ) throws -> Effect<Tracked.ListConsentsResponse> {
    let identity = Identity(store: entry.store.id, kind: .contact, id: contact)
    let upsert = Tracked.ContactUpserted(profile: Tracked.ContactProfile(consents: consents))
    let record = event(.contactUpserted(upsert), identity, "command:" + id, by: caller, now)
    let answer = try reader.read(identity, adding: [record]) { reading, _ in
      ConsentList(rules: entry.rules, now: now).answer(reading.group, uses: [])
    }
    guard let answer else { throw RPCError(.notFound, "there is no store of this name") }
    return Effect(entries: [try JournalEntry(record)], answer: answer)
  }

  /// As events: a little ahead is a clock's fault, more is a mistake.
  private func future(
    _ field: String, _ at: Protobuf.Timestamp?
  ) -> [RPCError.FieldViolation] {
    guard let at, at.microseconds > now.addingClamped(Recorder.aheadMax) else { return [] }
    return [.init(field: field, detail: "lies more than 5 minutes ahead")]
  }

  private func refuse(_ violations: [RPCError.FieldViolation]) throws(RPCError) {
    if violations.isEmpty { return }
    throw RPCError(
      .invalidArgument, "nothing was stored: the request is not valid", fieldViolations: violations)
  }
}
