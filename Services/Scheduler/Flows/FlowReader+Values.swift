internal import Messages

/// The fields of a mapping, and single values.
extension FlowReader {
  /// The values by their names; each name that is not known, or is missing, is a problem.
  mutating func fields(
    _ node: YAMLNode, _ path: String, required: [String], optional: [String] = []
  ) -> [String: YAMLNode]? {
    guard case .fields(let fields) = node.value else {
      problems.add(
        node, path,
        "wants fields (\((required + optional).joined(separator: ", "))), not \(node.kind)")
      return nil
    }
    var result: [String: YAMLNode] = [:]
    for (key, value) in fields {
      guard let name = key.text, (required + optional).contains(name) else {
        let hint = unknownHint(key.text ?? "", required + optional)
        problems.add(key, joined(path, key.text ?? "?"), "there is no such field here\(hint)")
        continue
      }
      result[name] = value
      if case .nothing = value.value {
        problems.add(value, joined(path, name), "its value is missing")
        result[name] = nil
      }
    }
    let present = Set(fields.compactMap(\.key.text))
    for name in required where !present.contains(name) {
      problems.add(node, joined(path, name), "is missing")
    }
    return result
  }

  /// Words that people write for ours.
  private func unknownHint(_ word: String, _ known: [String]) -> String {
    let meant = [
      "seen": "opened", "read": "opened", "click": "clicked", "timeout": "within",
      "wait": "pause", "delay": "pause", "else": "none matched", "otherwise": "none matched",
      "if": "when", "condition": "when", "goto": "go to", "reentry": "re-entry",
      "max-age": "max age", "none": "no action", "email": "send e-mail", "sms": "send sms",
      "expire": "expires", "fallback": "if not sent", "filter": "when", "trigger": "start",
    ]
    if let name = meant[word.lowercased()], known.contains(name) {
      return "; did you mean \"\(name)\"?"
    }
    return NearestWord.hint(word, in: known)
  }

  func joined(_ path: String, _ field: String) -> String {
    path.isEmpty ? field : "\(path).\(field)"
  }

  mutating func text(_ node: YAMLNode, _ path: String) -> String? {
    if case .text(let text, _) = node.value { return text }
    problems.add(node, path, "is one value, not \(node.kind)")
    return nil
  }

  /// A name of steps, templates and the like: letters, digits, `-`, `_`, `.`.
  mutating func name(_ node: YAMLNode, _ path: String) -> String? {
    guard let text = text(node, path) else { return nil }
    let isName =
      !text.isEmpty
      && text.utf8.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
        default: false
        }
      }
    let bytesMax = FlowReader.nameBytesMax
    if isName && text.utf8.count <= bytesMax && text.first != "-" && text.first != "." {
      return text
    }
    problems.add(
      node, path,
      "\(Quoted.text(text)) is no name: at most \(bytesMax) letters (a to z), digits, -, _ and .")
    return nil
  }

  /// A text for people in one line.
  mutating func words(_ node: YAMLNode, _ path: String, bytesMax: Int) -> String? {
    guard let text = text(node, path) else { return nil }
    let isLine = text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    if isLine && !text.isEmpty && text.utf8.count <= bytesMax { return text }
    let problem =
      !isLine
      ? "is one line" : text.isEmpty ? "is empty" : "has \(text.utf8.count) bytes of \(bytesMax)"
    problems.add(node, path, problem)
    return nil
  }

  /// One text or a list of them.
  mutating func texts(
    _ node: YAMLNode, _ path: String, countMax: Int, bytesMax: Int
  ) -> [String]? {
    guard case .list(let list) = node.value else {
      return words(node, path, bytesMax: bytesMax).map { [$0] }
    }
    if list.isEmpty || list.count > countMax {
      problems.add(node, path, "holds \(list.count) entries, not 1 to \(countMax)")
      return nil
    }
    let texts = list.enumerated().compactMap { index, node in
      words(node, "\(path)[\(index)]", bytesMax: bytesMax)
    }
    return texts.count == list.count ? texts : nil
  }

  mutating func period(
    _ node: YAMLNode, _ path: String, _ range: ClosedRange<Int64>, monthsMax: Int
  ) -> Period? {
    guard let text = text(node, path) else { return nil }
    let period: Period
    do {
      period = try PlainValues.period(text)
    } catch {
      problems.add(node, path, PlainValues.sentence(error, text))
      return nil
    }
    let isInRange: Bool
    switch period {
    case .span(let span): isInRange = range.contains(span)
    case .months(let months):
      if monthsMax == 0 {
        problems.add(node, path, "has no calendar months; write days or weeks")
        return nil
      }
      isInRange = (1...monthsMax).contains(months)
    }
    if isInRange { return period }
    let most = PlainValues.text(.span(range.upperBound))
    let months = monthsMax > 0 ? " or \(monthsMax) months" : ""
    problems.add(
      node, path,
      "\(Quoted.text(text)) is not \(PlainValues.text(.span(range.lowerBound))) to \(most)\(months)"
    )
    return nil
  }

  mutating func span(
    _ node: YAMLNode, _ path: String, _ range: ClosedRange<Int64>
  ) -> Int64? {
    guard case .span(let span) = period(node, path, range, monthsMax: 0) else { return nil }
    return span
  }

  mutating func condition(_ node: YAMLNode, _ path: String) -> Condition? {
    guard let text = text(node, path) else { return nil }
    let (condition, faults) = ConditionParser.parse(text)
    for fault in faults {
      let place = source.place(of: fault.offset, in: node)
      problems.add(place.line, place.column, path, fault.problem)
    }
    return condition
  }

  /// A value of a template's parameter: a number, an amount, yes or no, a time, else a text.
  mutating func parameter(
    _ key: YAMLNode, _ node: YAMLNode, _ path: String
  ) -> CommonV1.Attribute? {
    guard let name = name(key, path), case .text(let text, let isQuoted) = node.value else {
      if case .text = node.value { return nil }
      problems.add(node, joined(path, key.text ?? "?"), "is one value, not \(node.kind)")
      return nil
    }
    if text.utf8.count > 1024 {
      problems.add(node, joined(path, name), "has \(text.utf8.count) bytes, the limit is 1024")
      return nil
    }
    if isQuoted { return .init(name: name, value: .text(text)) }
    if let money = PlainValues.money(text) { return .init(name: name, value: .money(money)) }
    if let decimal = PlainValues.decimal(text) {
      let number = Double(decimal.units) + Double(decimal.nanos) / 1e9
      return .init(name: name, value: .number(number))
    }
    switch text {
    case "yes", "true": return .init(name: name, value: .flag(true))
    case "no", "false": return .init(name: name, value: .flag(false))
    default: break
    }
    if let instant = PlainValues.instant(text) {
      return .init(name: name, value: FactValue.instant(instant).contract)
    }
    return .init(name: name, value: .text(text))
  }

  /// Such as `12.5 %`, in hundredths of a percent.
  func basisPoints(_ text: String) -> Int? {
    guard text.hasSuffix("%") else { return nil }
    let number = text.dropLast().filter { $0 != " " }
    guard let decimal = PlainValues.decimal(number), decimal.units >= 0, decimal.nanos >= 0,
      decimal.units <= 100, decimal.nanos % 10_000_000 == 0
    else { return nil }
    return Int(decimal.units) * 100 + Int(decimal.nanos) / 10_000_000
  }
}
