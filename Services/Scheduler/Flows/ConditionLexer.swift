/// A word of a condition with its place.
struct ConditionToken: Equatable {
  enum Kind: Equatable {
    /// Letters, digits, `_`, `-` and `.`, beginning with a letter.
    case word(String)
    /// In quotation marks.
    case quoted(String)
    /// Digits with what belongs to them: a number, a date, a time.
    case number(String)
    /// `=`, `!=`, `<`, `<=`, `>`, `>=`, `(`, `)`, `,`.
    case symbol(String)
    case end
  }

  var kind: Kind
  /// In Unicode scalars from the beginning of the condition.
  var offset: Int

  /// As it was written, for sentences.
  var text: String {
    switch kind {
    case .word(let text), .number(let text), .symbol(let text), .quoted(let text):
      Quoted.text(text)
    case .end: "the end"
    }
  }
}

/// Why a text is no condition, and where.
struct ConditionProblem: Error, Equatable {
  var offset: Int
  var problem: String
}

/// Cuts a condition into words.
struct ConditionLexer {
  static let bytesMax = 2048

  private let scalars: [Unicode.Scalar]
  private var at = 0

  init(_ text: String) { scalars = Array(text.unicodeScalars) }

  static func tokens(_ text: String) throws(ConditionProblem) -> [ConditionToken] {
    if text.utf8.count > bytesMax {
      throw ConditionProblem(
        offset: 0, problem: "has \(text.utf8.count) bytes, the limit is \(bytesMax)")
    }
    var lexer = ConditionLexer(text)
    var tokens: [ConditionToken] = []
    while let token = try lexer.next() { tokens.append(token) }
    tokens.append(ConditionToken(kind: .end, offset: lexer.scalars.count))
    return tokens
  }

  private mutating func next() throws(ConditionProblem) -> ConditionToken? {
    while at < scalars.count && scalars[at].properties.isWhitespace { at += 1 }
    guard at < scalars.count else { return nil }
    let start = at
    let first = scalars[at]
    if first == "\"" || first == "'" || first == "“" || first == "„" {
      return try quoted(start, first)
    }
    let isNegative =
      first == "-" && at + 1 < scalars.count && ConditionLexer.isDigit(scalars[at + 1])
    if ConditionLexer.isDigit(first) || isNegative {
      return ConditionToken(kind: .number(take(ConditionLexer.isNumberPart)), offset: start)
    }
    if ConditionLexer.isLetter(first) {
      let word = take(ConditionLexer.isWordPart)
      return ConditionToken(kind: .word(word), offset: start)
    }
    return try symbol(start, first)
  }

  private mutating func symbol(
    _ start: Int, _ first: Unicode.Scalar
  ) throws(ConditionProblem) -> ConditionToken {
    at += 1
    let second = at < scalars.count ? scalars[at] : " "
    switch first {
    case "(", ")", ",", "[", "]":
      let text = first == "[" ? "(" : first == "]" ? ")" : String(first)
      return ConditionToken(kind: .symbol(text), offset: start)
    case "≥": return ConditionToken(kind: .symbol(">="), offset: start)
    case "≤": return ConditionToken(kind: .symbol("<="), offset: start)
    case "≠": return ConditionToken(kind: .symbol("!="), offset: start)
    case "=":
      if second == "=" { at += 1 }
      return ConditionToken(kind: .symbol("="), offset: start)
    case "<", ">", "!":
      guard second == "=" || first != "!" else {
        throw ConditionProblem(offset: start, problem: "\"!\" is not known here; write not")
      }
      if second == "=" { at += 1 }
      return ConditionToken(
        kind: .symbol(String(first) + (second == "=" ? "=" : "")), offset: start)
    default:
      let hint: String =
        switch first {
        case "&": "; write and"
        case "|": "; write or"
        case "€": "; write the currency after the amount, such as 20 EUR"
        default: ""
        }
      throw ConditionProblem(
        offset: start, problem: "\(Quoted.text(String(first))) is not known here\(hint)")
    }
  }

  private mutating func quoted(
    _ start: Int, _ opening: Unicode.Scalar
  ) throws(ConditionProblem) -> ConditionToken {
    let closings: [Unicode.Scalar] =
      opening == "“" ? ["”"] : opening == "„" ? ["“", "”"] : [opening]
    at += 1
    var text = ""
    while at < scalars.count {
      let scalar = scalars[at]
      at += 1
      if closings.contains(scalar) {
        return ConditionToken(kind: .quoted(text), offset: start)
      }
      text.unicodeScalars.append(scalar)
    }
    throw ConditionProblem(offset: start, problem: "the quotation marks are not closed")
  }

  private mutating func take(_ belongs: (Unicode.Scalar) -> Bool) -> String {
    var text = ""
    while at < scalars.count && (text.isEmpty || belongs(scalars[at])) {
      text.unicodeScalars.append(scalars[at])
      at += 1
    }
    return text
  }

  private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }
  private static func isLetter(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isAlphabetic }

  private static func isWordPart(_ scalar: Unicode.Scalar) -> Bool {
    isDigit(scalar) || isLetter(scalar) || "._-".unicodeScalars.contains(scalar)
  }

  /// Dates and times too: `2026-12-01T09:00:00+01:00`.
  private static func isNumberPart(_ scalar: Unicode.Scalar) -> Bool {
    isDigit(scalar) || isLetter(scalar) || "._-:+%".unicodeScalars.contains(scalar)
  }
}
