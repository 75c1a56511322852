internal import Synchronization

/// Memory that bodies may take all together, so that many large ones cannot end the process.
final class BodyBudget: Sendable {
  private let left: Mutex<Int>

  /// - Parameter bytes: in all.
  init(bytes: Int) { left = Mutex(bytes) }

  /// Takes so many bytes, or none: then false.
  func take(_ bytes: Int) -> Bool {
    left.withLock { left in
      if bytes > left { return false }
      left -= bytes
      return true
    }
  }

  func giveBack(_ bytes: Int) { left.withLock { $0 += bytes } }
}
