internal import Delivery
internal import Messages
internal import Storage
internal import Synchronization

/// Every pause that holds or has held (F22). In memory, as the table has it.
final class PauseRegistry: Sendable {
  private let pauses: Mutex<[String: CommonV1.Pause]> = Mutex([:])

  /// Reads the table; before anything else. Blocks.
  func load(_ engine: any StorageEngine) throws {
    let all = try engine.read { session in
      try session.all(BrakeStatements.pauses) { row in
        try Stored.decode(CommonV1.Pause.self, row.blob(0), "pause")
      }
    }
    for pause in all { put(pause) }
  }

  /// As it was just stored; an older revision has no effect.
  func put(_ pause: CommonV1.Pause) {
    pauses.withLock { pauses in
      if let known = pauses[pause.id], known.revision >= pause.revision { return }
      pauses[pause.id] = pause
    }
  }

  func pause(_ id: String) -> CommonV1.Pause? { pauses.withLock { $0[id] } }

  /// Newest first; those of one instant in order of their ids.
  var all: [CommonV1.Pause] {
    pauses.withLock { Array($0.values) }.sorted { left, right in
      let (leftAt, rightAt) = (PauseRegistry.since(left), PauseRegistry.since(right))
      return leftAt != rightAt ? leftAt > rightAt : left.id < right.id
    }
  }

  private static func since(_ pause: CommonV1.Pause) -> Int64 {
    pause.since.map { Micros.of($0) } ?? 0
  }
}
