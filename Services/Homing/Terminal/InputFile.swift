internal import Glibc

/// Files that a person names.
enum InputFile {
  /// The whole file, or an error that names it, the limit and what is wrong.
  static func bytes(_ path: String, bytesMax: Int) throws(CommandError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw .file("cannot read \(path): \(SystemError.text(errno))")
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    while let chunk = try chunk(descriptor, path) {
      bytes += chunk
      guard bytes.count <= bytesMax else {
        throw .file("\(path) is larger than \(bytesMax) bytes")
      }
    }
    return bytes
  }

  /// The next bytes of a file, nil at its end. Waits for them; not to be called on the cooperative
  /// pool.
  static func chunk(_ descriptor: Int32, _ path: String) throws(CommandError) -> [UInt8]? {
    while true {
      var chunk = [UInt8](repeating: 0, count: 64 << 10)
      let count = read(descriptor, &chunk, chunk.count)
      if count > 0 { return Array(chunk.prefix(count)) }
      if count == 0 { return nil }
      guard errno == EINTR else {
        throw .file("cannot read \(path): \(SystemError.text(errno))")
      }
    }
  }
}
