package import Messages
internal import ServiceKit
package import Storage

/// The key of all rows of one owner: 16 bytes that spread evenly, of which the first is the bucket.
///
/// The first half of SHA-256 over the scope's length (4 bytes, big-endian), the scope, the kind's
/// letter, and the id. All services hash alike, so rows about one owner have the same bucket in
/// each. Stored rows depend on it: it never changes.
package struct OwnerKey: Hashable, Comparable, Sendable {
  /// What kind of owner an id is of; its letter stands in the hash.
  package enum Kind: UInt8, Sendable {
    /// `c`: a contact of a store.
    case contact = 0x63
    /// `g`: a device or session of a store.
    case guest = 0x67
    /// `a`: where messages go to.
    case address = 0x61
    /// `o`: a company of a store or, with it as the scope, of a controller.
    case company = 0x6f
    /// `f`: a flow of a store.
    case flow = 0x66
    /// `i`: an incentive of a store, its budget and its pool.
    case incentive = 0x69
    /// `k`: a code of a store.
    case code = 0x6b
  }

  private let high: UInt64
  private let low: UInt64

  package static let size = 16

  /// - Parameter scope: the store, or the controller.
  package init(scope: String, kind: Kind, id: String) {
    self.init(scope, kind, prefix: nil, id)
  }

  package static func contact(store: String, contact: String) -> OwnerKey {
    OwnerKey(store, .contact, prefix: nil, contact)
  }

  package static func guest(store: String, guest: String) -> OwnerKey {
    OwnerKey(store, .guest, prefix: nil, guest)
  }

  package static func company(store: String, company: String) -> OwnerKey {
    OwnerKey(store, .company, prefix: nil, company)
  }

  /// Of suppressions.
  ///
  /// - Parameters:
  ///   - scope: the store; empty: all stores.
  ///   - address: as it is compared, so in one form only.
  package static func address(
    scope: String, channel: CommonV1.Channel, address: String
  ) -> OwnerKey {
    OwnerKey(scope, .address, prefix: UInt8(truncatingIfNeeded: channel.rawValue), address)
  }

  /// - Throws: `StorageError` where a row's key has another size.
  package init(bytes: [UInt8]) throws {
    guard bytes.count == OwnerKey.size else {
      throw StorageError(.corrupt, "an owner's key has \(bytes.count) bytes, not 16")
    }
    self.init(unchecked: bytes)
  }

  private init(_ scope: String, _ kind: Kind, prefix: UInt8?, _ id: String) {
    let size = scope.utf8.count
    var bytes: [UInt8] = []
    bytes.reserveCapacity(6 + size + id.utf8.count)
    for shift in stride(from: 24, through: 0, by: -8) {
      bytes.append(UInt8(truncatingIfNeeded: size >> shift))
    }
    bytes += scope.utf8
    bytes.append(kind.rawValue)
    if let prefix { bytes.append(prefix) }
    bytes += id.utf8
    self.init(unchecked: SHA256.hash(bytes))
  }

  private init(unchecked bytes: [UInt8]) {
    (high, low) = bytes.withUnsafeBytes { raw in
      (
        UInt64(bigEndian: raw.loadUnaligned(as: UInt64.self)),
        UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      )
    }
  }

  package var bytes: [UInt8] {
    [UInt8](unsafeUninitializedCapacity: OwnerKey.size) { buffer, count in
      let raw = UnsafeMutableRawBufferPointer(buffer)
      raw.storeBytes(of: high.bigEndian, as: UInt64.self)
      raw.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
      count = OwnerKey.size
    }
  }

  package var bucket: UInt8 { UInt8(truncatingIfNeeded: high >> 56) }
  package var bucketValue: SQLValue { .integer(bucket) }
  package var value: SQLValue { .blob(bytes) }

  package static func < (left: OwnerKey, right: OwnerKey) -> Bool {
    left.high != right.high ? left.high < right.high : left.low < right.low
  }
}
