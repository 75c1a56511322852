internal import Messages
internal import Storage
internal import Synchronization

/// Messages in our own rows: written by us, and never trusted.
enum Stored {
  /// - Throws: `StorageError` that names the table, where the bytes are no such message.
  static func decode<M: Message>(
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
  static func encode(_ message: some Message) throws -> [UInt8] {
    let lent = arenas.take()
    defer { arenas.give(lent) }
    return try [UInt8](encoding: message.encode, in: lent.arena)
  }

  private static let arenas = ArenaPool()
}

/// Arenas for threads that decode and encode rows: a new one for each row would take its memory
/// from the system and give it back.
private final class ArenaPool: Sendable {
  /// One arena with its memory.
  ///
  /// `@unchecked Sendable`, because whoever took it from the pool is the only one to know it until
  /// it is given back.
  final class Lent: @unchecked Sendable {
    let arena = Arena(limit: ArenaPool.bytesMax)
  }

  private static let bytesMax = 1 << 28
  private static let keptMax = 16
  private let idle = Mutex<[Lent]>([])

  func take() -> Lent { idle.withLock { $0.popLast() } ?? Lent() }

  func give(_ lent: Lent) {
    lent.arena.reset()
    idle.withLock { idle in
      if idle.count < Self.keptMax { idle.append(lent) }
    }
  }
}
