internal import ServiceKit
internal import Storage

/// Whose events they are: a contact of a store, or a guest of whom only a device or session is
/// known.
struct Identity: Hashable, Sendable {
  enum Kind: UInt8, Sendable {
    case contact = 0x63
    case guest = 0x67
  }

  let store: String
  let kind: Kind
  let id: String
  let key: PersonKey

  init(store: String, kind: Kind, id: String) {
    self.init(store: store, kind: kind, id: id, key: PersonKey(store, kind, id))
  }

  /// - Parameter key: the one that belongs to it, where it is known already.
  init(store: String, kind: Kind, id: String, key: PersonKey) {
    self.store = store
    self.kind = kind
    self.id = id
    self.key = key
  }
}

/// The owner key of all rows of an identity: 16 bytes that spread evenly, of which the first is the
/// bucket.
///
/// The first half of SHA-256 over the store's length (4 bytes, big-endian), the store, the kind's
/// letter, and the id. Stored rows depend on it: it never changes.
struct PersonKey: Hashable, Comparable, Sendable {
  private let high: UInt64
  private let low: UInt64

  static let size = 16

  init(_ store: String, _ kind: Identity.Kind, _ id: String) {
    let size = store.utf8.count
    var bytes: [UInt8] = []
    bytes.reserveCapacity(5 + size + id.utf8.count)
    for shift in stride(from: 24, through: 0, by: -8) {
      bytes.append(UInt8(truncatingIfNeeded: size >> shift))
    }
    bytes += store.utf8
    bytes.append(kind.rawValue)
    bytes += id.utf8
    self.init(unchecked: SHA256.hash(bytes))
  }

  /// - Throws: `StorageError` where a row's key has another size.
  init(bytes: [UInt8]) throws {
    guard bytes.count == PersonKey.size else {
      throw StorageError(.corrupt, "a person's key has \(bytes.count) bytes, not 16")
    }
    self.init(unchecked: bytes)
  }

  private init(unchecked bytes: [UInt8]) {
    (high, low) = bytes.withUnsafeBytes { raw in
      (
        UInt64(bigEndian: raw.loadUnaligned(as: UInt64.self)),
        UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      )
    }
  }

  var bytes: [UInt8] {
    [UInt8](unsafeUninitializedCapacity: PersonKey.size) { buffer, count in
      let raw = UnsafeMutableRawBufferPointer(buffer)
      raw.storeBytes(of: high.bigEndian, as: UInt64.self)
      raw.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
      count = PersonKey.size
    }
  }

  var bucket: UInt8 { UInt8(truncatingIfNeeded: high >> 56) }
  var bucketValue: SQLValue { .integer(bucket) }
  var value: SQLValue { .blob(bytes) }

  static func < (left: PersonKey, right: PersonKey) -> Bool {
    left.high != right.high ? left.high < right.high : left.low < right.low
  }
}
