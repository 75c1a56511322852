internal import CMessages
internal import CProtobufC

/// A frame as it lies in an arena. Valid until that arena is reset, so it is used inside one turn
/// and never kept.
///
/// Reading it costs no allocation; what is kept is copied out by the accessors that return Swift
/// values.
package struct FrameView {
  private let frame: UnsafePointer<Homing__Rpc__V1__Frame>

  /// - Throws: `malformed`, or `memory` where the arena is too small for what the bytes unfold to.
  package init(_ bytes: UnsafeRawBufferPointer, in arena: Arena) throws(MessageError) {
    let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    guard let frame = homing__rpc__v1__frame__unpack(arena.allocator, bytes.count, start) else {
      if arena.isFull { throw arena.full }
      throw MessageError(.malformed, detail: "\(bytes.count) bytes are not a Frame")
    }
    self.frame = UnsafePointer(frame)
  }

  package var streamID: UInt32 { frame.pointee.stream_id }
  package var hasMethod: Bool { frame.pointee.method.len > 0 }
  package var halfClose: Bool { frame.pointee.half_close != 0 }
  package var cancel: Bool { frame.pointee.cancel != 0 }
  package var credit: UInt64 { frame.pointee.credit }
  package var hasStatus: Bool { frame.pointee.status != nil }
  package var hasTimeout: Bool { frame.pointee.timeout != nil }
  package var hasMetadata: Bool { frame.pointee.n_metadata > 0 }
  package var hasTrailers: Bool { frame.pointee.n_trailers > 0 }
  package var hasSettings: Bool { frame.pointee.settings != nil }
  package var messageCount: Int { frame.pointee.n_messages }

  /// Whether any field stands that speaks about the connection.
  package var speaksOfConnection: Bool {
    frame.pointee.settings != nil || frame.pointee.ping != nil || frame.pointee.go_away != nil
  }

  /// Whether any field stands that only a stream may have.
  package var speaksOfStream: Bool {
    hasMethod || halfClose || cancel || hasStatus || hasTimeout || hasMetadata || hasTrailers
      || messageCount > 0
  }

  /// The method's bytes; not checked to be text.
  package var method: UnsafeRawBufferPointer { FrameView.buffer(frame.pointee.method) }

  package func message(at index: Int) -> UnsafeRawBufferPointer {
    precondition(index < frame.pointee.n_messages)
    return FrameView.buffer(frame.pointee.messages[index])
  }

  /// Bytes of all messages together: what counts against credit.
  package var messageBytes: Int {
    var total = 0
    for index in 0..<frame.pointee.n_messages { total &+= frame.pointee.messages[index].len }
    return total
  }

  package func timeout() throws(MessageError) -> Protobuf.Duration? {
    guard let timeout = frame.pointee.timeout else { return nil }
    return try Protobuf.Duration(UnsafePointer(timeout))
  }

  package func metadata() throws(MessageError) -> [RpcV1.Metadata] {
    try FrameView.values(frame.pointee.metadata, frame.pointee.n_metadata)
  }

  package func trailers() throws(MessageError) -> [RpcV1.Metadata] {
    try FrameView.values(frame.pointee.trailers, frame.pointee.n_trailers)
  }

  package func status() throws(MessageError) -> RpcV1.Status? {
    guard let status = frame.pointee.status else { return nil }
    return try RpcV1.Status(UnsafePointer(status))
  }

  package func settings() throws(MessageError) -> RpcV1.Settings? {
    guard let settings = frame.pointee.settings else { return nil }
    return try RpcV1.Settings(UnsafePointer(settings))
  }

  package func ping() throws(MessageError) -> RpcV1.Ping? {
    guard let ping = frame.pointee.ping else { return nil }
    return try RpcV1.Ping(UnsafePointer(ping))
  }

  package func goAway() throws(MessageError) -> RpcV1.GoAway? {
    guard let goAway = frame.pointee.go_away else { return nil }
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
