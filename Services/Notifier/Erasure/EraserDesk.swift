internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Wire

/// What an erasure asks for outside of its transaction (P10).
struct EraserDesk: Sendable {
  let database: NotifierDatabase
  let journal: OptOutJournal
  let stores: StoreBook
  let threads: ThreadPool

  /// Reads what is known of the person, and takes them out of the opt-out journal's lines: before
  /// the transaction, so that a row that is taken has all of its effect.
  ///
  /// - Throws: NOT_FOUND for a store that does not exist.
  func plan(_ order: CommonV1.ErasePerson) async throws -> PersonEraser.Plan {
    let controller = try await stores.store(order.store).settings?.controller ?? ""
    return try await threads.run {
      let plan = try database.read {
        try PersonEraser.plan(order, controller: controller, $0)
      }
      let keys = Set(plan.addresses.flatMap(\.both))
      _ = try journal.redact { payload in
        let entry = try Stored.decode(NotifierV1.JournaledSuppression.self, payload, "opt-outs")
        guard entry.addressKeys.isEmpty, let key = entry.key, keys.contains(key) else { return nil }
        return []
      }
      return plan
    }
  }

  /// What was overwritten goes from the files.
  func emptyLog() async throws {
    try await threads.run { try database.engine.emptyLogPatiently() }
  }
}
