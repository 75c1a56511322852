internal import Glibc
internal import Synchronization
internal import ServiceKit

/// One line on standard error that shows how far a replay is; only where a person sees it.
final class ProgressBar: Sendable {
  private let total: UInt64
  private let start: Duration
  private let now: @Sendable () -> Duration
  private let isShown: Bool
  private let drawn = Mutex(Duration.zero)

  private static let interval = Duration.milliseconds(100)
  private static let cells = 30

  /// - Parameters:
  ///   - total: rows to be sent.
  ///   - now: time since any fixed moment.
  init(total: UInt64, isShown: Bool, now: @escaping @Sendable () -> Duration) {
    self.total = max(1, total)
    self.isShown = isShown
    self.now = now
    start = now()
  }

  func show(_ progress: ReplayProgress) {
    guard isShown else { return }
    let now = now()
    let isDue = drawn.withLock { drawn in
      guard now - drawn >= Self.interval else { return false }
      drawn = now
      return true
    }
    if isDue {
      write(
        "\r" + ProgressBar.text(progress, total: total, elapsed: now - start) + "\u{1b}[K")
    }
  }

  /// Takes the line away.
  func clear() {
    if isShown { write("\r\u{1b}[K") }
  }

  static func text(_ progress: ReplayProgress, total: UInt64, elapsed: Duration) -> String {
    let share = min(1, Double(progress.sentCount) / Double(total))
    let filled = Int(share * Double(cells))
    let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: cells - filled)
    let clock = Instant(microseconds: progress.now).description
    var text = "[\(bar)] \(Int(share * 100)) %  \(progress.sentCount) of \(total) rows  \(clock)"
    // The first tenths of a second say little about the rest.
    if share > 0 && share < 1 && elapsed > .milliseconds(500) {
      let left = elapsed / .seconds(1) * (1 - share) / share
      text += "  \(Int(left.rounded(.up))) s left"
    }
    return text
  }

  private func write(_ text: String) {
    let bytes = Array(text.utf8)
    _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
  }
}
