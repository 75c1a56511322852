internal import Messages
internal import ServiceKit
internal import Storage

/// Which mail piece: its id, and the bucket of its contact.
struct PieceKey: Hashable, Sendable {
  let bucket: UInt8
  private let high: UInt64
  private let low: UInt64

  /// - Returns: nil where `id` has not 16 bytes.
  init?(bucket: UInt8, id: [UInt8]) {
    guard id.count == 16 else { return nil }
    self.bucket = bucket
    (high, low) = id.withUnsafeBytes { raw in
      (
        UInt64(bigEndian: raw.loadUnaligned(as: UInt64.self)),
        UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      )
    }
  }

  init?(bucket: UInt8, text: String) {
    guard let id = UUIDText.bytes(text) else { return nil }
    self.init(bucket: bucket, id: id)
  }

  var id: [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 16) { buffer, count in
      let raw = UnsafeMutableRawBufferPointer(buffer)
      raw.storeBytes(of: high.bigEndian, as: UInt64.self)
      raw.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
      count = 16
    }
  }

  /// As the contract has it.
  var text: String { UUIDText.text(id) }
  var bucketValue: SQLValue { .integer(bucket) }
  var idValue: SQLValue { .blob(id) }
}

/// Ids that follow from what they are of, so that the same start gives the same ones.
enum DerivedID {
  /// A UUID over the parts with their lengths.
  static func of(_ parts: String...) -> String {
    var bytes: [UInt8] = []
    for part in parts {
      let size = UInt32(part.utf8.count)
      for shift: UInt32 in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: size >> shift)) }
      bytes += part.utf8
    }
    return UUIDText.text(Array(SHA256.hash(bytes).prefix(16)))
  }
}

extension Protobuf.Timestamp {
  init(microseconds: Int64) { self = Instant(microseconds: microseconds).timestamp }

  /// Since 1970; cut to the years 1 to 9999.
  var microseconds: Int64 { (try? Instant(self))?.microseconds ?? (seconds < 0 ? .min : .max) }
}
