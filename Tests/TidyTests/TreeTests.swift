internal import Testing

/// What lies where, and what never lies here.
enum Tree {
  private static let topLevel: Set<Substring> = [
    "Package.swift", "compose.yaml", "README.md", "Services", "Shared", "Tests", "proto",
  ]

  /// Judges a path of the index.
  static func findings(path: String) -> [Finding] {
    var findings: [Finding] = []
    let parts = path.split(separator: "/")
    let top = parts.first ?? ""
    if !topLevel.contains(top) && !top.hasPrefix(".") {
      findings.append(Finding(path, "does not belong at the top level"))
    }
    let isMade =
      parts.contains { $0.hasPrefix(".build") || $0.hasPrefix(".venv") || $0 == "__pycache__" }
      || [".key", ".pem", ".sqlite", "Package.resolved"].contains(where: path.hasSuffix)
    if isMade { findings.append(Finding(path, "is made, or secret, and not to be kept in git")) }
    return findings
  }

  /// Judges a text: paths of one machine, notes of unfinished work.
  static func findings(_ path: String, _ text: String) -> [Finding] {
    // These very words, written so that this file does not hold them.
    let folders = ["work", "root", "farm"].map { "/\($0)/" }
    let notes = #/\b(?:TO(?:)DO|FIX(?:)ME|XX(?:)X)\b/#
    return text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap {
      index, line in
      if folders.contains(where: { line.contains($0) && !isWithin(line, $0) }) {
        return Finding(path, index + 1, "a path of one machine: \(line)")
      }
      return line.contains(notes) ? Finding(path, index + 1, "unfinished: \(line)") : nil
    }
  }

  /// Whether the folder's name only ends a longer path, such as a folder in an image.
  private static func isWithin(_ line: Substring, _ folder: String) -> Bool {
    line.ranges(of: folder).allSatisfy {
      $0.lowerBound > line.startIndex
        && (line[line.index(before: $0.lowerBound)].isLetter
          || line[line.index(before: $0.lowerBound)] == ".")
    }
  }

  /// Paths of this repository that a Markdown text names in backticks and that are not there. A
  /// suite of tests may stand for its file.
  static func missing(
    _ path: String, _ text: String, exists: (String) -> Bool = Repository.exists
  ) -> [Finding] {
    text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().flatMap {
      index, line in
      line.matches(of: #/`((?:Services|Shared|Tests|proto|\.ci)\/[^`\s]*)/#).map { String($0.1) }
        .filter { !$0.contains(#/[<*…]/#) && !exists($0) && !exists($0 + ".swift") }
        .map { Finding(path, index + 1, "there is no \($0)") }
    }
  }

  /// Whether a generated file says so.
  static func header(_ path: String, _ text: String) -> [Finding] {
    let head = text.prefix(200).lowercased()
    return head.contains("generated") && head.contains("do not edit")
      ? [] : [Finding(path, "does not begin with “Generated …; do not edit.”")]
  }
}

@Suite struct TreeTests {
  @Test("Git keeps only what belongs here")
  func paths() throws {
    expectNone(try Repository.trackedPaths.flatMap { Tree.findings(path: $0) })
  }

  @Test("No text names a path of one machine, or leaves a note of unfinished work")
  func texts() throws {
    let files = try Repository.files.filter { $0.isTracked || !$0.path.hasPrefix(".") }
    expectNone(files.flatMap { Tree.findings($0.path, $0.text) })
  }

  @Test("Every path that a README or a decision names exists")
  func namedPaths() throws {
    let files = try Repository.files.filter { $0.path.hasSuffix(".md") }
    expectNone(files.flatMap { Tree.missing($0.path, $0.text) })
  }

  @Test("Every file in a generated folder says that it is not to be edited")
  func headers() throws {
    // The module map stands beside the generated headers, where the compiler looks for it.
    let files = try Repository.files.filter { $0.isGenerated && $0.name != "module.modulemap" }
    #expect(files.count > 50)
    expectNone(files.flatMap { Tree.header($0.path, $0.text) })
  }

  @Test(
    "What does not belong is found",
    arguments: [
      "Makefile", "docs/a.md", "Shared/a.key", "Tests/a.pem", "Services/a.sqlite", ".build/a",
      "Shared/.build-x/a", "Package.resolved", "Tests/__pycache__/a.pyc",
    ])
  func findsPath(path: String) {
    #expect(!Tree.findings(path: path).isEmpty)
    #expect(Tree.findings(path: "Shared/Wire/ByteQueue.swift") == [])
    #expect(Tree.findings(path: ".gitignore") == [])
  }

  @Test("Paths of one machine and notes of unfinished work are found")
  func findsText() {
    for text in ["/wo", "cd /ro", "a=\"/fa"].enumerated().map({ $1 + ["rk/", "ot/", "rm/"][$0] }) {
      #expect(Tree.findings("a", "\n\(text)b\n").map(\.line) == [2], "\(text)")
    }
    for note in ["TO" + "DO: more", "// FIX" + "ME", "XX" + "X"] {
      #expect(Tree.findings("a", note).map(\.line) == [1], "\(note)")
    }
    #expect(Tree.findings("a", "./network/a TODOS mkdtemp-XXXXXX framework/x") == [])
  }

  @Test("A path that a text names and that is not there is found")
  func findsMissing() {
    let text = "See `Shared/A`, `Shared/B/c.swift --x`.\n`homing/1` and `Tests/<name>` are none.\n"
    #expect(Tree.missing("R.md", text) { $0 == "Shared/A" }.map(\.line) == [1])
  }

  @Test("A generated file without its header is found")
  func findsHeader() {
    #expect(Tree.header("a", "// Generated by proto/generate; do not edit.\n") == [])
    #expect(Tree.header("a", "/* Generated by protoc.  DO NOT EDIT! */") == [])
    #expect(Tree.header("a", "internal import Messages\n").count == 1)
  }
}
