package import Messages

/// Frames into bytes at the back of a queue, prefix included.
package enum FrameWriter {
  /// Any frame, by protobuf-c.
  ///
  /// - Throws: `MessageError.memory` where the arena is full; the queue is unchanged then.
  package static func write(
    _ frame: RpcV1.Frame, to queue: inout ByteQueue, in arena: Arena
  ) throws(MessageError) {
    try frame.encode(in: arena) { size in
      let room = queue.append(FramePrefix.size + size)
      FramePrefix.store(size, at: room)
      return room + FramePrefix.size
    }
  }

  /// What may follow the one message of a frame that is laid by hand.
  package enum Tail {
    /// `half_close` = true.
    case halfClose
    /// An OK `status`.
    case success
    case nothing

    var size: Int { self == .nothing ? 0 : 2 }
  }

  /// The common frames: one message of a stream, perhaps its last.
  ///
  /// The frame's few fields are laid around the room that protobuf-c then packs the message into,
  /// so the message is written once, in place. `FrameWriterTests` holds it equal to what `write`
  /// makes.
  ///
  /// - Returns: the message's size in bytes.
  /// - Throws: `memory` where the arena is full; `frame` where the frame would pass
  ///   `frameBytesMax`. The queue is unchanged then.
  package static func write(
    streamID: UInt32, tail: Tail, frameBytesMax: Int, to queue: inout ByteQueue, in arena: Arena,
    _ encode: MessageEncoding
  ) throws(MessageError) -> Int {
    var messageSize = 0
    try encode(arena) { size in
      messageSize = size
      return lay(messageSize: size, streamID: streamID, tail: tail, in: &queue)
    }
    let bodySize = bodySize(messageSize: messageSize, tail: tail)
    if bodySize > frameBytesMax {
      queue.unappend(FramePrefix.size + bodySize)
      throw tooLong(messageSize, frameBytesMax)
    }
    return messageSize
  }

  /// The same for a message that is already bytes.
  package static func write(
    _ message: [UInt8], streamID: UInt32, tail: Tail, frameBytesMax: Int,
    to queue: inout ByteQueue
  ) throws(MessageError) {
    if bodySize(messageSize: message.count, tail: tail) > frameBytesMax {
      throw tooLong(message.count, frameBytesMax)
    }
    let room = lay(messageSize: message.count, streamID: streamID, tail: tail, in: &queue)
    message.withUnsafeBytes { bytes in
      if let start = bytes.baseAddress { room.copyMemory(from: start, byteCount: bytes.count) }
    }
  }

  private static func tooLong(_ size: Int, _ limit: Int) -> MessageError {
    MessageError(
      .frame, detail: "a message of \(size) bytes does not fit the peer's frames of \(limit)")
  }

  private static func bodySize(messageSize: Int, tail: Tail) -> Int {
    5 + 1 + varintSize(messageSize) + messageSize + tail.size
  }

  /// Bytes of `Frame` around the message: `0d` id, `2a` length …, then `30 01`, `3a 00` or nothing.
  private static func lay(
    messageSize: Int, streamID: UInt32, tail: Tail, in queue: inout ByteQueue
  ) -> UnsafeMutableRawPointer {
    let bodySize = bodySize(messageSize: messageSize, tail: tail)
    let start = queue.append(FramePrefix.size + bodySize)
    FramePrefix.store(bodySize, at: start)
    start.storeBytes(of: 0x0d, toByteOffset: 4, as: UInt8.self)
    start.storeBytes(of: streamID.littleEndian, toByteOffset: 5, as: UInt32.self)
    start.storeBytes(of: 0x2a, toByteOffset: 9, as: UInt8.self)
    var at = 10
    var rest = messageSize
    while rest >= 0x80 {
      start.storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, toByteOffset: at, as: UInt8.self)
      rest >>= 7
      at &+= 1
    }
    start.storeBytes(of: UInt8(rest), toByteOffset: at, as: UInt8.self)
    let message = start + at + 1
    if tail != .nothing {
      let field: UInt8 = tail == .halfClose ? 0x30 : 0x3a
      message.storeBytes(of: field, toByteOffset: messageSize, as: UInt8.self)
      let value: UInt8 = tail == .halfClose ? 1 : 0
      message.storeBytes(of: value, toByteOffset: messageSize + 1, as: UInt8.self)
    }
    return message
  }

  private static func varintSize(_ value: Int) -> Int {
    max(1, (64 &- value.leadingZeroBitCount &+ 6) / 7)
  }
}
