internal import Texts
internal import Yams

/// Reads a letter's template from the YAML that a marketer writes, and checks it as a whole.
struct LetterReader {
  static let blocksMax = 64
  static let rowsMax = 12
  static let columnsMax = 4

  private let text: String
  private var template = LetterTemplate()
  private var faults: [LetterFaults.Fault] = []
  private var parameters: Set<String> = []
  private var seen: Set<String> = []

  init(_ text: String) { self.text = text }

  mutating func read() throws(LetterFaults) -> LetterTemplate {
    if let root = root() { blocks(root) }
    if faults.isEmpty { checkWhole() }
    guard faults.isEmpty else {
      let ordered = faults.sorted { ($0.line, $0.column) < ($1.line, $1.column) }
      throw LetterFaults(faults: Array(ordered.prefix(LetterFaults.countMax)))
    }
    template.required = Set(template.required).sorted()
    template.parameters = parameters.union(template.required).sorted()
    return template
  }

  // MARK: - Faults

  private mutating func note(_ node: Node?, _ field: String, _ problem: String) {
    note(node?.mark?.line ?? 1, node?.mark?.column ?? 1, field, problem)
  }

  private mutating func note(_ line: Int, _ column: Int, _ field: String, _ problem: String) {
    faults.append(
      LetterFaults.Fault(line: line, column: column, field: field, problem: problem))
  }

  // MARK: - YAML

  private mutating func root() -> Node? {
    do {
      let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
      // A node holds its anchor weakly; the parser keeps them alive.
      return try withExtendedLifetime(parser) {
        guard let root = try parser.singleRoot() else {
          note(1, 1, "", "the text is empty; it is a list of blocks")
          return nil
        }
        return hasAnchor(root, depth: 0) ? nil : root
      }
    } catch let error as YamlError {
      add(error)
    } catch {
      note(1, 1, "", "the text is no YAML")
    }
    return nil
  }

  private mutating func add(_ error: YamlError) {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      note(
        mark.line, mark.column, "",
        "\(problem); write quotation marks round a text that begins with a brace or holds a colon")
    case .duplicatedKeysInMapping(let keys, let context):
      note(
        context.mark.line, context.mark.column, "",
        "`\(keys.first ?? "")` stands twice in the same place")
    default: note(1, 1, "", "the text is no YAML")
    }
  }

  /// An anchor stands before its aliases: nothing is followed twice.
  private mutating func hasAnchor(_ node: Node, depth: Int) -> Bool {
    if node.anchor != nil {
      note(node, "", "anchors and aliases (& and *) are not read in templates")
      return true
    }
    guard depth < 8 else {
      note(node, "", "is nested too deep")
      return true
    }
    switch node {
    case .sequence(let list): return list.contains { hasAnchor($0, depth: depth + 1) }
    case .mapping(let fields):
      return fields.contains { hasAnchor($0.value, depth: depth + 1) }
    default: return false
    }
  }

  /// The fields of a mapping whose names are known.
  private mutating func fields(
    _ node: Node, _ field: String, _ known: [String]
  ) -> [String: Node] {
    guard let mapping = node.mapping else {
      note(node, field, "has fields: \(known.joined(separator: ", "))")
      return [:]
    }
    var fields: [String: Node] = [:]
    for (key, value) in mapping {
      let name = key.scalar?.string ?? ""
      if known.contains(name) {
        fields[name] = value
      } else {
        note(
          key, field, "there is no field `\(name)` here: \(known.joined(separator: ", "))")
      }
    }
    return fields
  }

  private mutating func list(_ node: Node, _ field: String, _ countMax: Int) -> [Node] {
    guard let list = node.sequence else {
      note(node, field, "is a list, each entry on a line that begins with `- `")
      return []
    }
    if list.count > countMax { note(node, field, "has \(list.count) entries, at most \(countMax)") }
    return Array(list.prefix(countMax))
  }

  private mutating func plain(_ node: Node?, _ field: String) -> String? {
    guard let node else { return nil }
    guard let scalar = node.scalar else {
      note(node, field, "is a text; write quotation marks round it where it begins with a brace")
      return nil
    }
    return scalar.string
  }

  // MARK: - Texts with parameters

  private static let notPrinted: Set = ["unsubscribe_link", "open_pixel", "is_copy"]

  private mutating func program(_ node: Node?, _ field: String) -> TemplateProgram? {
    guard let node, let text = plain(node, field) else { return nil }
    let (program, problems, tags) = TemplateProgram.compile(text, .plain)
    for problem in problems { note(line(problem.line, node), column(node), field, problem.text) }
    for tag in tags {
      if LetterReader.notPrinted.contains(tag.name) {
        note(line(tag.line, node), column(node), field, "`\(tag.name)` is not for letters")
      }
      parameters.insert(tag.name)
    }
    return program
  }

  private func column(_ node: Node) -> Int { node.mark?.column ?? 1 }

  /// Of the file, for a line of a text in it. A folded text has other lines than the file.
  private func line(_ line: Int, _ node: Node) -> Int {
    let first = node.mark?.line ?? 1
    return switch node.scalar?.style {
    case .literal: first + line
    case .folded: first
    default: first + line - 1
    }
  }

  // MARK: - Blocks

  private static let kinds = [
    "design", "letterhead", "information", "subject", "text", "lines", "items", "panel", "code",
    "notice", "footer", "requires",
  ]
  private static let single: Set = [
    "design", "letterhead", "information", "subject", "notice", "footer", "requires",
  ]

  private mutating func blocks(_ root: Node) {
    for entry in list(root, "", LetterReader.blocksMax) {
      guard let mapping = entry.mapping, mapping.count == 1, let (key, value) = mapping.first,
        let kind = key.scalar?.string
      else {
        note(entry, "", "each entry is one block, such as `- text: Dear reader`")
        continue
      }
      guard LetterReader.kinds.contains(kind) else {
        note(
          key, "",
          "there is no block `\(kind)`: \(LetterReader.kinds.joined(separator: ", "))")
        continue
      }
      if !seen.insert(kind).inserted, LetterReader.single.contains(kind) {
        note(key, kind, "stands twice")
      }
      block(kind, value)
    }
  }

  private mutating func block(_ kind: String, _ node: Node) {
    switch kind {
    case "design": design(node)
    case "letterhead":
      let fields = fields(node, kind, ["name", "line"])
      template.name = program(fields["name"], "letterhead.name")
      template.tagline = program(fields["line"], "letterhead.line")
    case "information":
      for row in list(node, kind, LetterReader.rowsMax) {
        let fields = fields(row, kind, ["label", "text"])
        guard let label = program(fields["label"], "information.label"),
          let text = program(fields["text"], "information.text")
        else {
          note(row, kind, "has a label and a text")
          continue
        }
        template.information.append(LetterTemplate.Row(label: label, text: text))
      }
    case "subject": append(node, kind) { .subject($0) }
    case "text": append(node, kind) { .text($0) }
    case "lines": append(node, kind) { .lines($0) }
    case "items": items(node)
    case "panel": template.blocks.append(.panel(panel(node, kind)))
    case "code": template.blocks.append(.code(panel(node, kind)))
    case "notice": notice(node)
    case "footer":
      for column in list(node, kind, LetterReader.columnsMax) {
        if let program = program(column, kind) { template.footer.append(program) }
      }
    default: requires(node)
    }
  }

  private mutating func append(
    _ node: Node, _ kind: String, _ block: (TemplateProgram) -> LetterTemplate.Block
  ) {
    if let program = program(node, kind) { template.blocks.append(block(program)) }
  }

  private mutating func design(_ node: Node) {
    let fields = fields(node, "design", ["look", "accent", "font"])
    if let text = plain(fields["look"], "design.look") {
      if let look = LetterTemplate.Design.Look(rawValue: text) {
        template.design.look = look
      } else {
        note(fields["look"], "design.look", "is rule or band")
      }
    }
    if let text = plain(fields["font"], "design.font") {
      if let face = TextStyle.Face(rawValue: text) {
        template.design.face = face
      } else {
        note(fields["font"], "design.font", "is sans or serif")
      }
    }
    if let text = plain(fields["accent"], "design.accent") {
      if let colour = Colour(hex: text), colour.lightness <= 0.6 {
        template.design.accent = colour
      } else {
        note(
          fields["accent"], "design.accent",
          "is a colour such as \"#1f4e79\", dark enough to be read on white")
      }
    }
  }

  private mutating func items(_ node: Node) {
    let names = ["product", "quantity", "unit_price", "total", "sum", "more", "pictures"]
    let fields = fields(node, "items", names)
    var items = LetterTemplate.Items()
    items.product = program(fields["product"], "items.product")
    items.quantity = program(fields["quantity"], "items.quantity")
    items.unitPrice = program(fields["unit_price"], "items.unit_price")
    items.total = program(fields["total"], "items.total")
    items.sum = program(fields["sum"], "items.sum")
    items.more = program(fields["more"], "items.more")
    if let text = plain(fields["pictures"], "items.pictures") {
      if text != "yes" && text != "no" {
        note(fields["pictures"], "items.pictures", "is yes or no")
      }
      items.showsPictures = text == "yes"
    }
    parameters.insert("lines")
    template.blocks.append(.items(items))
  }

  private mutating func panel(_ node: Node, _ kind: String) -> LetterTemplate.Panel {
    let fields = fields(node, kind, ["title", "text"])
    return LetterTemplate.Panel(
      title: program(fields["title"], "\(kind).title"),
      text: program(fields["text"], "\(kind).text"))
  }

  private mutating func requires(_ node: Node) {
    for entry in list(node, "requires", 64) {
      guard let name = plain(entry, "requires") else { continue }
      let isKnown =
        ParameterPlace(name, in: [.message]) != nil || ParameterPlace(name, in: [.line]) != nil
      if !isKnown { note(entry, "requires", "there is no parameter `\(name)`") }
      template.required.append(name)
    }
  }

  // MARK: - What the law asks for (D10)

  private mutating func notice(_ node: Node) {
    let fields = fields(node, "notice", ["sender", "source", "objection"])
    let noticed = ["sender", "source", "objection"].map { name in
      program(fields[name], "notice.\(name)")
    }
    template.notice = LetterTemplate.Notice(
      sender: noticed[0], source: noticed[1], objection: noticed[2])
    if let sender = fields["sender"], let text = sender.scalar?.string {
      let tags = TemplateProgram.compile(text, .plain).tags.filter {
        !$0.isSection && $0.sections.isEmpty
      }
      let names = Set(tags.map(\.name))
      if !names.contains("imprint"), !names.isSuperset(of: ["legal_name", "postal_address"]) {
        note(
          sender, "notice.sender",
          "always shows who writes and from where: use `imprint`, or `legal_name` and "
            + "`postal_address`")
      }
    }
    for (name, program) in zip(["source", "objection"], noticed.dropFirst()) {
      guard let program, let node = fields[name] else { continue }
      if (try? LetterText.text(program, MessageValues()))?.isEmpty ?? true {
        note(node, "notice.\(name)", "is empty where its parameters are")
      }
    }
  }

  private mutating func checkWhole() {
    let needs: [(String, TemplateProgram?)] = [
      ("sender", template.notice.sender), ("source", template.notice.source),
      ("objection", template.notice.objection),
    ]
    for (name, program) in needs where program == nil {
      note(
        1, 1, "notice.\(name)",
        "is missing: a letter says who writes, where the address is from, and how to object")
    }
    if template.blocks.isEmpty { note(1, 1, "", "says nothing: there is no text") }
  }
}

/// A program with its values in.
enum LetterText {
  static let sizeMax = 32 << 10

  /// Without white space at its ends.
  ///
  /// - Throws: where it would be too long.
  static func text(
    _ program: TemplateProgram?, _ values: MessageValues
  ) throws(ContentError) -> String {
    guard let program else { return "" }
    var bytes: [UInt8] = []
    try program.render(values, into: &bytes, sizeMax: sizeMax)
    while let last = bytes.last, last <= 0x20 { bytes.removeLast() }
    return String(decoding: bytes.drop { $0 <= 0x20 }, as: UTF8.self)
  }
}
