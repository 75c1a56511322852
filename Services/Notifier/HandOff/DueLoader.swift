internal import Messages
internal import ServiceKit
internal import Storage
internal import Synchronization

/// Reads messages whose time has come, as far as their lanes have room.
final class DueLoader: Worker {
  let name = "due messages"
  private let database: NotifierDatabase
  private let heads: DueHeads
  private let handOff: HandOff
  private let reading = Atomic<Bool>(false)

  init(database: NotifierDatabase, heads: DueHeads, handOff: HandOff) {
    self.database = database
    self.heads = heads
    self.handOff = handOff
  }

  var isReading: Bool { reading.load(ordering: .sequentiallyConsistent) }

  func runOnce(now: Instant) throws -> NextRun {
    reading.store(true, ordering: .sequentiallyConsistent)
    defer { reading.store(false, ordering: .sequentiallyConsistent) }
    let now = now.microseconds
    let due = heads.takeDue(now) { handOff.room($0) > 0 }
    if due.isEmpty {
      guard let first = heads.first, first > now else { return .whenWoken }
      return .at(Instant(microseconds: first))
    }
    var left = due[...]
    do {
      try database.read { session in
        while let (place, since) = left.first {
          try load(place, since: since, now, session)
          left.removeFirst()
        }
      }
    } catch {
      for (place, since) in left { heads.note(place.bucket, place.channel, since) }
      throw error
    }
    return .again
  }

  private func load(
    _ place: DueHeads.Place, since: Int64, _ now: Int64, _ session: any StorageSession
  ) throws {
    let room = handOff.room(place.channel)
    if room == 0 {
      heads.note(place.bucket, place.channel, since)
      return
    }
    var messages: [DueMessage] = []
    var last = since
    try session.rows(
      MessageStatements.due,
      [
        .integer(place.bucket), .integer(place.channel.rawValue), .integer(since), .integer(now),
        .integer(room + handOff.heldCount),
      ]
    ) { row in
      guard let key = MessageKey(bucket: place.bucket, id: try row.blob(0)) else {
        throw StorageError(.corrupt, "a message's id has not 16 bytes")
      }
      // In memory already: it says itself when it is due again.
      if handOff.holds(key) { return true }
      last = try row.integer(1)
      messages.append(
        try DueMessage(
          key: key, body: row.blob(4), failures: Int(row.integer(3)),
          isUnsure: row.integer(2) == 1, log: row.blob(5),
          reason: .init(rawValue: Int32(truncatingIfNeeded: row.integer(6)))))
      return messages.count < room
    }
    // Before they are taken: one that comes back while it is taken notes its own time.
    if messages.count >= room {
      heads.note(place.bucket, place.channel, last)
    } else if let next = try session.first(
      MessageStatements.nextDue,
      [.integer(place.bucket), .integer(place.channel.rawValue), .integer(now)],
      { try $0.integer(0) })
    {
      heads.note(place.bucket, place.channel, next)
    }
    if !messages.isEmpty { handOff.take(messages, place.channel) }
  }
}
