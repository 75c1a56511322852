/// Comments and lines by the address of what they belong to, from google.protobuf.SourceCodeInfo.
struct SourceInfo {
  private var comments: [[Int]: String] = [:]
  private var lines: [[Int]: Int] = [:]

  init(file bytes: [UInt8]) throws(DescriptorError) {
    var reader = WireReader(bytes)
    while let tag = try reader.next() {
      guard tag.number == 9 && tag.wireType == .lengthDelimited else {
        try reader.skip(tag)
        continue
      }
      var info = try reader.nested()
      while let tag = try info.next() {
        if tag.number == 1 && tag.wireType == .lengthDelimited {
          try addLocation(try info.nested())
        } else {
          try info.skip(tag)
        }
      }
    }
  }

  /// The comment above a declaration, else the one behind it; without the first space of each line.
  func comment(_ path: [Int]) -> String { comments[path] ?? "" }

  /// Counted from 1; 0 where the descriptor does not say.
  func line(_ path: [Int]) -> Int { lines[path] ?? 0 }

  private mutating func addLocation(_ location: WireReader) throws(DescriptorError) {
    var location = location
    var path: [Int] = []
    var span: [Int] = []
    var leading = ""
    var trailing = ""
    while let tag = try location.next() {
      switch (tag.number, tag.wireType) {
      case (1, .lengthDelimited): path += try SourceInfo.packed(try location.bytes())
      case (2, .lengthDelimited): span += try SourceInfo.packed(try location.bytes())
      case (1, .varint): path.append(Int(truncatingIfNeeded: try location.varint()))
      case (2, .varint): span.append(Int(truncatingIfNeeded: try location.varint()))
      case (3, .lengthDelimited): leading = try location.text()
      case (4, .lengthDelimited): trailing = try location.text()
      default: try location.skip(tag)
      }
    }
    if let line = span.first, line >= 0, line < Int(Int32.max) { lines[path] = line + 1 }
    let comment = SourceInfo.plain(leading.isEmpty ? trailing : leading)
    if !comment.isEmpty { comments[path] = comment }
  }

  private static func packed(_ bytes: ArraySlice<UInt8>) throws(DescriptorError) -> [Int] {
    var reader = WireReader(bytes)
    var values: [Int] = []
    while !reader.isAtEnd { values.append(Int(truncatingIfNeeded: try reader.varint())) }
    return values
  }

  private static func plain(_ comment: String) -> String {
    var lines = comment.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      line.first == " " ? String(line.dropFirst()) : String(line)
    }
    while lines.last?.allSatisfy({ $0 == " " }) == true { lines.removeLast() }
    return lines.joined(separator: "\n")
  }
}
