internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Wire

/// What an erasure asks for outside of its transaction (P10).
struct EraserDesk: Sendable {
  let database: DirectMailDatabase
  let journal: OptOutJournal
  let files: BatchFiles
  let stores: StoreBook
  let threads: ThreadPool

  /// Reads what is known of the person, and takes them out of the opt-out journal's lines and the
  /// documents of batches that were handed over: before the transaction, so that a row that is
  /// taken has all of its effect.
  ///
  /// - Throws: NOT_FOUND for a store that does not exist.
  func plan(_ order: CommonV1.ErasePerson) async throws -> PersonEraser.Plan {
    let controller = try await stores.store(order.store).settings?.controller ?? ""
    return try await threads.run {
      let (plan, isReady) = try database.read { session in
        (
          try PersonEraser.plan(order, controller: controller, session),
          try PersonEraser.isReady(order, session)
        )
      }
      if isReady { try redact(plan) }
      return plan
    }
  }

  private func redact(_ plan: PersonEraser.Plan) throws {
    let keys = Set(plan.addressKeys)
    let person = ObjectionKeys.contact(plan.controller, plan.order.contact)
    _ = try journal.redact { payload in
      var entry = try Stored.decode(DirectMailV1.JournaledObjection.self, payload, "opt-outs")
      guard entry.addressKeys.isEmpty, let key = entry.key else { return nil }
      if keys.contains(key) { return [] }
      guard key == person, entry.objection?.evidence.isEmpty == false else { return nil }
      entry.objection?.evidence = ""
      return try Stored.encode(entry)
    }
    for batch in plan.batches { try files.removeDocument(batch) }
  }

  /// What was overwritten goes from the files.
  func emptyLog() async throws {
    try await threads.run { try database.engine.emptyLogPatiently() }
  }
}
