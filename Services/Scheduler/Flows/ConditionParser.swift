internal import Messages

/// Reads a condition and checks every fact, its type and what it is compared with (P07).
///
/// Words: `or`, `and`, `not`, parentheses; `FACT`, `FACT = VALUE` and `!=`, `<`, `<=`, `>`, `>=`;
/// `is`, `is not`, `in (A, B)`, `not in (A, B)`, `is known`, `is unknown`; `has email`,
/// `has phone`, `has address`, `has tag NAME`. Values: `20 EUR`, `3.5`, `yes`, `no`, `"a text"`, a
/// word, `2026-12-01` or a time with its offset. `and` binds closer than `or`.
struct ConditionParser {
  static let depthMax = 16

  private let tokens: [ConditionToken]
  private var at = 0
  private var problems: [ConditionProblem] = []

  /// A value as it was written, with its type as far as that tells.
  private struct Literal {
    var value: FactValue
    var raw: String
    var offset: Int
  }

  /// - Returns: the condition, nil where there are problems; those in the order of the text. Of
  ///   faults in the structure only the first is found, of faults in facts and types all.
  static func parse(_ text: String) -> (condition: Condition?, problems: [ConditionProblem]) {
    do {
      var parser = ConditionParser(tokens: try ConditionLexer.tokens(text))
      let condition = try parser.whole()
      return (parser.problems.isEmpty ? condition : nil, parser.problems)
    } catch {
      return (nil, [error])
    }
  }

  private init(tokens: [ConditionToken]) { self.tokens = tokens }

  private var token: ConditionToken { tokens[min(at, tokens.count - 1)] }

  // MARK: - Structure

  private mutating func whole() throws(ConditionProblem) -> Condition {
    if token.kind == .end { throw problem("says nothing; write such as cart.total >= 20 EUR") }
    let condition = try alternatives(1)
    guard token.kind == .end else { throw unexpected() }
    return condition
  }

  private mutating func alternatives(_ depth: Int) throws(ConditionProblem) -> Condition {
    var list = [try conjunction(depth)]
    while takeWord("or") { list.append(try conjunction(depth)) }
    return list.count == 1 ? list[0] : .any(list)
  }

  private mutating func conjunction(_ depth: Int) throws(ConditionProblem) -> Condition {
    var list = [try term(depth)]
    while takeWord("and") { list.append(try term(depth)) }
    return list.count == 1 ? list[0] : .all(list)
  }

  private mutating func term(_ depth: Int) throws(ConditionProblem) -> Condition {
    guard depth <= ConditionParser.depthMax else {
      throw problem("is nested more than \(ConditionParser.depthMax) levels deep")
    }
    if takeWord("not") { return .not(try term(depth + 1)) }
    if takeSymbol("(") {
      let inner = try alternatives(depth + 1)
      guard takeSymbol(")") else { throw problem("\")\" is missing before \(token.text)") }
      return inner
    }
    return try predicate()
  }

  private mutating func predicate() throws(ConditionProblem) -> Condition {
    let start = token
    guard case .word(let word) = start.kind, !isReserved(word) else {
      throw problem("a fact such as cart.total is missing before \(start.text)")
    }
    at += 1
    if word.lowercased() == "has" { return try possession(start) }
    let (name, type) = try fact(word, start)
    if takeSymbol("(") { throw problem("\(Quoted.text(word)) takes nothing in parentheses", start) }
    return try comparison(name, type, start)
  }

  /// After `has`.
  private mutating func possession(_ start: ConditionToken) throws(ConditionProblem) -> Condition {
    guard case .word(let word) = token.kind else {
      throw problem("has what? write has email, has phone, has address or has tag NAME")
    }
    let place = token
    at += 1
    switch word.lowercased() {
    case "email", "e-mail", "mail": return .holds(FactName(text: "has email"))
    case "phone", "telephone": return .holds(FactName(text: "has phone"))
    case "address": return .holds(FactName(text: "has address"))
    case "tag":
      let literal = try literal()
      return .oneOf(FactName(text: "tag"), [.text(literal.raw)])
    default:
      let known = ["email", "phone", "address", "tag"]
      throw problem(
        "\(Quoted.text(word)) is none of these\(NearestWord.hint(word, in: known))", place)
    }
  }

  /// The fact of this name; where there is none that is a problem, and any comparison goes on.
  private mutating func fact(
    _ word: String, _ start: ConditionToken
  ) throws(ConditionProblem) -> (FactName, FactCatalogue.FactType) {
    var text = word
    let prefix = FactCatalogue.attributePrefix
    if word == prefix, case .quoted(let attribute) = token.kind {
      at += 1
      text = prefix + attribute
    }
    let usual = text.lowercased() == "tags" ? "tag" : text.lowercased()
    for candidate in [text, usual, String(usual.map { $0 == "-" ? "_" : $0 })] {
      let name = FactName(text: candidate)
      let isAttribute = candidate.hasPrefix(prefix) && candidate != text
      if isAttribute && !FactCatalogue.names.contains(candidate) { continue }
      if let type = FactCatalogue.type(of: name), !isBuiltIn(usual) || isBuiltIn(candidate) {
        return (name, type)
      }
    }
    let hint = NearestWord.hint(usual, in: FactCatalogue.names)
    note(start, "there is no fact \(Quoted.text(text))\(hint)")
    return (FactName(text: text), .any)
  }

  private func isBuiltIn(_ name: String) -> Bool { FactCatalogue.names.contains(name) }

  // MARK: - Comparisons

  private mutating func comparison(
    _ name: FactName, _ type: FactCatalogue.FactType, _ start: ConditionToken
  ) throws(ConditionProblem) -> Condition {
    if case .symbol(let symbol) = token.kind, let comparison = ConditionParser.symbols[symbol] {
      let place = token
      at += 1
      return compare(name, comparison, checked(try literal(), name, type), type, place)
    }
    if takeWord("is") {
      let isNegated = takeWord("not")
      if takeWord("known") { return negated(.holds(name), isNegated) }
      if takeWord("unknown") { return negated(.holds(name), !isNegated) }
      if takeWord("in") { return negated(.oneOf(name, try list(name, type)), isNegated) }
      let comparison = isNegated ? Comparison.notEqual : .equal
      let place = token
      return compare(name, comparison, checked(try literal(), name, type), type, place)
    }
    if takeWord("in") { return .oneOf(name, try list(name, type)) }
    if isWord("not") && isWord("in", ahead: 1) {
      at += 2
      return .not(.oneOf(name, try list(name, type)))
    }
    if case .number = type { throw alone(name, "score >= 50", start) }
    if case .money = type { throw alone(name, "cart.total >= 20 EUR", start) }
    if isWord("has") || isWord("contains") {
      at += 1
      return .oneOf(name, [checked(try literal(), name, type)])
    }
    return .holds(name)
  }

  private static let symbols: [String: Comparison] = [
    "=": .equal, "!=": .notEqual, "<": .less, "<=": .atMost, ">": .greater, ">=": .atLeast,
  ]

  private func alone(
    _ name: FactName, _ example: String, _ start: ConditionToken
  ) -> ConditionProblem {
    problem("\(name.text) alone says nothing; compare it, such as \(example)", start)
  }

  private func negated(_ condition: Condition, _ isNegated: Bool) -> Condition {
    isNegated ? .not(condition) : condition
  }

  private mutating func compare(
    _ name: FactName, _ comparison: Comparison, _ value: FactValue,
    _ type: FactCatalogue.FactType, _ place: ConditionToken
  ) -> Condition {
    let isOrder = comparison != .equal && comparison != .notEqual
    switch value {
    case .text, .flag:
      if isOrder && !problems.contains(where: { $0.offset >= place.offset }) {
        note(place, "\(name.text) is compared with = or != only; it has no order")
      }
    case .number, .instant, .money: break
    }
    return .compare(name, comparison, value)
  }

  private mutating func list(
    _ name: FactName, _ type: FactCatalogue.FactType
  ) throws(ConditionProblem) -> [FactValue] {
    guard takeSymbol("(") else { throw problem("write the values in parentheses, such as (a, b)") }
    var values: [FactValue] = []
    repeat { values.append(checked(try literal(), name, type)) } while takeSymbol(",")
    guard takeSymbol(")") else { throw problem("\")\" is missing before \(token.text)") }
    return values
  }

  // MARK: - Values

  private mutating func literal() throws(ConditionProblem) -> Literal {
    let start = token
    at += 1
    switch start.kind {
    case .quoted(let text): return Literal(value: .text(text), raw: text, offset: start.offset)
    case .word(let word):
      if isReserved(word) || word.lowercased() == "is" {
        throw problem("a value is missing before \(start.text)", start)
      }
      if case .word(let more) = token.kind, !isReserved(more) {
        throw problem(
          "write quotation marks around a text of several words: \"\(word) \(more) …\"", start)
      }
      let value: FactValue =
        switch word.lowercased() {
        case "yes", "true": .flag(true)
        case "no", "false": .flag(false)
        default: .text(word)
        }
      return Literal(value: value, raw: word, offset: start.offset)
    case .number(let text): return try number(text, start)
    case .symbol, .end:
      at -= 1
      throw problem("a value is missing before \(start.text)", start)
    }
  }

  private mutating func number(
    _ text: String, _ start: ConditionToken
  ) throws(ConditionProblem) -> Literal {
    if case .word(let unit) = token.kind, !isReserved(unit) {
      let place = token
      at += 1
      if let money = PlainValues.money("\(text) \(unit)") {
        return Literal(
          value: .money(
            currency: money.currencyCode, units: money.units, nanos: money.nanos),
          raw: "\(text) \(unit)", offset: start.offset)
      }
      let isLower = unit.count == 3 && PlainValues.isCurrency(unit.uppercased())
      let hint = isLower ? "; write \(unit.uppercased())" : ""
      throw problem("\(Quoted.text(unit)) is no currency of three capitals\(hint)", place)
    }
    if let decimal = PlainValues.decimal(text) {
      let number = Double(decimal.units) + Double(decimal.nanos) / 1e9
      return Literal(value: .number(number), raw: text, offset: start.offset)
    }
    if let instant = PlainValues.instant(text) {
      return Literal(value: .instant(instant), raw: text, offset: start.offset)
    }
    throw problem(
      "\(Quoted.text(text)) is no number, no amount such as 20 EUR and no date such as 2026-12-01",
      start)
  }

  /// The value in the form that the fact has; where it cannot be that, a problem.
  private mutating func checked(
    _ literal: Literal, _ name: FactName, _ type: FactCatalogue.FactType
  ) -> FactValue {
    let place = ConditionToken(kind: .end, offset: literal.offset)
    let shown = Quoted.text(literal.raw)
    switch (type, literal.value) {
    case (.flag, .flag), (.number, .number), (.money, .money), (.any, _): return literal.value
    case (.money, .number):
      note(
        place, "\(name.text) is an amount of money: write its currency, such as \(literal.raw) EUR")
    case (.flag, _), (.number, _), (.money, _):
      note(place, "\(name.text) is \(type.description); \(shown) is not")
    case (.text(let spelling), _): return .text(ConditionParser.spelled(literal.raw, spelling))
    case (.texts, _): return .text(literal.raw)
    case (.choice(let words), _), (.choices(let words), _):
      let word = String(literal.raw.lowercased().map { $0 == "-" || $0 == " " ? "_" : $0 })
      if words.contains(word) { return .text(word) }
      let hint = NearestWord.hint(word, in: words)
      note(place, "\(shown) is no \(name.text)\(hint)")
    }
    return literal.value
  }

  static func spelled(_ text: String, _ spelling: FactCatalogue.Spelling) -> String {
    switch spelling {
    case .asWritten: text
    case .lowerCase: text.lowercased()
    case .upperCase: text.uppercased()
    }
  }

  // MARK: - Tokens

  private static let reserved: Set = ["and", "or", "not", "in"]

  private func isReserved(_ word: String) -> Bool {
    ConditionParser.reserved.contains(word.lowercased())
  }

  private func isWord(_ word: String, ahead: Int = 0) -> Bool {
    guard tokens.indices.contains(at + ahead), case .word(let text) = tokens[at + ahead].kind
    else { return false }
    return text.lowercased() == word
  }

  private mutating func takeWord(_ word: String) -> Bool {
    guard isWord(word) else { return false }
    at += 1
    return true
  }

  private mutating func takeSymbol(_ symbol: String) -> Bool {
    guard token.kind == .symbol(symbol) else { return false }
    at += 1
    return true
  }

  private mutating func note(_ place: ConditionToken, _ text: String) {
    problems.append(ConditionProblem(offset: place.offset, problem: text))
  }

  private func problem(_ text: String, _ place: ConditionToken? = nil) -> ConditionProblem {
    ConditionProblem(offset: (place ?? token).offset, problem: text)
  }

  private func unexpected() -> ConditionProblem {
    switch token.kind {
    case .symbol(")"): problem("\")\" closes nothing")
    case .word, .quoted, .number:
      problem("and or or is missing before \(token.text), or quotation marks around a text")
    default: problem("\(token.text) was not expected here")
    }
  }
}
