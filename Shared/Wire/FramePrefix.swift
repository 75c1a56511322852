/// The length before each frame (`proto/README.md` §2): 4 bytes, unsigned, big-endian.
package enum FramePrefix {
  package static let size = 4

  /// What the first bytes of a buffer hold.
  package enum Parsed: Equatable {
    /// A whole frame; its body is at `FramePrefix.size ..< FramePrefix.size + bodySize`.
    case frame(bodySize: Int)
    /// Not enough bytes; with `total` it would be enough, nil where the prefix itself is not whole.
    case incomplete(total: Int?)
  }

  /// Judges a length before its body is read.
  ///
  /// - Throws: a broken rule for a length of 0, or over the limit.
  package static func parse(
    _ bytes: UnsafeRawBufferPointer, frameBytesMax: Int
  ) throws(BrokenRule) -> Parsed {
    guard bytes.count >= size else { return .incomplete(total: nil) }
    let length = Int(
      UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt32.self)))
    if length == 0 { throw BrokenRule("a frame of length 0") }
    if length > frameBytesMax {
      throw BrokenRule(
        "a frame of \(length) bytes, the limit is \(frameBytesMax)", code: .resourceExhausted)
    }
    return bytes.count - size >= length
      ? .frame(bodySize: length) : .incomplete(total: size + length)
  }

  package static func store(_ bodySize: Int, at start: UnsafeMutableRawPointer) {
    start.storeBytes(of: UInt32(bodySize).bigEndian, as: UInt32.self)
  }
}
