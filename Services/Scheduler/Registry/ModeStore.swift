internal import Delivery
internal import Messages
internal import Storage

/// Modes in their table (F21).
enum ModeStore {
  /// Sets a mode, with a revision above the one before. In a transaction; the registry is to be
  /// told after it.
  ///
  /// - Throws: FAILED_PRECONDITION for LIVE where the flow's newest version is not approved.
  static func set(
    _ request: SchedulerV1.SetModeRequest, by identity: String, _ writing: Writing
  ) throws -> CommonV1.SendMode {
    if request.mode == .live && !request.flow.isEmpty {
      try ApprovalStore.requireApproved(request.flow, in: request.store, writing)
    }
    let known = try writing.session.first(
      SchedulerStatements.modeRevision, [.text(request.store), .text(request.flow)]
    ) { (revision: try $0.integer(0), mode: Int32(truncatingIfNeeded: try $0.integer(1))) }
    let revision = known?.revision ?? 0
    try AuditStore.add(
      .init(
        identity: identity, store: request.store, flow: request.flow, act: .mode,
        detail: known.map { "\(words(.init(rawValue: $0.mode))) → \(words(request.mode))" }
          ?? words(request.mode)), writing)
    let mode = CommonV1.SendMode(
      store: request.store, flow: request.flow, mode: request.mode,
      testAddresses: request.testAddresses, revision: UInt64(revision) + 1)
    try writing.session.execute(
      SchedulerStatements.putMode,
      [
        .text(mode.store), .text(mode.flow), .integer(mode.mode.rawValue),
        .integer(mode.revision), .blob(try Stored.encode(mode)),
      ])
    return mode
  }

  /// Such as `dry run`.
  private static func words(_ mode: CommonV1.Mode) -> String {
    "\(mode)".replacing("MODE_", with: "").replacing("_", with: " ").lowercased()
  }
}
