internal import Foundation
internal import Testing

/// The files that git knows or would take, read from the folder this test was compiled in.
enum Repository {
  struct File: Sendable {
    /// From the root, with `/`.
    let path: String
    let text: String
    let isTracked: Bool

    var name: Substring { path.split(separator: "/").last ?? "" }
    var isGenerated: Bool { path.contains("/Generated/") || path.hasPrefix("Shared/CMessages/") }
  }

  static let root = URL(filePath: #filePath).resolvingSymlinksInPath()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// Text files in order of their paths; what is no UTF-8 or holds a NUL counts as binary.
  static var files: [File] { get throws { try loaded.get() } }

  /// Swift that a person wrote.
  static var handWritten: [File] {
    get throws { try files.filter { $0.path.hasSuffix(".swift") && !$0.isGenerated } }
  }

  /// What is in the index, binary files too.
  static var trackedPaths: [String] { get throws { try git("ls-files", "--cached") } }

  static func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: root.appending(path: path).path)
  }

  private static let loaded = Result {
    let tracked = Set(try trackedPaths)
    let untracked = try git("ls-files", "--others", "--exclude-standard")
    return (tracked.union(untracked)).sorted().compactMap { path -> File? in
      // A file that was deleted and not yet committed is still in the index.
      guard let bytes = try? Data(contentsOf: root.appending(path: path)), !bytes.contains(0),
        let text = String(bytes: bytes, encoding: .utf8)
      else { return nil }
      return File(path: path, text: text, isTracked: tracked.contains(path))
    }
  }

  private struct GitFailed: Error { let arguments: [String] }

  private static func git(_ arguments: String...) throws -> [String] {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    // The folder may belong to another user, as in a container that mounts it.
    process.arguments = ["git", "-c", "safe.directory=*", "-C", root.path] + arguments + ["-z"]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    if process.terminationStatus != 0 { throw GitFailed(arguments: arguments) }
    return bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
  }
}

/// A place that breaks a rule.
struct Finding: Hashable, Sendable, CustomStringConvertible {
  let path: String
  /// From 1; 0 for the file as a whole.
  let line: Int
  let what: String

  init(_ path: String, _ what: String) { self.init(path, 0, what) }

  init(_ path: String, _ line: Int, _ what: String) {
    self.path = path
    self.line = line
    self.what = what
  }

  var description: String { line == 0 ? "\(path): \(what)" : "\(path):\(line): \(what)" }
}

/// Fails the test with a line for each place.
func expectNone(_ findings: [Finding], at location: SourceLocation = #_sourceLocation) {
  let list = findings.map(\.description).joined(separator: "\n")
  #expect(findings.isEmpty, "\n\(list)", sourceLocation: location)
}

@Suite struct RepositoryTests {
  @Test("The repository's files are found")
  func finds() throws {
    let paths = Set(try Repository.files.map(\.path))
    #expect(paths.contains("Package.swift"))
    #expect(paths.contains("proto/README.md"))
    #expect(try Repository.handWritten.count > 100)
    #expect(Repository.exists("Shared/Wire"))
    #expect(!Repository.exists("Shared/Wires"))
  }
}
