/// One part of a template, compiled: names are places, sections are jumps.
///
/// Values are never templates: they are copied as they are, escaped for where they stand.
package struct TemplateProgram: Sendable {
  package static let depthMax = 16

  /// How a value is written.
  package enum Escape: Sendable {
    /// For HTML text and quoted attributes.
    case html
    /// As it is, but for control characters.
    case plain
    /// As `plain`, with line breaks and tabs as spaces: for a subject.
    case line
  }

  private enum Step: Sendable {
    case literal(Range<Int>)
    case value(ParameterPlace)
    /// Its body runs to `end`.
    case section(ParameterPlace, inverted: Bool, end: Int)
  }

  package let escape: Escape
  /// In order of their names.
  package let parameters: [String]
  private let bytes: [UInt8]
  private let steps: [Step]

  /// - Returns: nil beside what is wrong.
  package static func compile(
    _ text: String, _ escape: Escape
  ) -> (program: TemplateProgram?, problems: [TemplateScan.Problem], tags: [PlacedTag]) {
    var compiler = Compiler(TemplateScan(text), escape)
    compiler.run()
    guard compiler.problems.isEmpty else { return (nil, compiler.problems, compiler.tags) }
    let program = TemplateProgram(
      escape: escape, parameters: Set(compiler.tags.map(\.name)).sorted(),
      bytes: compiler.scan.bytes, steps: compiler.steps)
    return (program, [], compiler.tags)
  }

  private init(escape: Escape, parameters: [String], bytes: [UInt8], steps: [Step]) {
    self.escape = escape
    self.parameters = parameters
    self.bytes = bytes
    self.steps = steps
  }

  /// A tag with a name, and the names of the sections round it, outermost first.
  package struct PlacedTag: Sendable {
    package let name: String
    package let line: Int
    package let isSection: Bool
    package let kind: ParameterKind?
    /// A section that shows where the value is absent has `^` before its name.
    package let sections: [String]
    /// Index among the scan's pieces.
    package let piece: Int
  }

  /// Appends the part with `values` in.
  ///
  /// - Throws: where it would be longer than `sizeMax` bytes.
  package func render(
    _ values: MessageValues, into output: inout [UInt8], sizeMax: Int
  ) throws(ContentError) {
    var frames = [values.message]
    try run(0..<steps.count, &frames, values.named, &output, output.count + sizeMax)
  }

  private func run(
    _ range: Range<Int>, _ frames: inout [ValueFrame], _ named: [String: Value],
    _ output: inout [UInt8], _ end: Int
  ) throws(ContentError) {
    var at = range.lowerBound
    while at < range.upperBound {
      switch steps[at] {
      case .literal(let piece):
        output += bytes[piece]
        at += 1
      case .value(let place):
        if case .text(let text) = value(place, frames, named) { write(text, &output) }
        at += 1
      case .section(let place, let isInverted, let bodyEnd):
        let value = value(place, frames, named)
        let body = (at + 1)..<bodyEnd
        if isInverted {
          if !value.isPresent { try run(body, &frames, named, &output, end) }
        } else if case .list(let entries) = value {
          for entry in entries {
            frames.append(entry)
            try run(body, &frames, named, &output, end)
            frames.removeLast()
          }
        } else if value.isPresent {
          try run(body, &frames, named, &output, end)
        }
        at = bodyEnd
      }
      if output.count > end {
        throw ContentError("template", "a part is longer than its limit with its values in")
      }
    }
  }

  private func value(
    _ place: ParameterPlace, _ frames: [ValueFrame], _ named: [String: Value]
  ) -> Value {
    switch place {
    case .slot(let depth, let slot, _): frames[depth].values[slot]
    case .named(let name): named[name] ?? .absent
    }
  }

  private func write(_ text: String, _ output: inout [UInt8]) {
    switch escape {
    case .html: MarkupText.append(text, to: &output)
    case .plain: PlainText.append(text, to: &output)
    case .line: PlainText.appendLine(text, to: &output)
    }
  }
}

extension TemplateProgram {
  private struct Compiler {
    let scan: TemplateScan
    let escape: Escape
    var steps: [Step] = []
    var problems: [TemplateScan.Problem]
    var tags: [PlacedTag] = []
    private var open: [(name: String, line: Int, step: Int, isList: Bool, isInverted: Bool)] = []
    private var scopes: [ParameterScope] = [.message]

    init(_ scan: TemplateScan, _ escape: Escape) {
      self.scan = scan
      self.escape = escape
      problems = scan.problems
    }

    mutating func run() {
      for (index, piece) in scan.pieces.enumerated() {
        switch piece {
        case .literal(let range): steps.append(.literal(range))
        case .tag(let tag): take(tag, index)
        }
      }
      for section in open.reversed() {
        note(section.line, "`{{#\(section.name)}}` is never closed")
      }
    }

    private mutating func note(_ line: Int, _ text: String) {
      problems.append(TemplateScan.Problem(line: line, text: text))
    }

    private mutating func take(_ tag: TemplateScan.Tag, _ index: Int) {
      switch tag.kind {
      case .comment: break
      case .close: close(tag)
      case .value, .unescaped:
        if tag.kind == .unescaped, escape == .html {
          return note(
            tag.line, "`{{{\(tag.name)}}}` would insert text that is not escaped: write two braces")
        }
        guard let place = place(tag, index, isSection: false) else { return }
        if case .slot(_, _, .list) = place {
          note(tag.line, "`\(tag.name)` is a list: open it with `{{#\(tag.name)}}`")
        } else if case .slot(_, _, .flag) = place {
          note(tag.line, "`\(tag.name)` is true or false: ask with `{{#\(tag.name)}}`")
        }
        steps.append(.value(place))
      case .section, .inverted: openSection(tag, index)
      }
    }

    private mutating func openSection(_ tag: TemplateScan.Tag, _ index: Int) {
      let isInverted = tag.kind == .inverted
      let place = place(tag, index, isSection: true)
      guard open.count < TemplateProgram.depthMax else {
        return note(tag.line, "sections are more than \(TemplateProgram.depthMax) deep")
      }
      var isList = false
      if !isInverted, case .slot(let depth, _, .list(let scope))? = place {
        if depth != scopes.count - 1 {
          note(tag.line, "`\(tag.name)` would be repeated for each entry of another list")
        }
        isList = true
        scopes.append(scope)
      }
      open.append((tag.name, tag.line, steps.count, isList, isInverted))
      steps.append(.section(place ?? .named(tag.name), inverted: isInverted, end: 0))
    }

    private mutating func close(_ tag: TemplateScan.Tag) {
      guard let section = open.last else {
        return note(tag.line, "`{{/\(tag.name)}}` closes a section that is not open")
      }
      guard section.name == tag.name else {
        return note(
          tag.line,
          "`{{/\(tag.name)}}` where `{{/\(section.name)}}` is due, opened in line \(section.line)")
      }
      open.removeLast()
      if section.isList { scopes.removeLast() }
      if case .section(let place, let isInverted, _) = steps[section.step] {
        steps[section.step] = .section(place, inverted: isInverted, end: steps.count)
      }
    }

    /// Notes the tag, and that its name is not known.
    private mutating func place(
      _ tag: TemplateScan.Tag, _ index: Int, isSection: Bool
    ) -> ParameterPlace? {
      let place = ParameterPlace(tag.name, in: scopes)
      var kind: ParameterKind?
      if case .slot(_, _, let known)? = place { kind = known }
      tags.append(
        PlacedTag(
          name: tag.name, line: tag.line, isSection: isSection, kind: kind,
          sections: open.map { ($0.isInverted ? "^" : "") + $0.name }, piece: index))
      if place == nil {
        let elsewhere = ParameterPlace.scope(of: tag.name).map { " outside of `{{#\($0)}}`" } ?? ""
        let near = ParameterPlace.nearest(to: tag.name, in: scopes)
        let hint = elsewhere.isEmpty ? near.map { ": did you mean `\($0)`?" } ?? "" : ""
        note(tag.line, "there is no parameter `\(tag.name)`\(elsewhere)\(hint)")
      }
      return place
    }
  }
}
