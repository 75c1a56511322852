/// A YAML text, and where in it the characters of a value stand.
struct YAMLSource {
  let text: String
  let scalars: [Unicode.Scalar]
  /// Without line breaks.
  let lines: [ArraySlice<Unicode.Scalar>]

  init(_ text: String) {
    self.text = text
    scalars = Array(text.unicodeScalars)
    lines = scalars.split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.last == "\r" ? $0.dropLast() : $0 }
  }

  /// Where a character of a text value stands, the value's quotation marks, escapes and line
  /// breaks considered; the value's beginning where that cannot be told.
  ///
  /// - Parameter offset: in Unicode scalars of the value; its count means the place after it.
  func place(of offset: Int, in node: YAMLNode) -> (line: Int, column: Int) {
    let start = (node.line, node.column)
    guard let text = node.text, let style = node.style, lines.indices.contains(node.line - 1)
    else { return start }
    var at = Position(line: node.line - 1, column: node.column - 1)
    switch style {
    case .plain: break
    case .singleQuoted, .doubleQuoted: at.column += 1
    case .block:
      at = Position(line: at.line + 1, column: 0)
      skipBlanks(&at, atMost: .max)
      at.indent = at.column
    }
    for (index, scalar) in text.unicodeScalars.enumerated() {
      if index == offset { return at.shown }
      guard advance(&at, past: scalar, style) else { return start }
    }
    return at.shown
  }

  private struct Position {
    var line: Int
    var column: Int
    /// Of a block; the lines of others lose all blanks they begin with.
    var indent = Int.max
    var shown: (Int, Int) { (line + 1, column + 1) }
  }

  /// False where the text does not continue with what stands for this scalar.
  private func advance(
    _ at: inout Position, past scalar: Unicode.Scalar, _ style: YAMLTextStyle
  ) -> Bool {
    let present = self[at]
    if scalar == " " || scalar == "\n" {
      guard present == nil || present == scalar else { return false }
      if present == scalar {
        at.column += 1
        // A line may end in blanks that are folded away.
        let rest = lines[at.line].dropFirst(at.column)
        if !rest.isEmpty || style == .block { return true }
      }
      guard lines.indices.contains(at.line + 1) else { return present == scalar }
      if present == nil || style != .block {
        at = Position(line: at.line + 1, column: 0, indent: at.indent)
        skipBlanks(&at, atMost: at.indent)
      }
      return true
    }
    if present == "'" && style == .singleQuoted && scalar == "'" {
      at.column += 2
      return true
    }
    if present == "\\" && style == .doubleQuoted && (scalar == "\"" || scalar == "\\") {
      at.column += 2
      return true
    }
    guard present == scalar else { return false }
    at.column += 1
    return true
  }

  /// Nil at the end of a line.
  private subscript(_ at: Position) -> Unicode.Scalar? {
    guard lines.indices.contains(at.line) else { return nil }
    let line = lines[at.line]
    let index = line.startIndex + at.column
    return index < line.endIndex ? line[index] : nil
  }

  private func skipBlanks(_ at: inout Position, atMost count: Int) {
    while at.column < count, let scalar = self[at], scalar == " " || scalar == "\t" {
      at.column += 1
    }
  }

  /// Where the same key stands again below its first place; the first place where it cannot be
  /// told.
  func repetition(of key: String, line: Int, column: Int) -> (line: Int, column: Int) {
    let wanted = Array(key.unicodeScalars)
    guard column >= 1, line >= 1, line <= lines.count else { return (line, column) }
    for (index, text) in lines.enumerated().dropFirst(line) {
      let rest = text.dropFirst(column - 1)
      let before = text.prefix(column - 1)
      if before.contains(where: { $0 != " " && $0 != "-" }) { break }
      let unquoted = rest.drop { $0 == "\"" || $0 == "'" }
      if unquoted.starts(with: wanted),
        let end = unquoted.dropFirst(wanted.count).first, " :\"'".unicodeScalars.contains(end)
      {
        return (index + 1, column)
      }
    }
    return (line, column)
  }
}
