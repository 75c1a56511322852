internal import Testing

/// Ways round the compiler's checks.
enum Safety {
  static func findings(_ path: String, _ text: String) -> [Finding] {
    let source = SwiftSource.of(text)
    let banned: [(Regex<Substring>, String)] = [
      (#/nonisolated\(unsafe\)/#, "nonisolated(unsafe)"),
      (#/\btry!/#, "try!"),
      (#/\bas!/#, "as!"),
    ]
    let ways = banned.flatMap { pattern, name in
      source.lines(matching: pattern).map { Finding(path, $0, name) }
    }
    let unexplained = source.lines(matching: #/@unchecked Sendable/#)
      .filter { !isExplained(source, $0) }
      .map { Finding(path, $0, "@unchecked Sendable whose doc comment does not say why") }
    return ways + unexplained
  }

  /// Whether the doc comment right above the line gives an argument.
  private static func isExplained(_ source: SwiftSource, _ line: Int) -> Bool {
    let above = source.lines[..<(line - 1)].reversed().map { $0.drop { $0 == " " } }
    let comment = above.drop { $0.hasPrefix("@") }.prefix { $0.hasPrefix("///") }
    return comment.contains { $0.contains("@unchecked Sendable") || $0.contains("because") }
  }
}

@Suite struct SafetyTests {
  @Test("No code goes round the compiler's checks without an argument")
  func holds() throws {
    let files = try Repository.files.filter { $0.path.hasSuffix(".swift") }
    expectNone(files.flatMap { Safety.findings($0.path, $0.text) })
  }

  @Test(
    "Each way round is found",
    arguments: [
      "nonisolated(unsafe) var a = 1", "let a = try! b()", "let a = b as! C",
      "final class A: @unchecked Sendable {}",
      "/// A box.\nfinal class A: @unchecked Sendable {}",
      "/// Safe, because it is locked.\nvar b = 1\nfinal class A: @unchecked Sendable {}",
    ])
  func finds(text: String) {
    #expect(Safety.findings("A.swift", text).count == 1)
  }

  @Test(
    "What is explained, or only spoken of, is left alone",
    arguments: [
      "/// Safe, because it is locked.\nfinal class A: @unchecked Sendable {}",
      "/// `@unchecked Sendable`: one thread.\n@available(*, deprecated)\n"
        + "struct A: @unchecked Sendable {}",
      "// try! is not used", "let a = try? b as? C",
    ])
  func leavesAlone(text: String) {
    #expect(Safety.findings("A.swift", text) == [])
  }
}
