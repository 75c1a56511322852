internal import CLinux
internal import Glibc
internal import Synchronization

/// The certificate in force, made again when its files change: new connections get a new context
/// with new ticket keys, so sessions of the old one do not resume.
final class CertificateSource: Sendable {
  enum Refreshed: Equatable {
    case unchanged
    case reloaded
    case unusable(String)
  }

  /// What tells one state of a file from another, also where a link is switched to another file:
  /// device, file, size, time of change.
  private typealias Stamp = [Int]

  private struct State {
    var context: TLSContext
    var stamps: [Stamp?]
  }

  private let role: TLSContext.Role
  private let configuration: TLSConfiguration
  private let state: Mutex<State>

  init(_ role: TLSContext.Role, _ configuration: TLSConfiguration) throws(TLSError) {
    self.role = role
    self.configuration = configuration
    let stamps = CertificateSource.stamps(configuration)
    state = Mutex(State(context: try TLSContext(role, configuration), stamps: stamps))
  }

  var context: TLSContext { state.withLock { $0.context } }

  /// Looks at the files; where they have changed, and can be used, they are in force from now on.
  func refresh() -> Refreshed {
    let stamps = CertificateSource.stamps(configuration)
    if state.withLock({ $0.stamps == stamps }) { return .unchanged }
    do throws(TLSError) {
      let context = try TLSContext(role, configuration)
      state.withLock { $0 = State(context: context, stamps: stamps) }
      return .reloaded
    } catch {
      // Files are written one after the other: looked at again, since the stamps stay the old ones.
      return .unusable(error.description)
    }
  }

  private static func stamps(_ files: TLSConfiguration) -> [Stamp?] {
    [files.certificateFile, files.keyFile, files.authorityFile].map { path in
      var found = stat()
      if stat(path, &found) != 0 { return nil }
      return [
        Int(found.st_dev), Int(found.st_ino), Int(found.st_size), found.st_mtim.tv_sec,
        found.st_mtim.tv_nsec,
      ]
    }
  }
}
