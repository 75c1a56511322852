internal import Glibc
internal import Messages
internal import ServiceKit
internal import Storage

/// Writes each message into a folder, under its id: `.eml`, `.txt` or `.json`.
///
/// A file is there whole or not at all, and the same message again gives the same file, so a
/// hand-off may be repeated.
final class FolderProvider: Provider {
  let name: String
  let slots: Int
  private let path: String
  private let flushes: Bool
  private let threads: ThreadPool

  /// - Parameter flushes: whether a file waits for the disk.
  init(name: String, path: String, slots: Int, flushes: Bool) throws {
    self.name = name
    self.path = path
    self.slots = slots
    self.flushes = flushes
    threads = try ThreadPool(name: name, count: flushes ? 2 : 1)
  }

  func start() throws {
    if mkdir(path, 0o755) != 0 && errno != EEXIST { throw FileFault(path) }
    guard access(path, W_OK | X_OK) == 0 else { throw FileFault(path) }
  }

  func send(_ parcels: [Parcel]) {
    Task.immediate {
      let accepted: Void? = try? await threads.run {
        for parcel in parcels { parcel.done(self.write(parcel)) }
      }
      if accepted == nil {
        for parcel in parcels {
          parcel.done(ProviderResult(.later(.providerUnreachable, after: nil)))
        }
      }
    }
  }

  func stop() async { try? await Blocking.run(name: name) { self.threads.close() } }

  private func write(_ parcel: Parcel) -> ProviderResult {
    do throws(FileFault) {
      switch parcel.content {
      case .email(let email):
        try write(email.bytes, parcel.id + ".eml")
        for (index, copy) in email.copies.enumerated() {
          try write(copy.bytes, "\(parcel.id).copy\(index + 1).eml")
        }
      case .text(let text): try write(Array(text.utf8), parcel.id + ".txt")
      case .webhook(let body): try write(body, parcel.id + ".json")
      }
      return ProviderResult(.taken, answer: "written")
    } catch {
      return ProviderResult(.later(.providerUnreachable, after: nil), answer: error.description)
    }
  }

  /// Writes under another name, flushes, and moves into place.
  private func write(_ bytes: [UInt8], _ name: String) throws(FileFault) {
    let new = "\(path)/.\(name).new"
    let descriptor = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw FileFault(new) }
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress! + written, bytes.count - written)
      }
      if count < 0 && errno == EINTR { continue }
      if count < 0 {
        let fault = FileFault(new)
        close(descriptor)
        throw fault
      }
      written += count
    }
    let isFlushed = !flushes || fsync(descriptor) == 0
    close(descriptor)
    guard isFlushed, rename(new, "\(path)/\(name)") == 0 else { throw FileFault(new) }
    if flushes { try flushFolder() }
  }

  private func flushFolder() throws(FileFault) {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
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
