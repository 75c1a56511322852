/// A small generator of numbers that are the same for the same seed; not for secrets.
///
/// Whoever needs chance is given one as a value, so that a run can be repeated from its seed.
package struct SplitMix64: RandomNumberGenerator, Hashable, Sendable {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  /// A seed from the system, for the one place that starts a process.
  package static func systemSeed() -> UInt64 { UInt64.random(in: .min ... .max) }

  package mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  /// A generator of its own for a part, independent of how much the others draw.
  package mutating func split() -> SplitMix64 { SplitMix64(seed: next()) }
}
