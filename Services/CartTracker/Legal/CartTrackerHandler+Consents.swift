internal import Messages
internal import Storage
internal import Transport
internal import Wire

extension CartTrackerHandler {
  func grantConsent(
    _ request: Tracked.GrantConsentRequest, _ call: ServerCall
  ) throws -> Reply<Tracked.ListConsentsResponse> {
    .later {
      .now(try await edge { try await commands.grantConsent(request, by: call.identity.uri) })
    }
  }

  func confirmConsent(
    _ request: Tracked.ConfirmConsentRequest, _ call: ServerCall
  ) throws -> Reply<Tracked.ListConsentsResponse> {
    .later {
      .now(try await edge { try await commands.confirmConsent(request, by: call.identity.uri) })
    }
  }

  func withdrawConsent(
    _ request: Tracked.WithdrawConsentRequest, _ call: ServerCall
  ) throws -> Reply<Tracked.ListConsentsResponse> {
    .later {
      .now(try await edge { try await commands.withdrawConsent(request, by: call.identity.uri) })
    }
  }

  func listConsents(
    _ request: Tracked.ListConsentsRequest, _ call: ServerCall
  ) throws -> Reply<Tracked.ListConsentsResponse> {
    let entry = try recorder.store(request.store)
    return .later {
      .now(
        try await reading {
          let identity = Identity(store: request.store, kind: .contact, id: request.contact)
          let answer = try reader.read(identity) {
            reading, _ -> Tracked.ListConsentsResponse? in
            reading.isKnown
              ? ConsentList(rules: entry.rules, now: now).answer(reading.group, uses: request.uses)
              : nil
          }
          guard let answer = answer ?? nil else {
            throw RPCError(.notFound, "no event named a contact of this id")
          }
          return answer
        })
    }
  }

  func exportConsents(
    _ request: Tracked.ExportConsentsRequest,
    _ responses: ResponseWriter<Tracked.ExportConsentsResponse>, _ call: ServerCall
  ) async throws {
    _ = try recorder.store(request.store)
    if !request.contact.isEmpty {
      let proofs = try await reading { try consentProofs(of: request.contact, in: request.store) }
      return try await send(proofs, responses)
    }
    var after = ""
    repeat {
      let page = CommonV1.Page(limit: 100, after: after)
      let contacts = try await listing { session -> Tracked.ListContactsResponse in
        try ContactList(Tracked.ListContactsRequest(store: request.store))
          .page(page, in: session)
      }
      for contact in contacts.contacts {
        let proofs = try await reading { try consentProofs(of: contact.id, in: request.store) }
        try await send(proofs, responses)
      }
      after = contacts.next
    } while !after.isEmpty
  }

  /// As many at once as fit into a frame, however long each is.
  private func send(
    _ proofs: [Tracked.ConsentProof], _ responses: ResponseWriter<Tracked.ExportConsentsResponse>
  ) async throws {
    for start in stride(from: 0, to: proofs.count, by: 256) {
      let part = Array(proofs[start..<min(start + 256, proofs.count)])
      try await responses.send(Tracked.ExportConsentsResponse(proofs: part))
    }
  }

  private func consentProofs(of contact: String, in store: String) throws -> [Tracked.ConsentProof]
  {
    let identity = Identity(store: store, kind: .contact, id: contact)
    let events = try reader.read(identity) { reading, rows -> [Tracked.StoredEvent] in
      try EventList.events(of: reading.group.members[0], rows, recorder.journal)
    }
    return ConsentProofs.proofs(of: contact, events ?? [])
  }
}
