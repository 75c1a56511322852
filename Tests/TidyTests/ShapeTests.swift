internal import Testing

/// How large a line, function and file may be, and what nothing is called.
enum Shape {
  static let columnsMax = 100
  static let functionLinesMax = 70
  static let fileLinesMax = 600
  static let testFileLinesMax = 1200

  static func findings(_ path: String, _ text: String) -> [Finding] {
    let source = SwiftSource.of(text)
    var findings = source.lines.enumerated().filter { $1.count > columnsMax }.map {
      Finding(path, $0 + 1, "\($1.count) columns, the limit is \(columnsMax)")
    }
    let linesMax = path.hasPrefix("Tests/") ? testFileLinesMax : fileLinesMax
    let count = source.lines.count - (text.hasSuffix("\n") ? 1 : 0)
    if count > linesMax {
      findings.append(Finding(path, "\(count) lines, the limit is \(linesMax)"))
    }
    findings += source.functions.filter { $0.lineCount > functionLinesMax }.map {
      Finding(path, $0.line, "\($0.name) has \($0.lineCount) lines, not \(functionLinesMax)")
    }
    return findings + names(path, source)
  }

  private static func names(_ path: String, _ source: SwiftSource) -> [Finding] {
    var findings: [Finding] = []
    let stem = path.split(separator: "/").last?.prefix { $0 != "." } ?? ""
    // Whole words at the end of a name.
    let empty = #/(?:Manager|Helper|Util|Utility|Utilitie)s?(?:\+|$)/#
    if stem.contains(empty) {
      findings.append(Finding(path, "a file named after nothing it does"))
    }
    let kind = #/\b(?:class|struct|enum|actor|protocol|typealias) \w+/#
    let type = source.code.indices.filter {
      source.code[$0].firstMatch(of: kind)?.output.contains(empty) == true
    }
    return findings
      + type.map { Finding(path, $0 + 1, "a type named after nothing it does") }
  }
}

@Suite struct ShapeTests {
  @Test("Lines, functions and files stay short, and names say something")
  func holds() throws {
    expectNone(try Repository.handWritten.flatMap { Shape.findings($0.path, $0.text) })
  }

  @Test("A long line is found, counted in characters")
  func findsLongLine() {
    let wide = String(repeating: "é", count: 100)
    #expect(Shape.findings("A.swift", "\(wide)\n\(wide)x\n").map(\.line) == [2])
  }

  @Test("A long function is found")
  func findsLongFunction() {
    let lines = String(repeating: "  a()\n", count: 68)
    #expect(Shape.findings("A.swift", "func a() {\n\(lines)}\n") == [])
    #expect(Shape.findings("A.swift", "\nfunc a() {\n\(lines)  a()\n}\n").map(\.line) == [2])
  }

  @Test("A long file is found; a test may be twice as long")
  func findsLongFile() {
    #expect(Shape.findings("A.swift", String(repeating: "a\n", count: 600)) == [])
    #expect(Shape.findings("A.swift", String(repeating: "a\n", count: 601)).count == 1)
    #expect(Shape.findings("Tests/A.swift", String(repeating: "a\n", count: 1200)) == [])
    #expect(Shape.findings("Tests/A.swift", String(repeating: "a\n", count: 1201)).count == 1)
  }

  @Test("A name that says nothing is found")
  func findsNames() {
    for name in ["TimeUtil", "ConnectionManager", "Helpers", "Utilities", "FrameHelper+Test"] {
      #expect(Shape.findings("Shared/\(name).swift", "").count == 1, "\(name)")
    }
    #expect(Shape.findings("A.swift", "final class PoolManager {}").count == 1)
    #expect(Shape.findings("A.swift", "enum TextHelper: A {}").count == 1)
    #expect(Shape.findings("UtilityRoom.swift", "struct HelperText {} // class Manager") == [])
  }
}
