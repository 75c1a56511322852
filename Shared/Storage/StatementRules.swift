/// What every catalogue of statements keeps to, so that the same text runs on every engine and on a
/// distributed one. Called by the tests of whoever has a catalogue.
package enum StatementRules {
  /// A sentence for each breach; empty if there is none.
  package static func findings(_ statements: [Statement]) -> [String] {
    var findings: [String] = []
    var names: Set<String> = []
    for statement in statements {
      if !names.insert(statement.name).inserted {
        findings.append("\(statement.name): two statements have this name")
      }
      findings += breaches(statement).map { "\(statement.name): \($0)" }
    }
    return findings
  }

  private static func breaches(_ statement: Statement) -> [String] {
    let sql = statement.sql.lowercased()
    let words = Words(sql)
    var breaches = forbidden.compactMap { pattern, reason in
      words.contain(pattern) ? reason : nil
    }
    if statement.sql.contains("\\(") || sql.contains("%s") || sql.contains("%@") {
      breaches.append("a mark of text put together")
    }
    if words.contain(["$"]) { breaches.append("a parameter that is not ?n") }
    if words.hasBareParameter { breaches.append("a parameter without a number") }
    if words.hasGap { breaches.append("parameters are not numbered from ?1 without a gap") }
    if words.contain(["select", "*"]) || words.contain([".", "*"]) {
      breaches.append("the columns are not listed")
    }
    if words.first == "insert" && !words.listsColumns {
      breaches.append("an insert does not list its columns")
    }
    if statement.scope == .bucket && !words.namesBucket {
      breaches.append("neither names bucket = ?1 nor inserts the bucket first")
    }
    return breaches
  }

  private static let forbidden: [([String], String)] = [
    (["now", "("], "takes the time itself: now()"),
    (["current_timestamp"], "takes the time itself: CURRENT_TIMESTAMP"),
    (["current_time"], "takes the time itself: CURRENT_TIME"),
    (["current_date"], "takes the time itself: CURRENT_DATE"),
    (["random", "("], "takes chance itself: random()"),
    (["trigger"], "a trigger"),
    (["xmax"], "relies on xmax"),
    (["nextval"], "a sequence"),
    (["serial"], "a sequence"),
    (["autoincrement"], "a sequence"),
    (["pg_advisory_lock"], "an advisory lock"),
    (["pg_advisory_xact_lock"], "an advisory lock"),
    (["pg_try_advisory_lock"], "an advisory lock"),
    (["listen"], "LISTEN"),
    (["notify"], "NOTIFY"),
  ]
}

/// The words and signs of a statement in lower case, without its string literals.
private struct Words {
  private let words: [Substring]

  init(_ sql: String) {
    var words: [Substring] = []
    var rest = sql[...]
    while let character = rest.first {
      if character.isWhitespace {
        rest.removeFirst()
      } else if character == "'" {
        rest.removeFirst()
        rest = rest.drop { $0 != "'" }.dropFirst()
        words.append("''")
      } else {
        let isWord: (Character) -> Bool = { $0.isLetter || $0.isNumber || $0 == "_" }
        let isParameter = character == "?"
        let length =
          isParameter
          ? 1 + rest.dropFirst().prefix(while: \.isNumber).count
          : max(1, rest.prefix(while: isWord).count)
        words.append(rest.prefix(length))
        rest = rest.dropFirst(length)
      }
    }
    self.words = words
  }

  var first: Substring? { words.first }

  func contain(_ pattern: [String]) -> Bool { index(of: pattern) != nil }

  private func index(of pattern: [String]) -> Int? {
    guard words.count >= pattern.count else { return nil }
    return (0...(words.count - pattern.count)).first { start in
      zip(words[start...], pattern).allSatisfy { $0 == $1 }
    }
  }

  var hasBareParameter: Bool { words.contains("?") }

  private var parameters: Set<Int> {
    Set(words.filter { $0.first == "?" }.compactMap { Int($0.dropFirst()) })
  }

  var hasGap: Bool { parameters != Set(1..<(parameters.count + 1)) }

  /// The word after the table's name opens a list.
  var listsColumns: Bool {
    guard let into = words.firstIndex(of: "into"), into + 2 < words.count else { return false }
    return words[into + 2] == "("
  }

  var namesBucket: Bool {
    if contain(["bucket", "=", "?1"]) { return true }
    guard let into = words.firstIndex(of: "into"), into + 3 < words.count,
      words[into + 3] == "bucket"
    else { return false }
    return contain(["values", "(", "?1"]) || contain(["select", "?1"])
  }
}
