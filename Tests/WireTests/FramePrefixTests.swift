internal import Testing

@testable internal import Wire

@Suite struct FramePrefixTests {
  private let limit = 64 << 10

  @Test("A length of 0 is a broken rule")
  func zero() {
    #expect(throws: BrokenRule("a frame of length 0")) {
      try FramePrefix.parse([0, 0, 0, 0], frameBytesMax: limit)
    }
  }

  @Test("Lengths from 1 to the limit are whole frames as soon as their last byte is there")
  func inside() throws {
    for size in [1, 2, 255, 256, 65535, limit] {
      let bytes = FramePrefix.bytes(size) + [UInt8](repeating: 7, count: size)
      #expect(try FramePrefix.parse(bytes, frameBytesMax: limit) == .frame(bodySize: size))
      #expect(
        try FramePrefix.parse(bytes + [0, 0], frameBytesMax: limit) == .frame(bodySize: size))
      #expect(
        try FramePrefix.parse(bytes.dropLast(), frameBytesMax: limit)
          == .incomplete(total: 4 + size))
    }
  }

  @Test("A frame over the limit is refused before its body is read")
  func overLimit() throws {
    for size in [limit + 1, 1 << 24, Int(UInt32.max)] {
      let error = #expect(throws: BrokenRule.self) {
        try FramePrefix.parse(FramePrefix.bytes(size), frameBytesMax: limit)
      }
      #expect(error?.code == .resourceExhausted)
      #expect(error?.message.contains("\(size)") == true)
      #expect(error?.message.contains("\(limit)") == true)
    }
  }

  @Test("A prefix cut short asks for more without knowing how much")
  func cut() throws {
    for count in 0..<4 {
      let bytes = [UInt8](repeating: 0xff, count: count)
      #expect(try FramePrefix.parse(bytes, frameBytesMax: limit) == .incomplete(total: nil))
    }
  }

  @Test("What is stored is the length in big-endian order, and is read back")
  func roundTrip() throws {
    for size in [1, 0x0102_0304, Int(UInt32.max)] {
      var bytes: [UInt8] = [9, 9, 9, 9, 9]
      bytes.withUnsafeMutableBytes { FramePrefix.store(size, at: $0.baseAddress! + 1) }
      #expect(bytes == [9] + FramePrefix.bytes(size))
      #expect(
        try FramePrefix.parse(Array(bytes.dropFirst()), frameBytesMax: .max)
          == .incomplete(total: 4 + size))
    }
  }

  @Test("Frames come out the same wherever the stream of bytes is cut in two")
  func everySplit() throws {
    let bodies: [[UInt8]] = [[1], [2, 2], [UInt8](repeating: 3, count: 300), [4, 4, 4]]
    let bytes = bodies.flatMap { FramePrefix.bytes($0.count) + $0 }
    for cut in 0...bytes.count {
      var queue = ByteQueue()
      queue.append(Array(bytes[..<cut]))
      var frames = try queue.takeFrames(frameBytesMax: limit)
      queue.append(Array(bytes[cut...]))
      frames += try queue.takeFrames(frameBytesMax: limit)
      #expect(frames == bodies)
      #expect(queue.count == 0)
    }
  }

  @Test("Frames come out the same one byte at a time")
  func byteByByte() throws {
    let bodies: [[UInt8]] = [[1], [UInt8](repeating: 3, count: 300), [4, 4, 4]]
    var queue = ByteQueue()
    var frames: [[UInt8]] = []
    for byte in bodies.flatMap({ FramePrefix.bytes($0.count) + $0 }) {
      queue.append([byte])
      frames += try queue.takeFrames(frameBytesMax: limit)
    }
    #expect(frames == bodies)
  }

  @Test("Any bytes are a frame, too few or refused, and never out of bounds", arguments: 0..<8)
  func fuzz(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var outcomes: Set<Int> = []
    for _ in 0..<5000 {
      var bytes = random.bytes(random.int(0...24))
      if bytes.count >= 4 && !random.oneIn(3) {
        bytes.replaceSubrange(0..<4, with: FramePrefix.bytes(random.int(0...32)))
      }
      switch try? FramePrefix.parse(bytes, frameBytesMax: 28) {
      case .frame(let size):
        #expect((1...28).contains(size) && 4 + size <= bytes.count)
        outcomes.insert(0)
      case .incomplete(let total):
        #expect(total.map { (5...32).contains($0) && $0 > bytes.count } ?? (bytes.count < 4))
        outcomes.insert(1)
      case nil:
        #expect(bytes.count >= 4)
        outcomes.insert(2)
      }
    }
    #expect(outcomes == [0, 1, 2])
  }
}
