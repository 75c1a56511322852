internal import Testing

/// Swift text with the inside of comments, strings and quoted names blanked out, so that plain
/// searches see code only. Line breaks and columns stay.
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
  private let characters: [Character]

  init(_ text: String) {
    characters = SwiftSource.blanked(Array(text))
    lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    code = String(characters).split(separator: "\n", omittingEmptySubsequences: false)
  }

  /// Lines whose code matches, from 1.
  func lines(matching pattern: Regex<Substring>) -> [Int] {
    code.indices.filter { code[$0].contains(pattern) }.map { $0 + 1 }
  }

  /// In order of their beginnings; those inside others too.
  var functions: [Function] {
    var functions: [Function] = []
    var at = 0
    while at < characters.count {
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
    if at > 0, SwiftSource.isWord(characters[at - 1]) || characters[at - 1] == "." { return nil }
    for word in ["func", "init", "deinit"] where characters[at...].starts(with: word) {
      let end = at + word.count
      if end < characters.count && !SwiftSource.isWord(characters[end]) { return word }
    }
    return nil
  }

  /// The function whose keyword stands there; nil where it has no body.
  private func function(_ start: Int, _ keyword: String) -> Function? {
    var depth = 0
    var at = start + keyword.count
    while at < characters.count {
      switch characters[at] {
      case "(", "[": depth += 1
      case ")", "]": depth -= 1
      case "{" where depth == 0:
        let end = closing(at)
        let body = String(characters[(start + keyword.count)...end])
        let name = body.drop { $0 == " " }.prefix { SwiftSource.isWord($0) }
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
    for at in open..<characters.count {
      if characters[at] == "{" { depth += 1 }
      if characters[at] == "}" {
        depth -= 1
        if depth == 0 { return at }
      }
    }
    return characters.count - 1
  }

  private func line(_ at: Int) -> Int {
    characters[..<at].count { $0 == "\n" } + 1
  }

  private static func isWord(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || character == "_"
  }
}

extension SwiftSource {
  private static func blanked(_ text: [Character]) -> [Character] {
    var code = text
    var at = 0
    while at < text.count { skip(text, &at, &code) }
    return code
  }

  /// Passes one character of code, or one comment, string or quoted name.
  private static func skip(_ text: [Character], _ at: inout Int, _ code: inout [Character]) {
    let rest = text[at...]
    if rest.starts(with: "//") {
      blank(text, &at, &code) { text[$0] == "\n" }
    } else if rest.starts(with: "/*") {
      skipBlockComment(text, &at, &code)
    } else if text[at] == "`" {
      at += 1
      blank(text, &at, &code) { text[$0] == "`" }
      at += 1
    } else if text[at] == "\"" || text[at] == "#" {
      skipString(text, &at, &code)
    } else {
      at += 1
    }
  }

  private static func blank(
    _ text: [Character], _ at: inout Int, _ code: inout [Character], until isEnd: (Int) -> Bool
  ) {
    while at < text.count && !isEnd(at) {
      if text[at] != "\n" { code[at] = " " }
      at += 1
    }
  }

  private static func skipBlockComment(
    _ text: [Character], _ at: inout Int, _ code: inout [Character]
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
  private static func skipString(_ text: [Character], _ at: inout Int, _ code: inout [Character]) {
    let hashes = text[at...].prefix { $0 == "#" }.count
    let open = at + hashes
    guard open < text.count, text[open] == "\"" else {
      at = max(open, at + 1)
      return
    }
    let isLong = text[open...].starts(with: "\"\"\"")
    let pounds = String(repeating: "#", count: hashes)
    let end = (isLong ? "\"\"\"" : "\"") + pounds
    let escape = "\\" + pounds
    at = open + (isLong ? 3 : 1)
    while at < text.count {
      let rest = text[at...]
      if rest.starts(with: end) {
        at += end.count
        return
      }
      if rest.starts(with: escape + "(") {
        at += escape.count
        skipInterpolation(text, &at, &code)
      } else if rest.starts(with: escape) {
        let after = at + escape.count + 1
        blank(text, &at, &code) { $0 == after }
      } else {
        let after = at + 1
        blank(text, &at, &code) { $0 == after }
      }
    }
  }

  private static func skipInterpolation(
    _ text: [Character], _ at: inout Int, _ code: inout [Character]
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
      let c = """
        Task { "quoted" \(d)
        """
      """#
    let code = SwiftSource(text).code.map { $0.filter { $0 != " " } }
    let quotes = #""""""#
    #expect(
      code == [
        #"leta="\(b+"")""#, "func``(){##}".replacing("##", with: ##"#""#"##),
        "letc=\(quotes.prefix(3))", #"\(d)"#, String(quotes.prefix(3)),
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
