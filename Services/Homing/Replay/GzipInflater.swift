internal import CZlib

/// Inflates gzip as it comes in pieces, member after member (RFC 1952 §2.2).
///
/// One thread at a time.
final class GzipInflater {
  /// What is wrong, and where in the compressed bytes.
  struct Damage: Error, Hashable {
    let offset: UInt64
    let reason: String
  }

  /// Bytes of one answer.
  static let chunkBytes = 64 << 10

  private enum State {
    /// Before the first byte of a member, or of padding after the last one.
    case betweenMembers
    case inMember
  }

  /// On the heap, since zlib keeps its address.
  private let stream: UnsafeMutablePointer<z_stream>
  private var state = State.betweenMembers
  private var hasMember = false
  private var input: [UInt8] = []
  private var position = 0
  /// Compressed bytes before `input`.
  private var offset: UInt64 = 0

  init() {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    // 15 bits of window; 16 on top asks for a gzip wrapper instead of zlib's own.
    let result = inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    precondition(result == Z_OK, "zlib cannot start: \(result)")
  }

  deinit {
    inflateEnd(stream)
    stream.deinitialize(count: 1)
    stream.deallocate()
  }

  /// Hands in the next compressed bytes; what was handed in before must be used up.
  func feed(_ bytes: [UInt8]) {
    precondition(position == input.count, "fed before the last bytes are used up")
    offset += UInt64(position)
    input = bytes
    position = 0
  }

  /// The next inflated bytes; nil when more have to be fed.
  func next() throws(Damage) -> [UInt8]? {
    while position < input.count {
      if state == .betweenMembers {
        // Tapes and some tools fill up with zeros after the last member.
        if hasMember, input[position] == 0 {
          position += 1
          continue
        }
        inflateReset(stream)
        state = .inMember
      }
      let output = try inflateSome()
      if !output.isEmpty { return output }
    }
    return nil
  }

  /// Says that the file has ended.
  func finish() throws(Damage) {
    if state == .inMember { throw damage("it ends in the middle of its compressed data") }
  }

  private func inflateSome() throws(Damage) -> [UInt8] {
    var result = Z_OK
    let output = [UInt8](unsafeUninitializedCapacity: Self.chunkBytes) { output, count in
      input.withUnsafeMutableBufferPointer { input in
        stream.pointee.next_in = input.baseAddress.map { $0 + position }
        stream.pointee.avail_in = UInt32(input.count - position)
        stream.pointee.next_out = output.baseAddress
        stream.pointee.avail_out = UInt32(output.count)
        result = inflate(stream, Z_NO_FLUSH)
        position = input.count - Int(stream.pointee.avail_in)
        count = output.count - Int(stream.pointee.avail_out)
        stream.pointee.next_in = nil
        stream.pointee.next_out = nil
      }
    }
    switch result {
    case Z_OK, Z_BUF_ERROR: break
    case Z_STREAM_END:
      state = .betweenMembers
      hasMember = true
    default:
      throw damage(stream.pointee.msg.map { String(cString: $0) } ?? "zlib says \(result)")
    }
    return output
  }

  private func damage(_ reason: String) -> Damage {
    Damage(offset: offset + UInt64(position), reason: reason)
  }
}
