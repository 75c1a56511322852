internal import Messages
internal import Texts

/// The blocks that follow one another down the page.
extension LetterLayout {
  static let textSize = 10.0

  mutating func add(_ block: LetterTemplate.Block) throws(LetterRefusal) {
    switch block {
    case .subject(let program):
      let text = try text(program, "subject")
      if text.isEmpty { return }
      try place(text, style(11.5, bold: true), "subject", gap: 3.6.mm)
    case .text(let program):
      for paragraph in try text(program, "text").split(separator: "\n") {
        try place(String(paragraph), style(LetterLayout.textSize), "text", gap: 2.3.mm)
      }
    case .lines(let program):
      let text = try text(program, "lines")
      if text.isEmpty { return }
      try place(text, style(LetterLayout.textSize), "lines", gap: 2.3.mm)
    case .items(let items): try add(items)
    case .panel(let panel): try add(panel)
    case .code(let panel): try addCode(panel)
    }
  }

  private mutating func place(
    _ text: String, _ style: TextStyle, _ field: String, gap: Double
  ) throws(LetterRefusal) {
    let set = try set(text, style, width: geometry.bodyWidth, field)
    try reserve(set.height, field)
    draw(.text(set, x: geometry.left, y: y, .black))
    y += set.height + gap
  }

  // MARK: - Panels

  private mutating func add(_ panel: LetterTemplate.Panel) throws(LetterRefusal) {
    let inset = 4.0.mm
    let width = geometry.bodyWidth - 2 * inset - 1.0.mm
    let texts = try set(panel, "panel", width: width, titleSize: 11)
    if texts.isEmpty { return }
    let height = texts.reduce(0) { $0 + $1.height } + Double(texts.count - 1) * 1.0.mm + 5.0.mm
    try reserve(height, "panel")
    draw(
      .fill(
        Rect(x: geometry.left, y: y, width: geometry.bodyWidth, height: height), accent.tint(0.08),
        corner: 0))
    draw(
      .fill(Rect(x: geometry.left, y: y, width: 1.0.mm, height: height), accent, corner: 0))
    draw(texts, x: geometry.left + inset + 1.0.mm, y: y + 2.5.mm)
    y += height + 3.0.mm
  }

  /// Title and text, those that are not empty; the title is the one in bold.
  private func set(
    _ panel: LetterTemplate.Panel, _ kind: String, width: Double, titleSize: Double
  ) throws(LetterRefusal) -> [SetText] {
    var texts: [SetText] = []
    let title = try text(panel.title, "\(kind).title")
    if !title.isEmpty {
      texts.append(try set(title, style(titleSize, bold: true), width: width, "\(kind).title"))
    }
    let words = try text(panel.text, "\(kind).text")
    if !words.isEmpty {
      texts.append(try set(words, style(9.5), width: width, "\(kind).text"))
    }
    return texts
  }

  private mutating func draw(_ texts: [SetText], x: Double, y: Double) {
    var y = y
    for text in texts {
      draw(.text(text, x: x, y: y, .black))
      y += text.height + 1.0.mm
    }
  }

  /// The code that leads to the cart, in white on a tinted ground, with words beside it.
  private mutating func addCode(_ panel: LetterTemplate.Panel) throws(LetterRefusal) {
    let code = try code(content.cartLink, "code")
    let module = code.module(within: 27.0.mm)
    let side = code.side(module: module)
    let (inset, gap) = (2.5.mm, 6.0.mm)
    let textX = geometry.left + inset + side + gap
    let texts = try set(
      panel, "code", width: geometry.right - inset - textX, titleSize: 12)
    let words = texts.reduce(0) { $0 + $1.height } + Double(max(0, texts.count - 1)) * 1.0.mm
    let height = max(side, words) + 2 * inset
    y += 1.5.mm
    try reserve(height, "code")
    draw(
      .fill(
        Rect(x: geometry.left, y: y, width: geometry.bodyWidth, height: height), accent.tint(0.08),
        corner: 1.6.mm))
    let place = Rect(
      x: geometry.left + inset, y: y + (height - side) / 2, width: side, height: side)
    draw(code, place, module)
    draw(texts, x: textX, y: y + (height - words) / 2)
    y += height + 4.5.mm
  }

  private func code(_ text: String, _ field: String) throws(LetterRefusal) -> MatrixCode {
    do {
      return try MatrixCode(text)
    } catch {
      throw LetterRefusal(reason: .conditionNotMet, field: field, problem: error.problem)
    }
  }

  /// With its quiet zone in the rectangle; the modules lie on the printer's dots.
  private mutating func draw(_ code: MatrixCode, _ rect: Rect, _ module: Double) {
    let dot = 72 / MatrixCode.dotsPerInch
    let quiet = Double(MatrixCode.quietZone) * module
    let (x, y) = ((rect.x / dot).rounded() * dot, (rect.y / dot).rounded() * dot)
    draw(.code(code, x: x + quiet, y: y + quiet, module: module))
  }

  // MARK: - What the law asks for (D10)

  /// At the foot of the last page: who writes, where the address is from, how to object.
  mutating func notice() throws(LetterRefusal) {
    let code = try code(content.objectionLink, "notice")
    let module = MatrixCode.moduleMin
    let side = code.side(module: module)
    let textX = geometry.left + side + 3.0.mm
    var parts: [String] = []
    for (name, program) in [
      ("sender", template.notice.sender), ("source", template.notice.source),
      ("objection", template.notice.objection),
    ] {
      let text = try text(program, "notice.\(name)")
      guard !text.isEmpty else {
        throw LetterRefusal(
          reason: .missingValue, field: "notice.\(name)", problem: "is empty with its values in")
      }
      parts.append(text)
    }
    let words = try set(
      parts.joined(separator: "\n"), style(7.5), width: geometry.right - textX, "notice")
    let typed = try set(
      "\(objectionPage) · \(content.objectionCode)", style(8, bold: true),
      width: geometry.right - textX, "notice")
    let wordsHeight = words.height + 0.8.mm + typed.height
    let height = max(side, wordsHeight) + 2.0.mm
    y += 2.0.mm
    try reserve(height, "notice")
    let top = bottom - height
    draw(
      .line(
        x: geometry.left, y: top, toX: geometry.right, toY: top, width: 0.4, .grey(0.6)))
    draw(
      code, Rect(x: geometry.left, y: bottom - side, width: side, height: side), module)
    let wordsTop = bottom - (height - 2.0.mm) / 2 - wordsHeight / 2
    draw(.text(words, x: textX, y: wordsTop, .grey(0.2)))
    draw(.text(typed, x: textX, y: wordsTop + words.height + 0.8.mm, .black))
  }

  /// Where the code is typed in by hand: the link without its token.
  private var objectionPage: String {
    let link = PrintedLinks.short(content.objectionLink)
    return String(link.prefix(upTo: link.lastIndex(of: "/") ?? link.endIndex))
  }
}
