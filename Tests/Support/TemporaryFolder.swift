internal import Glibc

/// A folder that lives as long as this object.
package final class TemporaryFolder: Sendable {
  package let path: String

  package struct Failure: Error {
    package let what: String
  }

  package init() throws {
    var template = Array("/tmp/homing-test-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw Failure(what: "mkdtemp") }
    path = String(cString: made)
  }

  deinit { TemporaryFolder.remove(path) }

  package func file(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes the file under another name and moves it into place.
  package func write(_ bytes: [UInt8], to name: String) throws {
    let new = file(name + ".new")
    let descriptor = open(new, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    guard descriptor >= 0 else { throw Failure(what: "open \(new)") }
    let written = Glibc.write(descriptor, bytes, bytes.count)
    close(descriptor)
    guard written == bytes.count, rename(new, file(name)) == 0 else {
      throw Failure(what: "write \(name)")
    }
  }

  /// Makes the link `name` lead to `destination`, at once.
  package func link(_ name: String, to destination: String) throws {
    let new = file(name + ".new")
    guard symlink(destination, new) == 0, rename(new, file(name)) == 0 else {
      throw Failure(what: "link \(name)")
    }
  }

  private static func remove(_ folder: String) {
    guard let directory = opendir(folder) else { return }
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { start in
        start.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name == "." || name == ".." { continue }
      if unlink("\(folder)/\(name)") != 0 { remove("\(folder)/\(name)") }
    }
    closedir(directory)
    rmdir(folder)
  }
}
