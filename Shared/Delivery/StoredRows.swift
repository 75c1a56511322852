package import Messages
internal import Storage
internal import Synchronization

/// Messages in a service's own rows: written by it, and never trusted.
package protocol StoredRows {
  /// What the messages of its rows are unpacked in.
  static var arenas: ArenaPool { get }
}

extension StoredRows {
  /// - Throws: `StorageError` that names the table, where the bytes are no such message.
  package static func decode<M: Message>(
    _ type: M.Type, _ bytes: [UInt8], _ table: String
  ) throws -> M {
    let lent = arenas.take()
    defer { arenas.give(lent) }
    do {
      return try bytes.withUnsafeBytes { raw in try M.decode(raw, in: lent.arena) }
    } catch {
      throw StorageError(.corrupt, "a row of \(table) is no \(M.fullName): \(error)")
    }
  }

  /// - Precondition: the message is one that we made, so that it can be written.
  package static func encode(_ message: some Message) throws -> [UInt8] {
    let lent = arenas.take()
    defer { arenas.give(lent) }
    return try [UInt8](encoding: message.encode, in: lent.arena)
  }
}

/// Arenas for threads that decode and encode rows: a new one for each row would take its memory
/// from the system and give it back.
package final class ArenaPool: Sendable {
  /// One arena with its memory.
  ///
  /// `@unchecked Sendable`, because whoever took it from the pool is the only one to know it until
  /// it is given back.
  final class Lent: @unchecked Sendable {
    let arena: Arena

    init(_ bytesMax: Int) { arena = Arena(limit: bytesMax) }
  }

  private let bytesMax: Int
  private let keptMax: Int
  private let idle = Mutex<[Lent]>([])

  /// - Parameters:
  ///   - bytesMax: that one message may take.
  ///   - keptMax: arenas kept for the next row.
  package init(bytesMax: Int, keptMax: Int) {
    self.bytesMax = bytesMax
    self.keptMax = keptMax
  }

  func take() -> Lent { idle.withLock { $0.popLast() } ?? Lent(bytesMax) }

  func give(_ lent: Lent) {
    lent.arena.reset()
    idle.withLock { idle in
      if idle.count < keptMax { idle.append(lent) }
    }
  }
}
