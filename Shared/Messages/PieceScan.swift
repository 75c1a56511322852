internal import CProtobufC

/// Refuses a message in which a field that holds one message stands twice.
///
/// Protobuf lets a writer send such a field in pieces, which the reader merges; no library does.
/// protobuf-c 1.4.1 merges wrongly: numbers of the earlier piece are lost without a word. So it is
/// refused instead. Only messages that hold single messages are scanned; the cost is one step for
/// each field.
enum PieceScan {
  /// - Parameters:
  ///   - bytes: the encoding, which protobuf-c has read already.
  ///   - message: what it made of it; names the type.
  @inline(never)
  static func check(
    _ bytes: UnsafeRawBufferPointer, _ message: UnsafePointer<ProtobufCMessage>
  ) throws(MessageError) {
    guard let descriptor = message.pointee.descriptor, scan(bytes, descriptor) else {
      throw MessageError(.malformed, detail: "a field that holds one message stands twice")
    }
  }

  /// False where a field stands twice, or where the bytes are not what protobuf-c would have taken.
  private static func scan(
    _ bytes: UnsafeRawBufferPointer, _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>
  ) -> Bool {
    // One bit for each field; the generator refuses messages with more fields than bits.
    var seen: UInt128 = 0
    var at = 0
    while at < bytes.count {
      guard let key = varint(bytes, &at) else { return false }
      switch key & 7 {
      case 0:
        if varint(bytes, &at) == nil { return false }
      case 1: at += 8
      case 5: at += 4
      case 2:
        guard let size = varint(bytes, &at), size <= UInt64(bytes.count - at) else { return false }
        let value = UnsafeRawBufferPointer(rebasing: bytes[at..<(at + Int(size))])
        at += Int(size)
        guard let index = index(of: UInt32(truncatingIfNeeded: key >> 3), descriptor) else { break }
        let field = descriptor.pointee.fields[index]
        if field.type != PROTOBUF_C_TYPE_MESSAGE { break }
        if field.label != PROTOBUF_C_LABEL_REPEATED {
          let bit: UInt128 = 1 << UInt128(index)
          if seen & bit != 0 { return false }
          seen |= bit
        }
        let inner = field.descriptor.assumingMemoryBound(to: ProtobufCMessageDescriptor.self)
        if holdsMessages(inner) && !scan(value, inner) { return false }
      default: return false
      }
    }
    return at == bytes.count
  }

  private static func holdsMessages(
    _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>
  ) -> Bool {
    for index in 0..<Int(descriptor.pointee.n_fields)
    where descriptor.pointee.fields[index].type == PROTOBUF_C_TYPE_MESSAGE { return true }
    return false
  }

  /// The place of a field among the fields, which protobuf-c keeps as ranges without gaps.
  private static func index(
    of number: UInt32, _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>
  ) -> Int? {
    guard let ranges = descriptor.pointee.field_ranges else { return nil }
    for range in 0..<Int(descriptor.pointee.n_field_ranges) {
      let start = UInt32(bitPattern: ranges[range].start_value)
      if number < start { return nil }
      let count = ranges[range + 1].orig_index - ranges[range].orig_index
      if number - start < count { return Int(ranges[range].orig_index + number - start) }
    }
    return nil
  }

  @inline(__always)
  private static func varint(_ bytes: UnsafeRawBufferPointer, _ at: inout Int) -> UInt64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while at < bytes.count && shift < 70 {
      let byte = bytes[at]
      at += 1
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    return nil
  }
}
