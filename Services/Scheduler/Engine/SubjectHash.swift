internal import ServiceKit

/// Where subjects fall in splits and holdouts: the same for the same subject for ever.
enum SubjectHash {
  /// SHA-256 over a salt and the parts, each ended by a zero byte.
  static func digest(_ parts: [String], salt: [UInt8] = []) -> [UInt8] {
    var hash = SHA256()
    hash.update(salt)
    for part in parts {
      hash.update(part)
      hash.update([0])
    }
    return hash.finish()
  }

  /// 0 to 9,999: the digest's first 8 bytes, big-endian.
  static func share(of digest: [UInt8]) -> Int {
    let word = digest.prefix(8).reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
    return Int(word % 10_000)
  }

  /// Of a split.
  static func share(store: String, flow: String, _ step: String, _ subject: String) -> Int {
    share(of: digest(["split", store, flow, step, subject]))
  }
}
