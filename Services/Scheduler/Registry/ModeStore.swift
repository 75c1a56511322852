internal import Delivery
internal import Messages
internal import Storage

/// Modes in their table (F21).
enum ModeStore {
  /// Sets a mode, with a revision above the one before. In a transaction; the registry is to be
  /// told after it.
  static func set(
    _ request: SchedulerV1.SetModeRequest, _ writing: Writing
  ) throws -> CommonV1.SendMode {
    let revision =
      try writing.session.first(
        SchedulerStatements.modeRevision, [.text(request.store), .text(request.flow)]
      ) { try $0.integer(0) } ?? 0
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
}
