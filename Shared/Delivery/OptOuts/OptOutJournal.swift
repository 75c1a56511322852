internal import Glibc
internal import ServiceKit
internal import Storage
internal import Synchronization

/// Opt-outs in a file of their own beside the database, in the order in which they are acknowledged
/// (T31): what a restored backup does not have comes back from here.
///
/// The file is only ever appended to, and flushed before an append returns, so before the answer.
/// Each append is one line: a seal of 16 hexadecimal digits, a space, the payloads in base64url
/// with commas between them, a line feed. The seal is the first half of a SHA-256 over the line's
/// place in the file and what follows the seal. A last line that a crash has cut off was never
/// acknowledged and is taken away at the next start; a damaged line before it stops the start.
/// Only an erasure changes what was written (P10): a payload that loses personal fields is filled
/// up with `=` to the length it had, so that every line stays where it is.
package final class OptOutJournal: Sendable {
  private struct State {
    /// Bytes that hold whole lines.
    var size: Int64
    /// Nobody knows what the disk holds: nothing may be appended before the next start.
    var failure: StorageError?
  }

  package let path: String
  private let file: Int32
  private let flushes: Bool
  private let state: Mutex<State>

  static let sealSize = 16
  private static let chunkSize = 1 << 16
  /// Of one line, in bytes: more than any one change makes.
  private static let lineSizeMax = 64 << 20

  /// Opens the file, or makes it; its folder must exist. `replay` is to be called before the first
  /// append. Blocks.
  ///
  /// - Parameter flushes: false only where nobody will miss it.
  package init(path: String, flushes: Bool = true) throws {
    self.path = path
    self.flushes = flushes
    file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else {
      throw StorageError(.unavailable, "\(path) cannot be opened: error \(errno)")
    }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(file)
      throw StorageError(.unavailable, "\(path) is no regular file")
    }
    state = Mutex(State(size: Int64(status.st_size)))
    if flushes && status.st_size == 0 { try flushFolder() }
  }

  deinit { close(file) }

  /// Where the next line begins. A database keeps it, so that a start reads only what came after.
  package var size: Int64 { state.withLock { $0.size } }

  // MARK: - Writing

  /// Appends payloads as one line and waits for the disk. Blocks.
  ///
  /// - Returns: where the next line begins.
  /// - Throws: `full` where nothing was written; `uncertain` where nobody knows, from then on
  ///   always.
  package func append(_ payloads: [[UInt8]]) throws -> Int64 {
    precondition(!payloads.isEmpty)
    return try state.withLock { state in
      if let failure = state.failure { throw failure }
      let line = OptOutJournal.line(payloads, at: state.size)
      do {
        try write(line, at: state.size, to: file)
      } catch {
        // What stands there already is overwritten by the next line, or cut off at the next start.
        if ftruncate(file, off_t(state.size)) != 0 { state.failure = OptOutJournal.uncertain }
        throw error
      }
      if flushes && fdatasync(file) != 0 {
        state.failure = OptOutJournal.uncertain
        throw OptOutJournal.uncertain
      }
      state.size += Int64(line.count)
      return state.size
    }
  }

  private static let uncertain = StorageError(
    .uncertain, "the opt-out journal may or may not be on disk")

  private func write(_ line: [UInt8], at start: Int64, to file: Int32) throws {
    try line.withUnsafeBytes { bytes in
      var done = 0
      while done < bytes.count {
        let count = pwrite(
          file, bytes.baseAddress! + done, bytes.count - done, off_t(start) + off_t(done))
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else {
          let isFull = errno == ENOSPC || errno == EDQUOT
          throw StorageError(
            isFull ? .full : .io, "\(path) cannot be written: error \(errno)")
        }
        done += count
      }
    }
  }

  private func flushFolder() throws {
    let end = path.lastIndex(of: "/") ?? path.startIndex
    let folder = end == path.startIndex ? (path.hasPrefix("/") ? "/" : ".") : String(path[..<end])
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw StorageError(.unavailable, "\(folder) cannot be opened: error \(errno)")
    }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else {
      throw StorageError(.io, "\(folder) cannot be flushed: error \(errno)")
    }
  }

  // MARK: - Redacting

  /// Changes payloads where they stand, in a new file that takes this one's place whole; what a
  /// crash leaves behind is either. Appends wait for it. Blocks.
  ///
  /// - Parameter change: what is to stand in a payload's place, which must not be longer; nil: it
  ///   stays.
  /// - Returns: how many were changed.
  package func redact(_ change: ([UInt8]) throws -> [UInt8]?) throws -> Int {
    try state.withLock { state in
      if let failure = state.failure { throw failure }
      var (lines, count) = ([[UInt8]](), 0)
      try forEachLine(to: state.size) { line, at in
        guard let payloads = OptOutJournal.payloads(line, at: at) else { throw damaged(at) }
        let changed = try payloads.map(change)
        let changes = changed.count { $0 != nil }
        count += changes
        if changes == 0 { return lines.append(Array(line) + [0x0A]) }
        // As long as each stands there, which is more than it says where it was redacted before.
        let texts = OptOutJournal.texts(line).enumerated().map { index, text in
          changed[index].map { OptOutJournal.filled($0, to: text.count) }
            ?? String(decoding: text, as: UTF8.self)
        }
        lines.append(OptOutJournal.line(texts: texts, at: at))
      }
      if count > 0 { try replaceFile(with: lines) }
      return count
    }
  }

  private static func filled(_ payload: [UInt8], to length: Int) -> String {
    let text = Base64URL.text(payload)
    precondition(text.utf8.count <= length)
    return text + String(repeating: "=", count: length - text.utf8.count)
  }

  private func replaceFile(with lines: [[UInt8]]) throws {
    let new = path + ".new"
    let descriptor = open(new, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw StorageError(.unavailable, "\(new) cannot be opened: error \(errno)")
    }
    defer { close(descriptor) }
    try write(Array(lines.joined()), at: 0, to: descriptor)
    guard !flushes || fsync(descriptor) == 0, rename(new, path) == 0 else {
      throw StorageError(.io, "\(new) cannot take the journal's place: error \(errno)")
    }
    if flushes { try flushFolder() }
    // The number by which everybody knows the file is the new one's from here on.
    guard dup2(descriptor, file) == file, fcntl(file, F_SETFD, FD_CLOEXEC) == 0 else {
      throw StorageError(.io, "\(path) cannot be opened anew: error \(errno)")
    }
  }

  private func forEachLine(
    to size: Int64, _ body: (_ line: ArraySlice<UInt8>, _ at: Int64) throws -> Void
  ) throws {
    var (buffer, read, at) = ([UInt8](), Int64(0), Int64(0))
    while at < size {
      guard let end = try lineEnd(&buffer, &read, size) else { throw damaged(at) }
      try body(buffer[..<end], at)
      buffer.removeFirst(end + 1)
      at += Int64(end) + 1
    }
  }

  // MARK: - Reading

  /// Hands on the payloads of each line from `position` on, and where the line after it begins;
  /// then takes away a last line that was cut off. Blocks.
  ///
  /// - Throws: `corrupt` where no line begins at `position`, or a line that is not the last is
  ///   damaged; what `body` throws.
  package func replay(
    from position: Int64, _ body: (_ payloads: [[UInt8]], _ end: Int64) throws -> Void
  ) throws {
    let size = size
    precondition(position >= 0 && position <= size)
    var at = position
    var buffer: [UInt8] = []
    var read = position
    while at < size {
      guard let end = try lineEnd(&buffer, &read, size) else {
        if OptOutJournal.isJoined(buffer[...]) { throw damaged(at) }
        break
      }
      let next = at + Int64(end) + 1
      guard let payloads = OptOutJournal.payloads(buffer[..<end], at: at) else {
        if next < size || OptOutJournal.isJoined(buffer[..<end]) { throw damaged(at) }
        break
      }
      try body(payloads, next)
      buffer.removeFirst(end + 1)
      at = next
    }
    if at < size {
      guard ftruncate(file, off_t(at)) == 0, !flushes || fdatasync(file) == 0 else {
        throw StorageError(.io, "\(path) cannot be cut to its last whole line: error \(errno)")
      }
    }
    state.withLock { $0.size = at }
  }

  /// Two lines whose line feed is damaged: an append that was cut off has one space at most.
  private static func isJoined(_ bytes: ArraySlice<UInt8>) -> Bool {
    bytes.count { $0 == 0x20 } > 1
  }

  private func damaged(_ at: Int64) -> StorageError {
    StorageError(.corrupt, "\(path) is damaged in the line that begins at byte \(at)")
  }

  /// Where the first line of the buffer ends; nil where the file ends before it.
  private func lineEnd(
    _ buffer: inout [UInt8], _ read: inout Int64, _ size: Int64
  ) throws -> Int? {
    var searched = 0
    while true {
      if let end = buffer[searched...].firstIndex(of: 0x0A) { return end }
      searched = buffer.count
      if read >= size { return nil }
      guard searched <= OptOutJournal.lineSizeMax else {
        throw damaged(read - Int64(searched))
      }
      var chunk = [UInt8](repeating: 0, count: OptOutJournal.chunkSize)
      let count = pread(file, &chunk, min(chunk.count, Int(size - read)), off_t(read))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        throw StorageError(.io, "\(path) cannot be read: error \(errno)")
      }
      buffer += chunk[..<count]
      read += Int64(count)
    }
  }

  // MARK: - Lines

  static func line(_ payloads: [[UInt8]], at place: Int64) -> [UInt8] {
    line(texts: payloads.map { Base64URL.text($0) }, at: place)
  }

  private static func line(texts: [String], at place: Int64) -> [UInt8] {
    let text = Array(texts.joined(separator: ",").utf8)
    return seal(text, at: place) + [0x20] + text + [0x0A]
  }

  /// What stands between the commas of a line.
  private static func texts(_ line: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    line[(line.startIndex + sealSize + 1)...].split(
      separator: 0x2C, omittingEmptySubsequences: false)
  }

  private static func payloads(_ line: ArraySlice<UInt8>, at place: Int64) -> [[UInt8]]? {
    let start = line.startIndex + sealSize
    guard line.count > sealSize, line[start] == 0x20 else { return nil }
    guard seal(Array(line[(start + 1)...]), at: place).elementsEqual(line[..<start]) else {
      return nil
    }
    var payloads: [[UInt8]] = []
    for part in texts(line) {
      let end = part.lastIndex { $0 != 0x3D }.map { $0 + 1 } ?? part.startIndex
      guard let payload = Base64URL.bytes(String(decoding: part[..<end], as: UTF8.self)) else {
        return nil
      }
      payloads.append(payload)
    }
    return payloads
  }

  private static func seal(_ text: [UInt8], at place: Int64) -> [UInt8] {
    let where8 = withUnsafeBytes(of: place.bigEndian) { Array($0) }
    let digits = Array("0123456789abcdef".utf8)
    return SHA256.hash(where8 + text).prefix(sealSize / 2).flatMap {
      [digits[Int($0 >> 4)], digits[Int($0 & 15)]]
    }
  }
}
