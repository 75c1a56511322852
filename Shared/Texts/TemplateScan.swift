/// A template's text in literal pieces and tags.
///
/// The part of Mustache that is read: `{{name}}`, `{{{name}}}`, `{{&name}}`, `{{#name}}`,
/// `{{^name}}`, `{{/name}}`, `{{! comment }}`. A section or comment alone on its line takes the
/// line with it, as Mustache says. Partials, inheritance, other delimiters and functions are
/// problems.
package struct TemplateScan {
  package static let tagsMax = 4000
  package static let nameSizeMax = 80

  package enum Piece: Equatable {
    /// Of the text's bytes.
    case literal(Range<Int>)
    case tag(Tag)
  }

  package struct Tag: Equatable {
    package enum Kind: Equatable {
      case value, unescaped, section, inverted, close, comment
    }

    package let kind: Kind
    package let name: String
    /// From 1.
    package let line: Int
  }

  package struct Problem: Equatable {
    package let line: Int
    package let text: String

    package init(line: Int, text: String) {
      self.line = line
      self.text = text
    }
  }

  package let bytes: [UInt8]
  package private(set) var pieces: [Piece] = []
  package private(set) var problems: [Problem] = []

  package init(_ text: String) {
    bytes = TemplateScan.withoutReturns(Array(text.utf8))
    var at = 0
    var line = 1
    var tags = 0
    while at < bytes.count {
      guard let open = index(of: 0x7B, from: at) else { break }
      append(at..<open)
      line += newlines(at..<open)
      guard let (tag, range) = tag(at: open, line) else {
        at = bytes.count
        break
      }
      tags += 1
      guard tags <= TemplateScan.tagsMax else {
        problems.append(Problem(line: line, text: "more than \(TemplateScan.tagsMax) tags"))
        at = bytes.count
        break
      }
      line += newlines(range)
      at = range.upperBound
      guard let tag else { continue }
      if tag.kind == .value || tag.kind == .unescaped {
        pieces.append(.tag(tag))
      } else {
        at = place(tag, range)
        line += newlines(range.upperBound..<at)
      }
    }
    append(at..<bytes.count)
  }

  /// Lines end with a line feed alone, whatever the author's machine wrote.
  private static func withoutReturns(_ bytes: [UInt8]) -> [UInt8] {
    guard bytes.contains(0x0D) else { return bytes }
    return bytes.indices.filter {
      bytes[$0] != 0x0D || $0 + 1 == bytes.count || bytes[$0 + 1] != 0x0A
    }.map { bytes[$0] }
  }

  private mutating func append(_ range: Range<Int>) {
    if !range.isEmpty { pieces.append(.literal(range)) }
  }

  /// Adds a tag that shows nothing itself, without the rest of its line where it stands alone.
  ///
  /// - Returns: where to read on.
  private mutating func place(_ tag: Tag, _ range: Range<Int>) -> Int {
    var start = range.lowerBound
    while start > 0, TemplateScan.isBlank(bytes[start - 1]) { start -= 1 }
    var end = range.upperBound
    while end < bytes.count, TemplateScan.isBlank(bytes[end]) { end += 1 }
    let isAlone =
      (start == 0 || bytes[start - 1] == 0x0A)
      && (end == bytes.count || bytes[end] == 0x0A)
    guard isAlone else {
      pieces.append(.tag(tag))
      return range.upperBound
    }
    if case .literal(let before)? = pieces.last, before.upperBound == range.lowerBound {
      pieces.removeLast()
      append(before.lowerBound..<max(before.lowerBound, start))
    }
    pieces.append(.tag(tag))
    return min(end + 1, bytes.count)
  }

  /// The tag at `open` and its bytes: without a tag where it is a problem, nil where none of the
  /// rest can be read.
  private mutating func tag(at open: Int, _ line: Int) -> (Tag?, Range<Int>)? {
    let isTriple = open + 2 < bytes.count && bytes[open + 2] == 0x7B
    let start = open + (isTriple ? 3 : 2)
    guard let close = end(from: start, isTriple ? 3 : 2) else {
      problems.append(Problem(line: line, text: "`{{` without `}}`"))
      return nil
    }
    let range = open..<(close + (isTriple ? 3 : 2))
    var content = bytes[start..<close]
    var kind = isTriple ? Tag.Kind.unescaped : .value
    if !isTriple, let first = content.first, let marked = TemplateScan.kinds[first] {
      kind = marked
      content = content.dropFirst()
    }
    if kind == .comment { return (Tag(kind: kind, name: "", line: line), range) }
    content = content.drop(while: TemplateScan.isSpace)
    while let last = content.last, TemplateScan.isSpace(last) { content.removeLast() }
    if let problem = TemplateScan.problem(content) {
      problems.append(Problem(line: line, text: problem))
      return (nil, range)
    }
    return (Tag(kind: kind, name: String(decoding: content, as: UTF8.self), line: line), range)
  }

  private static let kinds: [UInt8: Tag.Kind] = [
    0x23: .section, 0x5E: .inverted, 0x2F: .close, 0x21: .comment, 0x26: .unescaped,
  ]

  /// What is wrong with a tag's content.
  private static func problem(_ content: ArraySlice<UInt8>) -> String? {
    switch content.first {
    case nil: return "a tag without a name"
    case 0x3E: return "`{{>` includes another template, which is not supported"
    case 0x3C, 0x24: return "`{{<` and `{{$` inherit from a template, which is not supported"
    case 0x3D: return "`{{=` changes the delimiters, which is not supported"
    case 0x25: return "`{{%` sets an option, which is not supported"
    default: break
    }
    if content.count > nameSizeMax {
      return "a name of \(content.count) bytes, the limit is \(nameSizeMax)"
    }
    if content.contains(0x28) { return "functions such as `{{upper(name)}}` are not supported" }
    if content == [0x2E] { return "`{{.}}` is not supported: name what is meant" }
    let isName = content.allSatisfy { byte in
      (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte)
        || [0x5F, 0x2E, 0x2D].contains(byte)
    }
    return isName ? nil : "a name holds letters, digits, `_`, `-` and `.` only"
  }

  private func end(from start: Int, _ size: Int) -> Int? {
    var at = start
    while let found = index(of: 0x7D, from: at) {
      if size == 2 || found + 2 < bytes.count && bytes[found + 2] == 0x7D { return found }
      at = found + 1
    }
    return nil
  }

  /// Of the same byte twice.
  private func index(of byte: UInt8, from start: Int) -> Int? {
    var at = start
    while at + 1 < bytes.count {
      if bytes[at] == byte && bytes[at + 1] == byte { return at }
      at += 1
    }
    return nil
  }

  private func newlines(_ range: Range<Int>) -> Int {
    bytes[range].reduce(0) { $1 == 0x0A ? $0 + 1 : $0 }
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
  private static func isSpace(_ byte: UInt8) -> Bool {
    isBlank(byte) || byte == 0x0A || byte == 0x0D
  }
}
