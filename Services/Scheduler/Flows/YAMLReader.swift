internal import Yams

/// Reads YAML 1.1 text as far as flow files use it: one document, no anchors and aliases, tags,
/// merge keys or duplicate keys, which could make a small text a large one or hide a line.
struct YAMLReader {
  /// Far beyond what steps can use, far below what the stack bears.
  static let depthMax = 100
  /// With so many, no nesting of aliases grows to more than some dozen times the text.
  static let aliasesMax = 8

  private(set) var problems = ProblemList()
  private let source: YAMLSource

  init(_ source: YAMLSource) { self.source = source }

  /// Nil where the text is no YAML, or there are problems.
  mutating func root() -> YAMLNode? {
    guard checkCharacters(), checkAliases() else { return nil }
    do {
      // Plain words stay words: `yes`, `09:00` and `1e3` mean what their field makes of them.
      let parser = try Parser(yaml: source.text, resolver: .basic, encoding: .utf8)
      // A node holds its anchor weakly; the parser keeps them alive.
      return try withExtendedLifetime(parser) {
        guard let root = try parser.singleRoot() else {
          problems.add(1, 1, "", "the file is empty; it begins with `flow:` and the flow's name")
          return nil
        }
        let node = node(root, "", 1)
        return problems.problems.isEmpty ? node : nil
      }
    } catch {
      add(error)
      return nil
    }
  }

  // MARK: - Before the parser

  /// YAML allows no control characters but tabs and line breaks.
  private mutating func checkCharacters() -> Bool {
    var line = 1
    var column = 1
    for scalar in source.scalars {
      switch scalar.value {
      case 0x0A:
        line += 1
        column = 0
      case 0x09, 0x0D, 0x85: break
      case 0..<0x20, 0x7F..<0xA0, 0xFFFE, 0xFFFF:
        problems.add(
          line, column, "", "the character U+\(String(scalar.value, radix: 16)) cannot stand here")
      default: break
      }
      column += 1
      if problems.isFull { break }
    }
    return problems.problems.isEmpty
  }

  /// An alias begins with `*` at the beginning of a word; comments are left out. More of them than
  /// a text without aliases has are refused before the parser sees them, as it follows them.
  private mutating func checkAliases() -> Bool {
    var count = 0
    for (index, line) in source.lines.enumerated() {
      var isWordStart = true
      let content = line.drop { $0 == " " || $0 == "\t" }
      if content.first == "#" { continue }
      for (column, scalar) in zip(line.indices, line) {
        let next = column + 1 < line.endIndex ? line[column + 1] : " "
        if scalar == "*" && isWordStart && next != " " && next != "*" {
          count += 1
          if count > YAMLReader.aliasesMax {
            problems.add(
              index + 1, column - line.startIndex + 1, "",
              "a word that begins with * is an alias of YAML, which flow files do not have; "
                + "write quotation marks around it")
            return false
          }
        }
        isWordStart = " \t[]{},:-?".unicodeScalars.contains(scalar)
      }
    }
    return true
  }

  // MARK: - The parser's tree

  private mutating func node(_ node: Node, _ path: String, _ depth: Int) -> YAMLNode {
    var result = YAMLNode(
      value: .nothing, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
    if problems.isFull { return result }
    if node.anchor != nil {
      problems.add(result, path, "anchors and aliases (& and *) are not read in flow files")
      return result
    }
    guard depth <= YAMLReader.depthMax else {
      problems.add(result, path, "is nested more than \(YAMLReader.depthMax) levels deep")
      return result
    }
    switch node {
    case .scalar(let scalar): read(scalar, path, into: &result)
    case .sequence(let sequence):
      refuseTag(sequence.tag, result, path, implied: [.seq])
      let list = sequence.enumerated().map { self.node($1, "\(path)[\($0)]", depth + 1) }
      result.value = .list(list)
    case .mapping(let mapping):
      refuseTag(mapping.tag, result, path, implied: [.map])
      var fields: [(key: YAMLNode, value: YAMLNode)] = []
      for (key, value) in mapping {
        let keyNode = self.node(key, path, depth + 1)
        if keyNode.text == "<<" {
          problems.add(keyNode, path, "merge keys (<<) are not read in flow files")
        }
        let field = path.isEmpty ? keyNode.text ?? "" : "\(path).\(keyNode.text ?? "")"
        fields.append((keyNode, self.node(value, field, depth + 1)))
      }
      result.value = .fields(fields)
    case .alias:
      problems.add(result, path, "anchors and aliases (& and *) are not read in flow files")
    }
    return result
  }

  private mutating func read(
    _ scalar: Node.Scalar, _ path: String, into result: inout YAMLNode
  ) {
    refuseTag(scalar.tag, result, path, implied: [.str])
    result.style =
      switch scalar.style {
      case .singleQuoted: .singleQuoted
      case .doubleQuoted: .doubleQuoted
      case .literal, .folded: .block
      case .plain, .any: .plain
      }
    let isPlain = result.style == .plain
    if isPlain && scalar.string.isEmpty { return }
    result.value = .text(scalar.string, isQuoted: !isPlain)
  }

  private mutating func refuseTag(
    _ tag: Tag, _ node: YAMLNode, _ path: String, implied: [Tag.Name]
  ) {
    let name = Tag.Name(rawValue: tag.rawValue)
    if name == .implicit || implied.contains(name) { return }
    problems.add(node, path, "tags (!) are not read in flow files")
  }

  // MARK: - The parser's errors

  private mutating func add(_ error: any Error) {
    switch error as? YamlError {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _):
      problems.add(mark.line, mark.column, "", YAMLReader.sentence(problem))
    case .composer(_, let problem, let mark, _):
      if problem.contains("alias") {
        problems.add(
          mark.line, mark.column, "",
          "a word that begins with * is an alias of YAML, which flow files do not have; "
            + "write quotation marks around it")
      } else {
        problems.add(mark.line, mark.column, "", "the file holds more than one document (---)")
      }
    case .duplicatedKeysInMapping(let keys, let context):
      let key = keys.first ?? ""
      let place = source.repetition(of: key, line: context.mark.line, column: context.mark.column)
      problems.add(
        place.line, place.column, key,
        "stands twice in the same place, first in line \(context.mark.line)")
    default:
      problems.add(1, 1, "", "the file cannot be read as YAML")
    }
  }

  /// libyaml's words with what most likely led to them.
  private static func sentence(_ problem: String) -> String {
    let hint: String? =
      switch problem {
      case let text where text.contains("mapping values are not allowed"):
        "a second colon in one line: write quotation marks around the value, or indent it"
      case let text where text.contains("could not find expected ':'"):
        "a colon after the field's name is missing"
      case let text where text.contains("tab") || text.contains("cannot start any token"):
        "indent with spaces, not tabs, and write quotation marks around values such as @ or `"
      case let text where text.contains("did not find expected key"):
        "the indentation does not fit the lines above, or a value wants quotation marks"
      case let text where text.contains("did not find expected '-'"):
        "each entry of a list begins with - at the same indentation"
      case let text where text.contains("unexpected end of stream"):
        "quotation marks or a bracket are not closed"
      default: nil
      }
    return "is not YAML: \(problem)" + (hint.map { " (\($0))" } ?? "")
  }
}
