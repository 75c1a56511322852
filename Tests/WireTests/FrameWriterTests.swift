internal import Messages
internal import Testing

@testable internal import Wire

/// The frames laid by hand against those that protobuf-c makes of the same values.
@Suite struct FrameWriterTests {
  /// Around each size at which the message's length takes one byte more.
  static let sizes = [
    0, 1, 2, 126, 127, 128, 129, 16_382, 16_383, 16_384, 16_385,
    1 << 21 - 1, 1 << 21, 1 << 21 + 1,
  ]
  private static let tails: [FrameWriter.Tail] = [.nothing, .halfClose, .success]
  private static let streamIDs: [UInt32] = [1, 127, 128, 0x0102_0304, .max]
  private static let limit = 4 << 20

  private static func message(_ size: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xa5, count: size)
    // Both ends differ, so that a message which is laid a byte off shows.
    for index in Set([0, 1, size - 2, size - 1]) where bytes.indices.contains(index) {
      bytes[index] = UInt8(truncatingIfNeeded: index &* 31 &+ 5)
    }
    return bytes
  }

  private static func frame(
    _ message: [UInt8], _ streamID: UInt32, _ tail: FrameWriter.Tail
  ) -> RpcV1.Frame {
    RpcV1.Frame(
      streamID: streamID, messages: [message], halfClose: tail == .halfClose,
      status: tail == .success ? RpcV1.Status() : nil)
  }

  private static func encoding(_ message: [UInt8]) -> MessageEncoding {
    { _, destination in
      let room = destination(message.count)
      message.withUnsafeBytes { bytes in
        if let start = bytes.baseAddress { room.copyMemory(from: start, byteCount: bytes.count) }
      }
    }
  }

  @Test("A frame laid by hand has the bytes that protobuf-c makes", arguments: sizes)
  func equalToProtobuf(size: Int) throws {
    let message = FrameWriterTests.message(size)
    let arena = Arena(limit: 16 << 20)
    for tail in FrameWriterTests.tails {
      for id in FrameWriterTests.streamIDs {
        let expected = try written(FrameWriterTests.frame(message, id, tail))
        var ready = ByteQueue()
        try FrameWriter.write(
          message, streamID: id, tail: tail, frameBytesMax: FrameWriterTests.limit, to: &ready)
        #expect(ready.bytes == expected)
        var packed = ByteQueue()
        let messageSize = try FrameWriter.write(
          streamID: id, tail: tail, frameBytesMax: FrameWriterTests.limit, to: &packed, in: arena,
          FrameWriterTests.encoding(message))
        #expect(messageSize == size)
        #expect(packed.bytes == expected)
      }
    }
  }

  @Test("A message of the contract is packed in place")
  func packsMessage() throws {
    var random = SplitMix64(seed: 1)
    let arena = Arena(limit: 1 << 20)
    for _ in 0..<200 {
      let status = RpcV1.Status(code: .aborted, message: random.text(200))
      var queue = ByteQueue()
      arena.reset()
      let size = try FrameWriter.write(
        streamID: 3, tail: .halfClose, frameBytesMax: 1 << 20, to: &queue, in: arena,
        status.encode)
      let encoded = try status.encoded()
      #expect(size == encoded.count)
      #expect(queue.bytes == (try written(FrameWriterTests.frame(encoded, 3, .halfClose))))
    }
  }

  @Test("A frame of exactly the limit is written, one of a byte more leaves the queue unchanged")
  func overLimit() throws {
    let arena = Arena(limit: 16 << 20)
    for tail in FrameWriterTests.tails {
      for size in FrameWriterTests.sizes {
        let message = FrameWriterTests.message(size)
        let limit = try written(FrameWriterTests.frame(message, 9, tail)).count - 4
        var queue = ByteQueue()
        queue.append([1, 2, 3])
        try FrameWriter.write(message, streamID: 9, tail: tail, frameBytesMax: limit, to: &queue)
        let before = queue.bytes
        #expect(before.count == 3 + 4 + limit)
        var codes: [MessageError.Code] = []
        do throws(MessageError) {
          try FrameWriter.write(
            message, streamID: 9, tail: tail, frameBytesMax: limit - 1, to: &queue)
        } catch { codes.append(error.code) }
        do throws(MessageError) {
          _ = try FrameWriter.write(
            streamID: 9, tail: tail, frameBytesMax: limit - 1, to: &queue, in: arena,
            FrameWriterTests.encoding(message))
        } catch { codes.append(error.code) }
        #expect(codes == [.frame, .frame])
        #expect(queue.bytes == before)
      }
    }
  }

  @Test("Where the arena is full the queue is unchanged")
  func arenaFull() throws {
    let large = RpcV1.Status(message: String(repeating: "a", count: 4096))
    let arena = Arena(limit: 1024)
    var queue = ByteQueue()
    queue.append([1, 2, 3])
    var codes: [MessageError.Code] = []
    do throws(MessageError) {
      _ = try FrameWriter.write(
        streamID: 1, tail: .nothing, frameBytesMax: 1 << 20, to: &queue, in: arena, large.encode)
    } catch { codes.append(error.code) }
    arena.reset()
    do throws(MessageError) {
      try FrameWriter.write(RpcV1.Frame(status: large), to: &queue, in: arena)
    } catch { codes.append(error.code) }
    #expect(codes == [.memory, .memory])
    #expect(queue.bytes == [1, 2, 3])
  }

  @Test("Frames that are written one after another are read in that order")
  func roundTrip() throws {
    var random = SplitMix64(seed: 2)
    var sampler = FrameSampler(seed: 2)
    var queue = ByteQueue()
    var frames: [RpcV1.Frame] = []
    let arena = Arena(limit: 1 << 20)
    for _ in 0..<300 {
      var frame = sampler.frame()
      arena.reset()
      if random.oneIn(2) {
        frame = RpcV1.Frame(streamID: 1, messages: [random.bytes(random.int(0...300))])
        try FrameWriter.write(
          frame.messages[0], streamID: 1, tail: .nothing, frameBytesMax: 1 << 20, to: &queue)
      } else {
        // A frame of no fields would have the length 0.
        if frame == RpcV1.Frame() { frame.cancel = true }
        try FrameWriter.write(frame, to: &queue, in: arena)
      }
      frames.append(frame)
    }
    let bodies = try queue.takeFrames(frameBytesMax: 1 << 20)
    #expect(try bodies.map { try RpcV1.Frame(encoded: $0) } == frames)
  }
}
