internal import Glibc

/// Bodies of frames kept in files: some of each shape, made by Google's protobuf, and hostile ones.
/// A file's name begins with `refused-` where its bytes are no frame.
enum FrameCorpus {
  struct File {
    let name: String
    let bytes: [UInt8]
  }

  /// In order of their names.
  static func files() throws -> [File] {
    try names().map { File(name: $0, bytes: try read(folder + "/" + $0)) }
  }

  static func file(_ name: String) throws -> [UInt8] { try read("\(folder)/\(name).bin") }

  /// A text of the repository, by its path from the root.
  static func text(_ path: String) throws -> String {
    let root = folder.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
    return String(decoding: try read(root.joined(separator: "/") + "/" + path), as: UTF8.self)
  }

  /// Changes, removes, repeats or adds a few bytes.
  static func change(_ bytes: inout [UInt8], _ random: inout SplitMix64) {
    let position = random.int(0...bytes.count)
    switch random.next() % 6 {
    case 0 where position < bytes.count: bytes[position] ^= 1 << UInt8(random.next() % 8)
    case 1 where position < bytes.count: bytes[position] = UInt8(truncatingIfNeeded: random.next())
    case 2: bytes.removeLast(min(bytes.count - position, Int(random.next() % 8)))
    case 3: bytes.insert(contentsOf: Array(bytes[position...].prefix(16)), at: position)
    case 4 where position < bytes.count: bytes[position] = [0, 1, 0x7f, 0x80, 0xff][position % 5]
    default: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: position)
    }
  }

  private struct Unreadable: Error { let path: String }

  private static var folder: String {
    #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/") + "/Corpus"
  }

  private static func read(_ path: String) throws -> [UInt8] {
    guard let file = fopen(path, "r") else { throw Unreadable(path: path) }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = fread(&bytes, 1, bytes.count, file)
    if count == bytes.count { throw Unreadable(path: path) }
    return Array(bytes.prefix(count))
  }

  private static func names() throws -> [String] {
    guard let directory = opendir(folder) else { throw Unreadable(path: folder) }
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
