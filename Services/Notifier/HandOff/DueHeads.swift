internal import Messages
internal import Synchronization

/// When the first message of each bucket and channel is due, as far as memory knows: never later
/// than the table has it.
final class DueHeads: Sendable {
  private static let channels = Int(CommonV1.Channel.digital.upperBound)

  private struct State {
    var at = [Int64](repeating: .max, count: 256 * DueHeads.channels)
    var onEarlier: @Sendable () -> Void = {}
  }

  private let state = Mutex(State())

  /// One bucket's messages of one channel.
  struct Place: Hashable, Sendable {
    let bucket: UInt8
    let channel: CommonV1.Channel

    fileprivate var index: Int { Int(bucket) * DueHeads.channels + Int(channel.rawValue) - 1 }

    fileprivate init(index: Int) {
      bucket = UInt8(index / DueHeads.channels)
      channel = .init(rawValue: Int32(index % DueHeads.channels + 1))
    }

    init(_ bucket: UInt8, _ channel: CommonV1.Channel) {
      precondition(CommonV1.Channel.digital.contains(channel.rawValue))
      self.bucket = bucket
      self.channel = channel
    }
  }

  static let places = (0..<256 * channels).map { Place(index: $0) }

  /// Called after something became due earlier than what was known.
  func onEarlier(_ body: @escaping @Sendable () -> Void) {
    state.withLock { $0.onEarlier = body }
  }

  /// A message waits for this instant.
  func note(_ bucket: UInt8, _ channel: CommonV1.Channel, _ at: Int64) {
    let index = Place(bucket, channel).index
    let call = state.withLock { state -> (@Sendable () -> Void)? in
      guard at < state.at[index] else { return nil }
      state.at[index] = at
      return state.onEarlier
    }
    call?()
  }

  /// Takes the places where something is due; whoever takes one looks at its messages, and notes
  /// what remains.
  func takeDue(_ now: Int64, _ isWanted: (CommonV1.Channel) -> Bool) -> [(Place, since: Int64)] {
    let channels = (0..<DueHeads.channels).map { isWanted(.init(rawValue: Int32($0 + 1))) }
    return state.withLock { state in
      var due: [(Place, since: Int64)] = []
      for index in state.at.indices
      where state.at[index] <= now && channels[index % DueHeads.channels] {
        due.append((Place(index: index), state.at[index]))
        state.at[index] = .max
      }
      return due.sorted { $0.since < $1.since }
    }
  }

  /// The earliest instant of all.
  var first: Int64? { state.withLock { $0.at.min() }.flatMap { $0 == .max ? nil : $0 } }

  /// The earliest after the one given.
  func first(after instant: Int64) -> Int64? {
    state.withLock { state in
      state.at.lazy.filter { $0 > instant && $0 < .max }.min()
    }
  }
}
