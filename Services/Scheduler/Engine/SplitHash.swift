internal import ServiceKit

/// Where a subject falls in a split.
enum SplitHash {
  /// 0 to 9,999, the same for the same subject for ever.
  static func share(store: String, flow: String, _ step: String, _ subject: String) -> Int {
    var hash = SHA256()
    for part in ["split", store, flow, step, subject] {
      hash.update(part)
      hash.update([0])
    }
    let word = hash.finish().prefix(8).reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
    return Int(word % 10_000)
  }
}
