internal import CProtobufC

/// Refuses what protobuf-c 1.4.1 takes and reads wrongly.
///
/// - A field that holds one message and stands twice. A writer may send such a field in pieces,
///   which the reader merges; no library writes so, and protobuf-c loses numbers of the earlier
///   piece.
/// - A key of field 0 or over 32 bits, of which protobuf-c takes the lower ones.
/// - A bool that came as anything but a varint: protobuf-c does not look at its wire type.
///
/// Only messages that hold single messages or bools are scanned; the cost is one step for each
/// field.
enum WireScan {
  /// - Parameters:
  ///   - bytes: the encoding, which protobuf-c has read already.
  ///   - message: what it made of it; names the type.
  @inline(never)
  static func check(
    _ bytes: UnsafeRawBufferPointer, _ message: UnsafePointer<ProtobufCMessage>
  ) throws(MessageError) {
    guard let descriptor = message.pointee.descriptor, let start = bytes.baseAddress else { return }
    let first = start.assumingMemoryBound(to: UInt8.self)
    guard scan(first, first + bytes.count, descriptor) else { throw .malformed }
  }

  /// False where the bytes must be refused.
  private static func scan(
    _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>,
    _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>
  ) -> Bool {
    // One bit for each field; the generator refuses messages with more fields than bits.
    var seen: UInt64 = 0
    var at = start
    while at < end {
      guard let key = varint(&at, end), key >= 8, key <= UInt64(UInt32.max) else { return false }
      let size: UInt64
      switch key & 7 {
      case 0:
        if varint(&at, end) == nil { return false }
        continue
      case 1: size = 8
      case 5: size = 4
      case 2:
        guard let length = varint(&at, end) else { return false }
        size = length
      default: return false
      }
      guard size <= UInt64(end - at) else { return false }
      let value = at
      at += Int(size)
      guard let index = index(of: UInt32(key >> 3), descriptor) else { continue }
      let field = descriptor.pointee.fields + index
      let isList = field.pointee.label == PROTOBUF_C_LABEL_REPEATED
      if field.pointee.type == PROTOBUF_C_TYPE_BOOL && !(isList && key & 7 == 2) { return false }
      if field.pointee.type != PROTOBUF_C_TYPE_MESSAGE { continue }
      if !isList {
        let bit: UInt64 = 1 << UInt64(index)
        if seen & bit != 0 { return false }
        seen |= bit
      }
      let inner = field.pointee.descriptor.assumingMemoryBound(to: ProtobufCMessageDescriptor.self)
      if isWorthScanning(inner) && !scan(value, at, inner) { return false }
    }
    return true
  }

  private static func isWorthScanning(
    _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>
  ) -> Bool {
    for index in 0..<Int(descriptor.pointee.n_fields) {
      let type = descriptor.pointee.fields[index].type
      if type == PROTOBUF_C_TYPE_MESSAGE || type == PROTOBUF_C_TYPE_BOOL { return true }
    }
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
  private static func varint(
    _ at: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>
  ) -> UInt64? {
    if at < end && at.pointee < 0x80 {
      defer { at += 1 }
      return UInt64(at.pointee)
    }
    return longVarint(&at, end)
  }

  @inline(never)
  private static func longVarint(
    _ at: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>
  ) -> UInt64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while at < end && shift < 70 {
      let byte = at.pointee
      at += 1
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    return nil
  }
}
