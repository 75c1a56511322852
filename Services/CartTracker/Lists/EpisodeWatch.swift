internal import Delivery
internal import Messages
internal import Storage
internal import Wire

/// A place in the changes of all buckets: after these numbers, one for each bucket.
struct EpisodeWatch {
  private static let episodesMax = 256
  private var after: [UInt64]

  /// - Parameter after: a number for each of the 256 buckets.
  init(after: [UInt64]) {
    precondition(after.count == 256)
    self.after = after
  }

  /// The numbers in base 36, joined by dots.
  ///
  /// - Throws: INVALID_ARGUMENT for a text that is no token.
  init(token: String) throws(RPCError) {
    let parts = token.split(separator: ".", omittingEmptySubsequences: false)
    let numbers = parts.map { $0.isEmpty ? 0 : UInt64($0, radix: 36) }
    guard numbers.count == 256, numbers.allSatisfy({ $0.map { $0 <= UInt64(Int64.max) } ?? false })
    else {
      throw RPCError(
        .invalidArgument, "the place does not belong to a watch",
        fieldViolations: [
          .init(field: "after", detail: "is no answer's next; it has \(token.utf8.count) bytes")
        ])
    }
    after = numbers.map { $0 ?? 0 }
  }

  var token: String {
    after.map { $0 == 0 ? "" : String($0, radix: 36) }.joined(separator: ".")
  }

  /// The next changes of a store's episodes, bucket by bucket, each bucket's in order; empty where
  /// there are none yet.
  ///
  /// - Throws: OUT_OF_RANGE where changes after this place were forgotten.
  mutating func take(
    _ store: String, in session: any StorageSession
  ) throws -> [Tracked.Episode] {
    var episodes: [Tracked.Episode] = []
    for bucket in 0..<256 where episodes.count < Self.episodesMax {
      try check(bucket, in: session)
      try session.rows(
        ProjectionStatements.changesAfter,
        [
          .integer(Int64(bucket)), .integer(Int64(after[bucket])), .text(store),
          .integer(Int64(Self.episodesMax - episodes.count)),
        ]
      ) { row in
        after[bucket] = UInt64(bitPattern: try row.integer(0))
        episodes.append(try Stored.decode(Tracked.Episode.self, row.blob(1), "change"))
        return true
      }
    }
    return episodes
  }

  private func check(_ bucket: Int, in session: any StorageSession) throws {
    let oldest = try session.first(
      ProjectionStatements.oldestChange, [.integer(Int64(bucket))]
    ) { try $0.optionalInteger(0) }
    if let oldest = oldest ?? nil, after[bucket] != 0, UInt64(oldest) > after[bucket] + 1 {
      throw RPCError(.outOfRange, "changes after this place were forgotten: list the episodes")
    }
  }
}
