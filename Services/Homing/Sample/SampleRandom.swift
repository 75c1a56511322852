internal import ServiceKit

/// Chance that gives the same for a seed for ever, whatever the standard library does.
struct SampleRandom {
  private var generator: SplitMix64

  init(seed: UInt64) { generator = SplitMix64(seed: seed) }

  /// From 0 to `limit` - 1.
  mutating func below(_ limit: Int) -> Int {
    precondition(limit > 0)
    return Int(generator.next() % UInt64(limit))
  }

  mutating func pick<Element>(_ elements: [Element]) -> Element {
    elements[below(elements.count)]
  }

  /// Whether something that happens so often in a hundred times happens.
  mutating func happens(_ percent: Int) -> Bool { below(100) < percent }
}
