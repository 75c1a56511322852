internal import Glibc

/// Reads files that fit memory many times over: configuration, keys, time zones.
package enum SmallFile {
  /// Blocks; called where a service starts, or on a thread of its own.
  ///
  /// - Throws: for a file that cannot be read, is no regular file, or has more than `bytesMax`.
  package static func read(_ path: String, bytesMax: Int) throws(FileError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw FileError(path, because: errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileError(path, because: errno) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw FileError("\(path) is not a regular file")
    }
    // The size is a hint: a file may grow meanwhile, and those of /proc tell none.
    var bytes = [UInt8](repeating: 0, count: min(max(4095, Int(status.st_size)), bytesMax) + 1)
    var count = 0
    while true {
      let part = bytes.withUnsafeMutableBytes {
        Glibc.read(descriptor, $0.baseAddress! + count, $0.count - count)
      }
      if part < 0 && errno == EINTR { continue }
      if part < 0 { throw FileError(path, because: errno) }
      if part == 0 { break }
      count += part
      if count > bytesMax {
        throw FileError("\(path) has over \(bytesMax) bytes, the most allowed")
      }
      if count == bytes.count { bytes += [UInt8](repeating: 0, count: bytes.count) }
    }
    return Array(bytes[..<count])
  }
}

/// A file that cannot be used.
package struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }

  init(_ path: String, because number: Int32) {
    self.init("\(path): \(String(cString: strerror(number)))")
  }
}
