internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage

/// One identity to be erased, with where its rows stand in the log as far as was looked.
struct Erasing: Sendable {
  let identity: Identity
  /// With its addresses.
  let order: CommonV1.ErasePerson
  let requestedBy: String
  /// Positions up to and with `lookedUntil`.
  let positions: [UInt64]
  let lookedUntil: UInt64
}

/// Redacts the rows of a person in journal.db, in one transaction with the record of it.
struct LogEraser {
  let session: any StorageSession

  static func isErased(_ key: PersonKey, _ session: any StorageSession) throws -> Bool {
    try session.first(LogErasureStatements.erasure, [key.bucketValue, key.value]) { _ in true }
      ?? false
  }

  /// - Parameter position: where the record of it will stand.
  func erase(_ erasing: Erasing, position: UInt64) throws {
    let key = erasing.identity.key
    var count: UInt64 = 0
    let later = try session.all(
      LogErasureStatements.positions,
      [key.bucketValue, key.value, .integer(erasing.lookedUntil)]
    ) { UInt64(bitPattern: try $0.integer(0)) }
    for position in erasing.positions + later where try redact(position) { count += 1 }
    var answers: UInt64 = 0
    for bucket in 0..<256 {
      answers += UInt64(
        try session.execute(LogErasureStatements.emptyAnswers, [.integer(bucket), key.value]))
    }
    let stored = Tracked.StoredErasure(
      order: erasing.order, position: position, requestedBy: erasing.requestedBy,
      redacted: [
        .init(what: "log row", rows: count), .init(what: "command answer", rows: answers),
      ])
    try put(stored, key)
  }

  private func redact(_ position: UInt64) throws -> Bool {
    let body = try session.first(JournalStatements.body, [.integer(position)]) { try $0.blob(0) }
    guard let body else { throw StorageError(.corrupt, "the log has no position \(position)") }
    let record = try Stored.decode(Tracked.LogRecord.self, body, "log")
    let redacted = record.redacted
    if redacted == record { return false }
    try session.execute(
      LogErasureStatements.replace, [.integer(position), .blob(try Stored.encode(redacted))])
    return true
  }

  /// What was handed on is handed on: its addresses go.
  func forgetAddresses(of key: PersonKey) throws {
    let body = try session.first(LogErasureStatements.erasure, [key.bucketValue, key.value]) {
      try $0.blob(0)
    }
    guard let body else { return }
    var stored = try Stored.decode(Tracked.StoredErasure.self, body, "erasure")
    if stored.order?.hasAddresses != true { return }
    stored.order = stored.order?.withoutAddresses
    try put(stored, key)
  }

  private func put(_ stored: Tracked.StoredErasure, _ key: PersonKey) throws {
    guard let id = UUIDText.bytes(stored.order?.erasure ?? "") else {
      throw StorageError(.corrupt, "an erasure has no id")
    }
    try session.execute(
      LogErasureStatements.put,
      [key.bucketValue, key.value, .blob(id), .blob(try Stored.encode(stored))])
  }
}
