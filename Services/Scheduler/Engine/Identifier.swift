internal import Delivery
internal import ServiceKit
internal import Storage

/// 16 bytes by which an enrolment, a decision or an order is named; a UUID outside. The first byte
/// is the bucket.
///
/// Derived from what it names, so that the same start, step and channel have the same id after any
/// crash. Stored rows depend on the rules below: they never change.
struct Identifier: Hashable, Comparable, Sendable {
  private let high: UInt64
  private let low: UInt64

  static let size = 16

  /// Of the enrolment that something starts for a contact in a flow: 8 bytes of the contact's owner
  /// key, so that one index finds a contact's enrolments and an enrolment, then 8 of a hash.
  ///
  /// - Parameters:
  ///   - owner: of the contact; else of the guest that it is not known of.
  ///   - start: the episode, or the event, that started it.
  static func enrolment(owner: OwnerKey, flow: String, start: String) -> Identifier {
    var hash = SHA256()
    hash.update(flow)
    hash.update([0])
    hash.update(start)
    let digest = hash.finish()
    return Identifier(high: Identifier.word(owner.bytes, 0), low: Identifier.word(digest, 0))
  }

  /// Of the message that a step of an enrolment orders on a channel.
  static func order(of enrolment: Identifier, step: String, channel: Int32) -> Identifier {
    derived(from: enrolment, "order", step, UInt8(truncatingIfNeeded: channel))
  }

  /// Of the decision about a step of an enrolment.
  static func decision(of enrolment: Identifier, step: String) -> Identifier {
    derived(from: enrolment, "decision", step, 0)
  }

  /// Of what a step of an enrolment gives, or would give in a dry run.
  static func gift(of enrolment: Identifier, step: String, isDry: Bool) -> Identifier {
    derived(from: enrolment, "gift", step, isDry ? 1 : 0)
  }

  private static func derived(
    from enrolment: Identifier, _ kind: String, _ step: String, _ last: UInt8
  ) -> Identifier {
    var hash = SHA256()
    hash.update(kind)
    hash.update(enrolment.bytes)
    hash.update([last])
    hash.update(step)
    let digest = hash.finish()
    let rest = word(digest, 0) & (UInt64.max >> 8)
    return Identifier(high: UInt64(enrolment.bucket) << 56 | rest, low: word(digest, 8))
  }

  /// The bounds of the ids of all enrolments of an owner, both included.
  static func range(of owner: OwnerKey) -> (first: Identifier, last: Identifier) {
    let high = word(owner.bytes, 0)
    return (Identifier(high: high, low: 0), Identifier(high: high, low: .max))
  }

  init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// - Throws: `StorageError` where a row's id has another size.
  init(bytes: [UInt8]) throws {
    guard bytes.count == Identifier.size else {
      throw StorageError(.corrupt, "an id has \(bytes.count) bytes, not 16")
    }
    self.init(high: Identifier.word(bytes, 0), low: Identifier.word(bytes, 8))
  }

  /// Nil for a text that is no UUID.
  init?(text: String) {
    guard let bytes = UUIDText.bytes(text) else { return nil }
    self.init(high: Identifier.word(bytes, 0), low: Identifier.word(bytes, 8))
  }

  private static func word(_ bytes: [UInt8], _ offset: Int) -> UInt64 {
    bytes.withUnsafeBytes { raw in
      UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
  }

  /// What the ids of all enrolments of one owner begin with.
  var owner: UInt64 { high }

  var bucket: UInt8 { UInt8(truncatingIfNeeded: high >> 56) }

  var bytes: [UInt8] {
    [UInt8](unsafeUninitializedCapacity: Identifier.size) { buffer, count in
      let raw = UnsafeMutableRawBufferPointer(buffer)
      raw.storeBytes(of: high.bigEndian, as: UInt64.self)
      raw.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
      count = Identifier.size
    }
  }

  var text: String { UUIDText.text(bytes) }
  var value: SQLValue { .blob(bytes) }

  static func < (left: Identifier, right: Identifier) -> Bool {
    left.high != right.high ? left.high < right.high : left.low < right.low
  }
}
