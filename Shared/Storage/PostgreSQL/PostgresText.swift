/// The catalogue's text as PostgreSQL reads it. Pure.
///
/// Parameters `?1` are `$1`; bytes `x'00'` are `'\x00'`; `max` and `min` over several values are
/// GREATEST and LEAST. In migrations INTEGER has 64 bits, BLOB is BYTEA, REAL is DOUBLE PRECISION,
/// a TEXT is compared by its bytes, and WITHOUT ROWID is dropped.
enum PostgresText {
  static func rewritten(_ statement: Statement) -> String {
    var parts = tokens(statement.sql)
    if statement.scope == .maintenance { parts = schema(parts) }
    parts = blobs(chosen(parts))
    return parts.map { part in
      part.first == "?" ? "$" + part.dropFirst() : String(part)
    }.joined()
  }

  /// How many parameters it has.
  static func parameterCount(_ sql: String) -> Int {
    tokens(sql).filter { $0.first == "?" }.compactMap { Int($0.dropFirst()) }.max() ?? 0
  }

  /// Words, numbers with a `?`, whole literals, comments, spaces and single signs.
  static func tokens(_ sql: String) -> [Substring] {
    var tokens: [Substring] = []
    var rest = sql[...]
    while let first = rest.first {
      let length: Int
      if first == "'" || first == "\"" {
        let inner = rest.dropFirst().prefix { $0 != first }
        length = min(rest.count, inner.count + 2)
      } else if first == "?" {
        length = 1 + rest.dropFirst().prefix(while: \.isNumber).count
      } else if isWord(first) {
        length = rest.prefix(while: isWord).count
      } else if first.isWhitespace {
        length = rest.prefix(while: \.isWhitespace).count
      } else {
        length = 1
      }
      tokens.append(rest.prefix(length))
      rest = rest.dropFirst(length)
    }
    return tokens
  }

  private static func isWord(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || character == "_"
  }

  // MARK: - Schema

  private static let types: [String: Substring] = [
    "integer": "BIGINT", "blob": "BYTEA", "real": "DOUBLE PRECISION",
    "text": "TEXT COLLATE \"C\"",
  ]

  private static func schema(_ tokens: [Substring]) -> [Substring] {
    var result: [Substring] = []
    var index = 0
    while index < tokens.count {
      let word = tokens[index].lowercased()
      if word == "without", next(tokens, index).map({ tokens[$0].lowercased() }) == "rowid" {
        index = (next(tokens, index) ?? index) + 1
        continue
      }
      // A column may be called `text`: its type stands behind a name.
      let before = result.last { !($0.first?.isWhitespace ?? true) }?.first
      let isType = before.map(isWord) ?? false
      result.append(isType ? types[word] ?? tokens[index] : tokens[index])
      index += 1
    }
    return result
  }

  private static func next(_ tokens: [Substring], _ index: Int) -> Int? {
    tokens.indices.dropFirst(index + 1).first { !(tokens[$0].first?.isWhitespace ?? true) }
  }

  // MARK: - Values and functions

  /// A literal of bytes, `x'00ff'`, is a text of another form here.
  private static func blobs(_ tokens: [Substring]) -> [Substring] {
    var result = tokens
    for index in tokens.indices.dropLast()
    where tokens[index].lowercased() == "x" && tokens[index + 1].first == "'" {
      result[index] = ""
      result[index + 1] = "'\\x\(tokens[index + 1].dropFirst().dropLast())'::BYTEA"
    }
    return result
  }

  private static let choices: [String: Substring] = ["max": "GREATEST", "min": "LEAST"]

  private static func chosen(_ tokens: [Substring]) -> [Substring] {
    var result = tokens
    for index in tokens.indices {
      guard let choice = choices[tokens[index].lowercased()], index + 1 < tokens.count,
        tokens[index + 1] == "(", hasSeveral(tokens[(index + 2)...])
      else { continue }
      result[index] = choice
    }
    return result
  }

  /// Whether there is a comma before the parenthesis closes.
  private static func hasSeveral(_ tokens: ArraySlice<Substring>) -> Bool {
    var depth = 1
    for token in tokens {
      if token == "(" { depth += 1 }
      if token == ")" { depth -= 1 }
      if depth == 0 { return false }
      if depth == 1 && token == "," { return true }
    }
    return false
  }
}
