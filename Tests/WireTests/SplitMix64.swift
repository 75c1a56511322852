/// A small generator of numbers that are the same in every run for the same seed.
struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  mutating func int(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

  /// True once in so many times.
  mutating func oneIn(_ times: Int) -> Bool { int(1...times) == 1 }

  mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
  }

  mutating func text(_ countMax: Int) -> String {
    let letters: [Character] = ["a", "Z", "/", ".", "\0", "é", "€", "𝄞", "e\u{301}", " "]
    return String((0..<int(0...countMax)).map { _ in letters.randomElement(using: &self) ?? "b" })
  }
}
