internal import Glibc

/// Encodings kept in files: some of each shape, made by Google's protobuf, and hostile ones. A
/// file's name begins with `refused-` where the message it names must refuse it.
enum Corpus {
  struct File {
    let name: String
    let bytes: [UInt8]
  }

  /// In order of their names.
  static var files: [File] { get throws { try loaded.get() } }

  private static let loaded = Result {
    try names().map { File(name: $0, bytes: try read($0)) }
  }

  private static func read(_ name: String) throws -> [UInt8] {
    guard let file = fopen(folder + "/" + name, "r") else { throw Unreadable(name: name) }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = fread(&bytes, 1, bytes.count, file)
    return Array(bytes.prefix(count))
  }

  /// Changes, removes, repeats or adds a few bytes.
  static func change(_ bytes: inout [UInt8], _ random: inout SplitMix64) {
    let position = Int.random(in: 0...bytes.count, using: &random)
    switch random.next() % 5 {
    case 0 where position < bytes.count: bytes[position] ^= 1 << UInt8(random.next() % 8)
    case 1 where position < bytes.count: bytes[position] = UInt8(truncatingIfNeeded: random.next())
    case 2: bytes.removeLast(min(bytes.count - position, Int(random.next() % 8)))
    case 3:
      let piece = bytes[position...].prefix(Int(random.next() % 16))
      bytes.insert(contentsOf: Array(piece), at: position)
    default: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: position)
    }
  }

  private struct Unreadable: Error { let name: String }

  private static var folder: String {
    #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/") + "/Corpus"
  }

  private static func names() throws -> [String] {
    guard let directory = opendir(folder) else { throw Unreadable(name: folder) }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { raw in
        String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name.hasSuffix(".bin") { names.append(name) }
    }
    return names.sorted()
  }
}
