internal import Messages

@testable internal import Wire

extension ByteQueue {
  var bytes: [UInt8] { Array(waiting) }

  /// Takes the frames that are whole, without their prefixes.
  mutating func takeFrames(frameBytesMax: Int) throws(BrokenRule) -> [[UInt8]] {
    var frames: [[UInt8]] = []
    while case .frame(let size) = try FramePrefix.parse(waiting, frameBytesMax: frameBytesMax) {
      frames.append(Array(waiting[FramePrefix.size..<FramePrefix.size + size]))
      consume(FramePrefix.size + size)
    }
    return frames
  }
}

extension FramePrefix {
  static func parse(_ bytes: [UInt8], frameBytesMax: Int) throws(BrokenRule) -> Parsed {
    let result = bytes.withUnsafeBytes { raw in
      Result { () throws(BrokenRule) in try parse(raw, frameBytesMax: frameBytesMax) }
    }
    return try result.get()
  }

  /// The 4 bytes that stand before so many.
  static func bytes(_ bodySize: Int) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: bodySize >> (24 - 8 * $0)) }
  }
}

/// Bytes from text such as `0d 01 00`.
func hex(_ text: String) -> [UInt8] {
  text.split(separator: " ").flatMap { part in
    stride(from: 0, to: part.count, by: 2).map { index in
      UInt8(part.dropFirst(index).prefix(2), radix: 16) ?? 0
    }
  }
}

/// What a frame becomes on the wire, prefix included.
func written(_ frame: RpcV1.Frame) throws -> [UInt8] {
  var queue = ByteQueue()
  try FrameWriter.write(frame, to: &queue, in: Arena(limit: 16 << 20))
  return queue.bytes
}
