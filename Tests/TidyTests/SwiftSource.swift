internal import Synchronization
internal import Testing

/// Swift text with the inside of comments, strings, patterns (`#/…/#`) and quoted names blanked
/// out, so that plain searches see code only. Line breaks and columns stay.
struct SwiftSource {
  /// A function or initialiser with a body.
  struct Function: Equatable {
    let name: String
    /// Where it begins, from 1.
    let line: Int
    let lineCount: Int
    /// From the name to the closing brace, without comments and strings.
    let body: String
  }

  /// As written, line by line.
  let lines: [Substring]
  /// The same lines, code only.
  let code: [Substring]
  private let scalars: [Unicode.Scalar]

  init(_ text: String) {
    scalars = SwiftSource.blanked(Array(text.unicodeScalars))
    lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    code = SwiftSource.string(scalars[...]).split(separator: "\n", omittingEmptySubsequences: false)
  }

  private static let known = Mutex<[String: SwiftSource]>([:])

  /// Made once for each text, since many rules look at the same files.
  static func of(_ text: String) -> SwiftSource {
    known.withLock { known in
      if let source = known[text] { return source }
      let source = SwiftSource(text)
      known[text] = source
      return source
    }
  }

  /// Lines whose code matches, from 1.
  func lines(matching pattern: Regex<Substring>) -> [Int] {
    // By default a `.` between letters is no boundary.
    let pattern = pattern.wordBoundaryKind(.simple)
    return code.indices.filter { code[$0].contains(pattern) }.map { $0 + 1 }
  }

  /// In order of their beginnings; those inside others too.
  var functions: [Function] {
    var functions: [Function] = []
    var at = 0
    while at < scalars.count {
      guard let keyword = keyword(at) else {
        at += 1
        continue
      }
      if let function = function(at, keyword) { functions.append(function) }
      at += keyword.count
    }
    return functions
  }

  private func keyword(_ at: Int) -> String? {
    if at > 0, SwiftSource.isWord(scalars[at - 1]) || scalars[at - 1] == "." { return nil }
    for word in ["func", "init", "deinit"] where scalars[at...].starts(with: word.unicodeScalars) {
      let end = at + word.count
      if end < scalars.count && !SwiftSource.isWord(scalars[end]) { return word }
    }
    return nil
  }

  /// The function whose keyword stands there; nil where it has no body.
  private func function(_ start: Int, _ keyword: String) -> Function? {
    var depth = 0
    var at = start + keyword.count
    while at < scalars.count {
      switch scalars[at] {
      case "(", "[": depth += 1
      case ")", "]": depth -= 1
      case "{" where depth == 0:
        let end = closing(at)
        let body = SwiftSource.string(scalars[(start + keyword.count)...end])
        let name = body.drop { $0 == " " }.unicodeScalars.prefix(while: SwiftSource.isWord)
        return Function(
          name: keyword == "func" ? String(name) : keyword, line: line(start),
          lineCount: line(end) - line(start) + 1, body: body)
      case "}" where depth == 0: return nil
      default:
        if depth < 0 || at > start && self.keyword(at) != nil && depth == 0 { return nil }
      }
      at += 1
    }
    return nil
  }

  private func closing(_ open: Int) -> Int {
    var depth = 0
    for at in open..<scalars.count {
      if scalars[at] == "{" { depth += 1 }
      if scalars[at] == "}" {
        depth -= 1
        if depth == 0 { return at }
      }
    }
    return scalars.count - 1
  }

  private func line(_ at: Int) -> Int {
    scalars[..<at].count { $0 == "\n" } + 1
  }

  private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "_" || scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
  }

  private static func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
    var text = String.UnicodeScalarView()
    text.append(contentsOf: scalars)
    return String(text)
  }
}

extension SwiftSource {
  private static func blanked(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    var code = text
    var at = 0
    while at < text.count { skip(text, &at, &code) }
    return code
  }

  /// Passes one character of code, or one comment, string, pattern or quoted name.
  private static func skip(
    _ text: [Unicode.Scalar], _ at: inout Int, _ code: inout [Unicode.Scalar]
  ) {
    let rest = text[at...]
    if rest.starts(with: "//".unicodeScalars) {
      blank(text, &at, &code) { text[$0] == "\n" }
    } else if rest.starts(with: "/*".unicodeScalars) {
      skipBlockComment(text, &at, &code)
    } else if text[at] == "`" {
      at += 1
      blank(text, &at, &code) { text[$0] == "`" }
      at += 1
    } else if rest.starts(with: "#/".unicodeScalars) {
      at += 2
      blank(text, &at, &code) { text[$0...].starts(with: "/#".unicodeScalars) }
      at += 2
    } else if text[at] == "\"" || text[at] == "#" {
      skipString(text, &at, &code)
    } else {
      at += 1
    }
  }

  private static func blank(
    _ text: [Unicode.Scalar], _ at: inout Int, _ code: inout [Unicode.Scalar],
    until isEnd: (Int) -> Bool
  ) {
    while at < text.count && !isEnd(at) {
      if text[at] != "\n" { code[at] = " " }
      at += 1
    }
  }

  private static func skipBlockComment(
    _ text: [Unicode.Scalar], _ at: inout Int, _ code: inout [Unicode.Scalar]
  ) {
    var depth = 0
    repeat {
      let pair = text[at...].prefix(2)
      let size = pair == ["/", "*"] || pair == ["*", "/"] ? 2 : 1
      if pair == ["/", "*"] { depth += 1 }
      if pair == ["*", "/"] { depth -= 1 }
      let end = at + size
      blank(text, &at, &code) { $0 == end }
    } while depth > 0 && at < text.count
  }

  /// A string of any kind; what is interpolated stays as code. A `#` without a string is code.
  private static func skipString(
    _ text: [Unicode.Scalar], _ at: inout Int, _ code: inout [Unicode.Scalar]
  ) {
    let hashes = text[at...].prefix { $0 == "#" }.count
    let open = at + hashes
    guard open < text.count, text[open] == "\"" else {
      at = max(open, at + 1)
      return
    }
    let isLong = text[open...].starts(with: "\"\"\"".unicodeScalars)
    let pounds = String(repeating: "#", count: hashes)
    let end = (isLong ? "\"\"\"" : "\"") + pounds
    let escape = "\\" + pounds
    at = open + (isLong ? 3 : 1)
    while at < text.count {
      let rest = text[at...]
      if rest.starts(with: end.unicodeScalars) {
        at += end.count
        return
      }
      if rest.starts(with: (escape + "(").unicodeScalars) {
        at += escape.count
        skipInterpolation(text, &at, &code)
      } else if rest.starts(with: escape.unicodeScalars) {
        let after = at + escape.count + 1
        blank(text, &at, &code) { $0 == after }
      } else {
        let after = at + 1
        blank(text, &at, &code) { $0 == after }
      }
    }
  }

  private static func skipInterpolation(
    _ text: [Unicode.Scalar], _ at: inout Int, _ code: inout [Unicode.Scalar]
  ) {
    var depth = 0
    repeat {
      if text[at] == "(" { depth += 1 }
      if text[at] == ")" { depth -= 1 }
      skip(text, &at, &code)
    } while depth > 0 && at < text.count
  }
}

@Suite struct SwiftSourceTests {
  @Test("Comments, strings and quoted names are blanked, interpolated code is not")
  func blanks() {
    let text = #"""
      let a = "Task { \(b + "x{")" // Task {
      /* Task { /* inner */ } */ func `Task {`() { #"\("# }
      let c = #/Task {"/# + """
        Task { "quoted" \(d)
        """
      """#
    let code = SwiftSource(text).code.map { $0.filter { $0 != " " } }
    let quotes = #""""""#
    #expect(
      code == [
        #"leta="\(b+"")""#, "func``(){##}".replacing("##", with: ##"#""#"##),
        "letc=#//#+\(quotes.prefix(3))", #"\(d)"#, String(quotes.prefix(3)),
      ])
    #expect(SwiftSource(text).code.map(\.count) == SwiftSource(text).lines.map(\.count))
  }

  @Test("Functions are found with their names and lengths, those without a body are not")
  func functions() {
    let source = SwiftSource(
      """
      protocol P {
        func none(_ a: Int)
        init(b: Int)
      }
      struct S {
        init(_ a: () -> Void = { 1 }) {
          func inner() { print("}") }
        }
        func long()
          -> Int
        {
          self.init(x)
        }
        deinit { 1 }
      }
      """)
    #expect(source.functions.map(\.name) == ["init", "inner", "long", "deinit"])
    #expect(source.functions.map(\.line) == [6, 7, 9, 14])
    #expect(source.functions.map(\.lineCount) == [3, 1, 5, 1])
  }
}
