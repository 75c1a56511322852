internal import Glibc
internal import ServiceKit

/// The bytes of a file, piece by piece, inflated where it is gzip.
///
/// Reading blocks. One thread at a time.
final class ByteSource {
  let path: String
  /// Of the file as it lies there; 0…1 of it have been read.
  let fileBytes: UInt64
  private let descriptor: Int32
  private var inflater: GzipInflater?
  private var isAtStart = true
  private var isAtEnd = false
  private var digest: SHA256?

  /// - Parameter digests: whether `finishedDigest` will be asked.
  init(_ path: String, digests: Bool = false) throws(CommandError) {
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw .file("cannot read \(path): \(SystemError.text(errno))")
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw .file("\(path) is not a regular file; it is read more than once")
    }
    self.path = path
    fileBytes = UInt64(max(0, status.st_size))
    digest = digests ? SHA256() : nil
  }

  deinit { close(descriptor) }

  /// Whether what comes out are the bytes of the file themselves.
  var isPlain: Bool { inflater == nil }

  /// The next bytes, never none; nil at the end.
  func next() throws(CommandError) -> [UInt8]? {
    while true {
      if let inflater {
        do {
          if let bytes = try inflater.next() { return bytes }
          if isAtEnd {
            try inflater.finish()
            return nil
          }
        } catch {
          throw .file("\(path) is damaged gzip at byte \(error.offset): \(error.reason)")
        }
      } else if isAtEnd {
        return nil
      }
      guard let chunk = try InputFile.chunk(descriptor, path) else {
        isAtEnd = true
        continue
      }
      digest?.update(chunk)
      if isAtStart {
        isAtStart = false
        if chunk.starts(with: [0x1F, 0x8B]) { inflater = GzipInflater() }
      }
      guard let inflater else { return chunk }
      inflater.feed(chunk)
    }
  }

  /// SHA-256 of the file's bytes as they lie there; after the end, once.
  func finishedDigest() -> [UInt8] {
    precondition(isAtEnd, "the file has not been read to its end")
    guard let digest = digest.take() else { preconditionFailure("no digest was asked for") }
    return digest.finish()
  }
}
