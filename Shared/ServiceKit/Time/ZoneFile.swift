/// Reads the binary form of a time zone, versions 2 to 4 of RFC 8536 and RFC 9636.
enum ZoneFile {
  /// The greatest of today's files have under 4 KiB.
  static let bytesMax = 64 * 1024
  static let transitionsMax = 4096

  /// The counts that begin each of the file's two parts.
  private struct Header {
    static let size = 44
    let version: UInt8
    let counts: [Int]

    var leapCount: Int { counts[2] }
    var transitionCount: Int { counts[3] }
    var typeCount: Int { counts[4] }

    /// - Parameter width: bytes of an instant.
    func bodySize(width: Int) -> Int {
      transitionCount * (width + 1) + typeCount * 6 + counts[5] + leapCount * (width + 4)
        + counts[1] + counts[0]
    }
  }

  /// - Throws: with the rule that the bytes break.
  static func parse(_ bytes: [UInt8], _ name: String) throws(TimeError) -> ZoneData {
    do throws(TimeError) {
      let old = try header(bytes[...])
      guard old.version >= UInt8(ascii: "2") else { throw TimeError("version 1 is too old") }
      // The first part is for readers that know no more than 32 bits.
      let new = bytes.dropFirst(Header.size + old.bodySize(width: 4))
      let header = try header(new)
      let body = new.dropFirst(Header.size)
      let size = header.bodySize(width: 8)
      guard body.count >= size else { throw TimeError("the table is cut short") }
      let rule = try footer(body.dropFirst(size))
      return try table(Array(body.prefix(size)), header, rule)
    } catch {
      throw TimeError("time zone \(name): \(error)")
    }
  }

  private static func header(_ bytes: ArraySlice<UInt8>) throws(TimeError) -> Header {
    let head = Array(bytes.prefix(Header.size))
    guard head.count == Header.size, head.starts(with: Array("TZif".utf8)) else {
      throw TimeError("\(bytes.count) bytes are no such file")
    }
    let counts = (0..<6).map { Int(truncatingIfNeeded: integer(head, 20 + $0 * 4, width: 4)) }
    guard counts.allSatisfy({ (0...bytesMax).contains($0) }) else {
      throw TimeError("a count is over \(bytesMax)")
    }
    return Header(version: head[4], counts: counts)
  }

  private static func table(
    _ body: [UInt8], _ header: Header, _ rule: ZoneRule?
  ) throws(TimeError) -> ZoneData {
    let count = header.transitionCount
    guard header.leapCount == 0 else { throw TimeError("it counts leap seconds") }
    guard (1...256).contains(header.typeCount) else {
      throw TimeError("\(header.typeCount) types are not 1 to 256")
    }
    guard count <= transitionsMax else {
      throw TimeError("\(count) transitions are over \(transitionsMax)")
    }
    let types = (0..<header.typeCount).map { integer(body, count * 9 + $0 * 6, width: 4) }
    guard types.allSatisfy({ $0.magnitude <= ZoneData.offsetMax.magnitude }) else {
      throw TimeError("an offset is over \(ZoneData.offsetMax) seconds")
    }
    let transitions = (0..<count).map { integer(body, $0 * 8, width: 8) }
    guard zip(transitions, transitions.dropFirst()).allSatisfy({ $0 < $1 }) else {
      throw TimeError("the transitions do not ascend")
    }
    let indexes = (0..<count).map { Int(body[count * 8 + $0]) }
    guard indexes.allSatisfy({ $0 < types.count }) else {
      throw TimeError("a transition has no type")
    }
    return ZoneData(
      transitions: transitions, offsets: [types[0]] + indexes.map { types[$0] }, rule: rule)
  }

  private static func footer(_ bytes: ArraySlice<UInt8>) throws(TimeError) -> ZoneRule? {
    let newline = UInt8(ascii: "\n")
    guard bytes.first == newline, let end = bytes.dropFirst().firstIndex(of: newline) else {
      throw TimeError("the rule at the end is cut short")
    }
    let text = Array(bytes[(bytes.startIndex + 1)..<end])
    return text.isEmpty ? nil : try ZoneRule(parsing: text)
  }

  /// Two's complement, greatest byte first.
  private static func integer(_ bytes: [UInt8], _ start: Int, width: Int) -> Int64 {
    let value = bytes[start..<(start + width)].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return width == 4 ? Int64(Int32(truncatingIfNeeded: value)) : Int64(bitPattern: value)
  }
}
