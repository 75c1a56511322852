internal import Glibc

/// The folder of a development CA: `ca.pem`, `ca.key`, and a pair of files for each service.
struct CertificateFolder {
  let path: String

  /// Makes the folder, and those above it, where they are missing.
  init(_ path: String) throws(CommandError) {
    guard !path.isEmpty else { throw .usage("--out must name a folder, is empty") }
    self.path = path
    var made = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
      made += (made.isEmpty || made.hasSuffix("/") ? "" : "/") + part
      guard mkdir(made, 0o755) == 0 || errno == EEXIST || errno == EISDIR else {
        throw .file("cannot make the folder \(made): \(SystemError.text(errno))")
      }
    }
  }

  /// Runs `body` while no other process does so for this folder, so that two do not both make a CA.
  func withLock<Result>(_ body: () throws -> Result) throws -> Result {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw CommandError.file("cannot open the folder \(path): \(SystemError.text(errno))")
    }
    defer { close(descriptor) }
    while flock(descriptor, LOCK_EX) != 0 {
      guard errno == EINTR else {
        throw CommandError.file("cannot lock the folder \(path): \(SystemError.text(errno))")
      }
    }
    return try body()
  }

  func file(_ name: String) -> String { path + "/" + name }

  /// Nil where there is no such file.
  func read(_ name: String) throws(CommandError) -> [UInt8]? {
    guard access(file(name), F_OK) == 0 else { return nil }
    return try InputFile.bytes(file(name), bytesMax: 1 << 20)
  }

  /// Writes a file whole or not at all: a reader sees the old content or the new.
  func write(_ bytes: [UInt8], to name: String, mode: mode_t) throws(CommandError) {
    let target = file(name)
    let temporary = target + ".new"
    unlink(temporary)
    // The mode is set as the file is made, so a key is at no moment readable for others.
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    guard descriptor >= 0 else {
      throw .file("cannot write \(temporary): \(SystemError.text(errno))")
    }
    var isWritten = true
    var rest = bytes[...]
    while isWritten && !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 { rest = rest.dropFirst(count) } else { isWritten = errno == EINTR }
    }
    isWritten = isWritten && fsync(descriptor) == 0
    let failure = errno
    close(descriptor)
    guard isWritten, rename(temporary, target) == 0 else {
      let reason = SystemError.text(isWritten ? errno : failure)
      unlink(temporary)
      throw .file("cannot write \(target): \(reason)")
    }
  }
}
