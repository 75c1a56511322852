internal import Glibc

/// Keeps a folder for one living process. The kernel lets go when the process ends, however that
/// happens, so that its next start takes over at once.
package final class FolderLock: Sendable {
  private let file: Int32
  package let path: String

  /// Throws `StorageError.taken` if another process, or another lock of this one, has the folder.
  ///
  /// - Parameters:
  ///   - folder: is made if it does not exist; its parent must exist.
  ///   - name: of the file in it.
  ///   - owner: is written into the file, for whoever is refused.
  package init(folder: String, name: String = "lock", owner: String) throws {
    if mkdir(folder, 0o700) != 0 && errno != EEXIST {
      throw StorageError(.unavailable, "\(folder) cannot be made: error \(errno)")
    }
    path = "\(folder)/\(name)"
    file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    if file < 0 { throw StorageError(.unavailable, "\(path) cannot be opened: error \(errno)") }
    guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
      throw StorageError(
        .taken, "\(folder) belongs to a living process: \(FolderLock.read(file))")
    }
    let text = Array("\(owner), process \(getpid())\n".utf8)
    if ftruncate(file, 0) != 0 || pwrite(file, text, text.count, 0) != text.count {
      throw StorageError(.io, "\(path) cannot be written: error \(errno)")
    }
  }

  /// Runs also when `init` throws, since all is set by then.
  deinit { if file >= 0 { close(file) } }

  /// At most 200 bytes, without what would break a line of the log.
  private static func read(_ file: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 200)
    let count = max(0, pread(file, &bytes, bytes.count, 0))
    return String(decoding: bytes[..<count].filter { $0 >= 0x20 && $0 < 0x7f }, as: UTF8.self)
  }
}
