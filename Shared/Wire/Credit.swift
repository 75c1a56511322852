/// What this side may still send on a stream or a connection (`proto/README.md` §6).
///
/// A frame may start while the balance is above 0 and may overdraw by that frame.
package struct SendCredit {
  package private(set) var balance: Int

  package init(window: Int) { balance = window }

  package var isOpen: Bool { balance > 0 }

  package mutating func spend(_ bytes: Int) {
    precondition(bytes >= 0)
    balance -= bytes
  }

  /// - Throws: a broken rule where the total passes 2^62.
  package mutating func grant(_ bytes: UInt64) throws(BrokenRule) {
    guard bytes <= UInt64(Limits.creditMax), balance <= Limits.creditMax - Int(bytes) else {
      throw BrokenRule("credit passes 2^62 bytes")
    }
    balance += Int(bytes)
  }

  /// The peer's settings came: the difference between its window and the default, of either sign.
  ///
  /// - Throws: a broken rule where the total passes 2^62.
  package mutating func adjust(by difference: Int) throws(BrokenRule) {
    guard balance <= Limits.creditMax - max(difference, 0) else {
      throw BrokenRule("credit passes 2^62 bytes")
    }
    balance += difference
  }
}

/// What the other side may still send, as this side sees it.
///
/// `outstanding` = received and not yet consumed; `saved` = consumed and not yet told. The window
/// is the sum of those two and what the peer still has.
package struct ReceiveCredit {
  private let window: Int
  private var saved = 0
  package private(set) var outstanding = 0

  package init(window: Int) {
    precondition(window > 0)
    self.window = window
  }

  /// Counts a frame's messages in. False where the peer had no credit left to begin the frame with.
  ///
  /// - Parameter grace: how much more the peer may believe to have, before it has seen our
  ///   settings.
  package mutating func receive(_ bytes: Int, grace: Int = 0) -> Bool {
    let mayBegin = bytes == 0 || outstanding + saved < window + grace
    outstanding += bytes
    return mayBegin
  }

  /// Counts bytes as consumed; returns the credit to send now, or 0 to save it up to half the
  /// window.
  package mutating func consume(_ bytes: Int) -> Int {
    assert(bytes <= outstanding)
    outstanding &-= bytes
    saved &+= bytes
    if saved &* 2 < window { return 0 }
    defer { saved = 0 }
    return saved
  }
}
