internal import Glibc
internal import Messages
internal import ServiceKit

/// The files of batches: our own, which stay, and the copy that is handed over.
struct BatchFiles: Sendable {
  /// Of ours: one folder for each batch.
  let own: String
  /// Where they are handed over: a folder of a batch lies there completely or not at all.
  let handOver: String
  let flushes: Bool

  static let document = "letters.pdf"
  static let csv = "manifest.csv"
  static let json = "manifest.json"
  static let all = [document, csv, json]

  /// Bytes copied at once.
  private static let partSize = 1 << 20

  func start() throws {
    try makeFolder(own)
    try makeFolder(handOver)
  }

  func folder(_ batch: BatchKey) -> String { "\(own)/\(batch.text)" }

  func path(_ batch: BatchKey, _ file: String) -> String { "\(folder(batch))/\(file)" }

  /// An empty folder for a batch, whatever an interrupted closing left.
  func clear(_ batch: BatchKey) throws {
    let folder = folder(batch)
    try makeFolder(folder)
    for file in BatchFiles.all {
      try remove("\(folder)/\(file)")
      try remove("\(folder)/\(file).new")
    }
  }

  /// Takes a document away that somebody stands in who was erased (P10); its manifests stay.
  func removeDocument(_ batch: BatchKey) throws {
    try remove(path(batch, BatchFiles.document))
    try flush(folder(batch))
  }

  func hasDocument(_ batch: BatchKey) -> Bool {
    access(path(batch, BatchFiles.document), F_OK) == 0
  }

  /// Nothing of the batch is left.
  func discard(_ batch: BatchKey) throws {
    try clear(batch)
    if rmdir(folder(batch)) != 0 && errno != ENOENT { throw FileFault(folder(batch)) }
  }

  /// Makes a file written under the name with `.new` durable under its own.
  func keep(_ batch: BatchKey, _ file: String) throws {
    let path = path(batch, file)
    try flush(path + ".new")
    guard rename(path + ".new", path) == 0 else { throw FileFault(path) }
  }

  func write(_ bytes: [UInt8], _ batch: BatchKey, _ file: String) throws {
    let path = path(batch, file) + ".new"
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw FileFault(path) }
    defer { close(descriptor) }
    try BatchFiles.write(bytes[...], descriptor, path)
    try keep(batch, file)
  }

  func flushFolder(_ batch: BatchKey) throws {
    try flush(folder(batch))
    try flush(own)
  }

  // MARK: - The hand-over

  /// Where a batch is handed over to.
  func place(_ name: String) -> String { "\(handOver)/\(name)" }

  /// Beside a place: a hidden name, and the folder of both.
  private static func beside(_ place: String) -> (new: String, folder: String) {
    let name = place.lastIndex(of: "/").map { place[place.index(after: $0)...] } ?? place[...]
    let folder = String(place.dropLast(name.count + 1))
    return ("\(folder)/.\(name).new", folder)
  }

  /// Copies a batch's files to beside their place. Before the commit that closes the batch: from
  /// then on the folder there means that it was not handed over.
  func prepare(_ batch: BatchKey, _ place: String) throws {
    let (new, folder) = BatchFiles.beside(place)
    try makeFolder(new)
    for file in BatchFiles.all {
      try copy(path(batch, file), "\(new)/\(file)")
    }
    try flush(new)
    try flush(folder)
  }

  /// Moves a prepared folder to its place; nothing where it was moved before, even if whoever it
  /// is for has taken it away since.
  ///
  /// - Parameter place: as it was when the batch was closed, whatever the setting is now.
  func submit(_ place: String) throws {
    let (new, folder) = BatchFiles.beside(place)
    if rename(new, place) != 0 && errno != ENOENT { throw FileFault(place) }
    try flush(folder)
  }

  // MARK: - Reading

  /// A part of a file; empty at its end.
  func read(_ batch: BatchKey, _ file: String, at offset: UInt64, atMost: Int) throws -> [UInt8] {
    let path = path(batch, file)
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileFault(path) }
    defer { close(descriptor) }
    return try BatchFiles.read(descriptor, path, at: Int(clamping: offset), atMost: atMost)
  }

  /// SHA-256 and size of a file.
  func checksum(_ batch: BatchKey, _ file: String) throws -> (digest: [UInt8], size: Int) {
    let path = path(batch, file)
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileFault(path) }
    defer { close(descriptor) }
    var hash = SHA256()
    var size = 0
    while true {
      let part = try BatchFiles.read(descriptor, path, at: size, atMost: BatchFiles.partSize)
      if part.isEmpty { return (hash.finish(), size) }
      hash.update(part)
      size += part.count
    }
  }

  private static func read(
    _ descriptor: Int32, _ path: String, at offset: Int, atMost: Int
  ) throws -> [UInt8] {
    var part = [UInt8](repeating: 0, count: atMost)
    var count = pread(descriptor, &part, atMost, offset)
    while count < 0 && errno == EINTR { count = pread(descriptor, &part, atMost, offset) }
    if count < 0 { throw FileFault(path) }
    part.removeLast(atMost - count)
    return part
  }

  private static func write(_ bytes: ArraySlice<UInt8>, _ descriptor: Int32, _ path: String) throws
  {
    var left = bytes
    while !left.isEmpty {
      let count = left.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      if count < 0 { throw FileFault(path) }
      left = left.dropFirst(count)
    }
  }

  private func copy(_ source: String, _ target: String) throws {
    let from = open(source, O_RDONLY | O_CLOEXEC)
    guard from >= 0 else { throw FileFault(source) }
    defer { close(from) }
    let to = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard to >= 0 else { throw FileFault(target) }
    defer { close(to) }
    var offset = 0
    while true {
      let part = try BatchFiles.read(from, source, at: offset, atMost: BatchFiles.partSize)
      if part.isEmpty { break }
      try BatchFiles.write(part[...], to, target)
      offset += part.count
    }
    if flushes && fsync(to) != 0 { throw FileFault(target) }
  }

  private func makeFolder(_ path: String) throws {
    if mkdir(path, 0o755) != 0 && errno != EEXIST { throw FileFault(path) }
    guard access(path, W_OK | X_OK) == 0 else { throw FileFault(path) }
  }

  private func remove(_ path: String) throws {
    if unlink(path) != 0 && errno != ENOENT { throw FileFault(path) }
  }

  /// Of a file or a folder.
  private func flush(_ path: String) throws {
    if !flushes { return }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileFault(path) }
    defer { close(descriptor) }
    if fsync(descriptor) != 0 { throw FileFault(path) }
  }
}

/// What the system said of a file.
struct FileFault: Error, Hashable, CustomStringConvertible {
  let description: String

  /// Right after the call that failed.
  init(_ path: String) { description = "\(path): \(String(cString: strerror(errno)))" }
}
