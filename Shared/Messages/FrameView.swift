internal import CMessages
internal import CProtobufC

/// A frame as it lies in memory. Valid until its bytes and its arena are used again, so it is used
/// inside one turn and never kept.
///
/// Reading it costs no allocation; what is kept is copied out by the accessors that return Swift
/// values. The plain frames of calls (a stream id, a method, one message, half_close) are read
/// where they lie; every other frame goes through protobuf-c. `FrameViewTests` holds both ways
/// equal.
package struct FrameView {
  package let streamID: UInt32
  package let halfClose: Bool
  /// The method's bytes; not checked to be text.
  package let method: UnsafeRawBufferPointer
  package let messageCount: Int
  /// The message of a plain frame.
  private let onlyMessage: UnsafeRawBufferPointer
  /// What protobuf-c made of any other frame.
  private let frame: UnsafePointer<Homing__Rpc__V1__Frame>?

  /// - Throws: `malformed`, or `memory` where the arena is too small for what the bytes unfold to.
  package init(_ bytes: UnsafeRawBufferPointer, in arena: Arena) throws(MessageError) {
    if let plain = PlainFrame(bytes) {
      self.init(plain)
    } else {
      try self.init(unpacking: bytes, in: arena)
    }
  }

  private init(_ plain: PlainFrame) {
    streamID = plain.streamID
    halfClose = plain.halfClose
    method = plain.method
    onlyMessage = plain.message
    messageCount = plain.hasMessage ? 1 : 0
    frame = nil
  }

  /// Any frame, by protobuf-c.
  init(unpacking bytes: UnsafeRawBufferPointer, in arena: Arena) throws(MessageError) {
    let frame: UnsafeMutablePointer<Homing__Rpc__V1__Frame>
    do throws(MessageError) {
      frame = try arena.unpackScanned(homing__rpc__v1__frame__unpack, bytes)
    } catch {
      if error.code == .memory { throw error }
      throw MessageError(.malformed, detail: "\(bytes.count) bytes are not a Frame")
    }
    streamID = frame.pointee.stream_id
    halfClose = frame.pointee.half_close != 0
    method = FrameView.buffer(frame.pointee.method)
    messageCount = frame.pointee.n_messages
    onlyMessage = UnsafeRawBufferPointer(start: nil, count: 0)
    self.frame = UnsafePointer(frame)
  }

  package var hasMethod: Bool { method.count > 0 }
  package var cancel: Bool { frame.map { $0.pointee.cancel != 0 } ?? false }
  package var credit: UInt64 { frame?.pointee.credit ?? 0 }
  package var hasStatus: Bool { frame?.pointee.status != nil }
  package var hasTimeout: Bool { frame?.pointee.timeout != nil }
  package var hasMetadata: Bool { frame.map { $0.pointee.n_metadata > 0 } ?? false }
  package var hasTrailers: Bool { frame.map { $0.pointee.n_trailers > 0 } ?? false }
  package var hasSettings: Bool { frame?.pointee.settings != nil }

  /// Whether any field stands that speaks about the connection.
  package var speaksOfConnection: Bool {
    guard let frame else { return false }
    return frame.pointee.settings != nil || frame.pointee.ping != nil
      || frame.pointee.go_away != nil
  }

  /// Whether any field stands that only a stream may have.
  package var speaksOfStream: Bool {
    hasMethod || halfClose || cancel || hasStatus || hasTimeout || hasMetadata || hasTrailers
      || messageCount > 0
  }

  package func message(at index: Int) -> UnsafeRawBufferPointer {
    precondition(index < messageCount)
    guard let frame else { return onlyMessage }
    return FrameView.buffer(frame.pointee.messages[index])
  }

  /// Bytes of all messages together: what counts against credit.
  package var messageBytes: Int {
    guard let frame else { return onlyMessage.count }
    var total = 0
    for index in 0..<frame.pointee.n_messages { total &+= frame.pointee.messages[index].len }
    return total
  }

  package func timeout() throws(MessageError) -> Protobuf.Duration? {
    guard let timeout = frame?.pointee.timeout else { return nil }
    return try Protobuf.Duration(UnsafePointer(timeout))
  }

  package func metadata() throws(MessageError) -> [RpcV1.Metadata] {
    guard let frame else { return [] }
    return try FrameView.values(frame.pointee.metadata, frame.pointee.n_metadata)
  }

  package func trailers() throws(MessageError) -> [RpcV1.Metadata] {
    guard let frame else { return [] }
    return try FrameView.values(frame.pointee.trailers, frame.pointee.n_trailers)
  }

  package func status() throws(MessageError) -> RpcV1.Status? {
    guard let status = frame?.pointee.status else { return nil }
    return try RpcV1.Status(UnsafePointer(status))
  }

  package func settings() throws(MessageError) -> RpcV1.Settings? {
    guard let settings = frame?.pointee.settings else { return nil }
    return try RpcV1.Settings(UnsafePointer(settings))
  }

  package func ping() throws(MessageError) -> RpcV1.Ping? {
    guard let ping = frame?.pointee.ping else { return nil }
    return try RpcV1.Ping(UnsafePointer(ping))
  }

  package func goAway() throws(MessageError) -> RpcV1.GoAway? {
    guard let goAway = frame?.pointee.go_away else { return nil }
    return try RpcV1.GoAway(UnsafePointer(goAway))
  }

  private static func buffer(_ data: ProtobufCBinaryData) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: data.data, count: data.len)
  }

  private static func values(
    _ start: UnsafeMutablePointer<UnsafeMutablePointer<Homing__Rpc__V1__Metadata>?>?, _ count: Int
  ) throws(MessageError) -> [RpcV1.Metadata] {
    var values: [RpcV1.Metadata] = []
    values.reserveCapacity(count)
    for index in 0..<count {
      guard let element = start?[index] else { continue }
      values.append(try RpcV1.Metadata(UnsafePointer(element)))
    }
    return values
  }
}

/// The frame that nearly all frames are: each of four fields at most once, in whatever order, and
/// nothing else.
private struct PlainFrame {
  private(set) var streamID: UInt32 = 0
  private(set) var halfClose = false
  private(set) var method = UnsafeRawBufferPointer(start: nil, count: 0)
  private(set) var message = UnsafeRawBufferPointer(start: nil, count: 0)
  private(set) var hasMessage = false

  /// Nil where the frame is any other, or malformed; protobuf-c judges then.
  @inline(__always)
  init?(_ bytes: UnsafeRawBufferPointer) {
    var at = 0
    var seen: UInt8 = 0
    while at < bytes.count {
      let field: UInt8
      switch bytes[at] {
      case 0x0d:
        guard bytes.count - at >= 5 else { return nil }
        streamID = UInt32(
          littleEndian: bytes.loadUnaligned(fromByteOffset: at + 1, as: UInt32.self))
        at += 5
        field = 1
      case 0x12:
        guard let value = PlainFrame.value(bytes, &at) else { return nil }
        method = value
        field = 2
      case 0x2a:
        guard let value = PlainFrame.value(bytes, &at) else { return nil }
        message = value
        hasMessage = true
        field = 4
      case 0x30:
        guard bytes.count - at >= 2, bytes[at + 1] <= 1 else { return nil }
        halfClose = bytes[at + 1] == 1
        at += 2
        field = 8
      default: return nil
      }
      if seen & field != 0 { return nil }
      seen |= field
    }
  }

  /// The bytes after a tag and their length, which takes at most four bytes here; moves `at` behind
  /// them.
  @inline(__always)
  private static func value(
    _ bytes: UnsafeRawBufferPointer, _ at: inout Int
  ) -> UnsafeRawBufferPointer? {
    var length = 0
    var shift = 0
    var next = at + 1
    while true {
      guard next < bytes.count, shift < 28 else { return nil }
      let byte = bytes[next]
      next += 1
      length |= Int(byte & 0x7f) << shift
      if byte < 0x80 { break }
      shift += 7
    }
    guard length <= bytes.count - next else { return nil }
    at = next + length
    return UnsafeRawBufferPointer(rebasing: bytes[next..<at])
  }
}
