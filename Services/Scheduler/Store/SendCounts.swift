internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage

/// A send as it counts for caps, at the time it was decided (F15).
struct SendCount: Sendable, Equatable {
  let order: Identifier
  /// Microseconds.
  let at: Int64
  let channel: CommonV1.Channel
  /// Of a dry run: counts for dry runs only.
  let isDry: Bool
  /// The contact's.
  let own: OwnerKey
  /// The other keys that it counts under.
  let keys: [OwnerKey]
}

/// When a send was, to be told from others.
struct CountedSend: Hashable {
  let at: Int64
  let order: Identifier
}

extension Writing {
  /// Keeps that a send counts; a repeat changes nothing.
  func count(_ send: SendCount) throws {
    try count(send, under: send.own, keys: send.keys.flatMap(\.bytes))
    for key in send.keys { try count(send, under: key, keys: []) }
  }

  private func count(_ send: SendCount, under key: OwnerKey, keys: [UInt8]) throws {
    try fence(key.bucket)
    try session.execute(
      LimitStatements.count,
      [
        key.bucketValue, key.value, .integer(send.at), send.order.value,
        .integer(SendLimit.bit(send.channel)), .flag(send.isDry), .blob(keys),
      ])
  }

  /// What counts for a limit under a key: the newest, as many as the limit's count at most.
  func counted(
    under key: OwnerKey, _ limit: SendLimit, now: Int64, withDry: Bool
  ) throws -> [CountedSend] {
    try session.all(
      LimitStatements.counted,
      [
        key.bucketValue, key.value, .integer(Micros.sum(now, -limit.period)),
        .integer(limit.channelBits), .flag(withDry), .integer(limit.count),
      ]
    ) { CountedSend(at: try $0.integer(0), order: try Identifier(bytes: $0.blob(1))) }
  }

  /// Nothing of it has left, nor will: it counts no longer. Nothing happens where it does not.
  ///
  /// - Parameters:
  ///   - owner: of the contact.
  ///   - at: when it was decided.
  func release(_ order: Identifier, of owner: OwnerKey, at: Int64) throws {
    let row: [SQLValue] = [owner.bucketValue, owner.value, .integer(at), order.value]
    guard let keys = try session.first(LimitStatements.countedKeys, row, { try $0.blob(0) }) else {
      return
    }
    try fence(owner.bucket)
    try session.execute(LimitStatements.release, row)
    for start in stride(from: 0, to: keys.count, by: OwnerKey.size) {
      let key = try OwnerKey(bytes: Array(keys[start...].prefix(OwnerKey.size)))
      try fence(key.bucket)
      try session.execute(
        LimitStatements.release, [key.bucketValue, key.value, .integer(at), order.value])
    }
  }
}

/// What holdouts are chosen with: made once for the installation.
enum Salt {
  /// Reads it, and makes it where there is none. Blocks.
  static func load(
    _ engine: any StorageEngine, chance: inout SplitMix64
  ) throws -> [UInt8] {
    var made: [UInt8] = []
    for word in [chance.next(), chance.next()] as [UInt64] {
      made += (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64($0 * 8)) }
    }
    return try engine.write { session in
      try session.execute(LimitStatements.addSalt, [.blob(made)])
      guard let salt = try session.first(LimitStatements.salt, [], { try $0.blob(0) }) else {
        throw StorageError(.corrupt, "there is no salt")
      }
      return salt
    }
  }
}
