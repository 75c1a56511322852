internal import Messages
internal import Texts

/// Lays one letter out on its pages.
///
/// All texts are set before anything is drawn: a letter that cannot be printed leaves no trace in
/// its batch.
struct LetterLayout {
  static let pagesMax = 8

  let setter: TextSetter
  let shelf: PictureShelf
  let geometry: PageGeometry
  let template: LetterTemplate
  let content: LetterContent

  var pages = [Page()]
  /// Where the next block begins.
  var y: Double
  /// Where the footer begins; blocks end above.
  private(set) var footerTop = 0.0

  init(
    _ template: LetterTemplate, _ content: LetterContent, _ geometry: PageGeometry,
    _ setter: TextSetter, _ shelf: PictureShelf
  ) {
    self.template = template
    self.content = content
    self.geometry = geometry
    self.setter = setter
    self.shelf = shelf
    y = geometry.bodyTop
  }

  /// - Throws: naming the character and the field, where a font or a place is missing.
  mutating func run() throws(LetterRefusal) -> [Page] {
    let footer = try footerMarks()
    if content.isSample { try watermark() }
    marks()
    try letterhead()
    try returnLine()
    try addressField()
    try information()
    for block in template.blocks.dropLast() { try add(block) }
    try end()
    for index in pages.indices {
      pages[index].marks += footer
      if pages.count > 1 { try pageNumber(index) }
    }
    return pages
  }

  /// The last block and the notice: a page never holds the notice alone.
  private mutating func end() throws(LetterRefusal) {
    let before = self
    if let last = template.blocks.last { try add(last) }
    let page = pages.count
    try notice()
    if pages.count == page || page != before.pages.count { return }
    self = before
    pages.append(Page())
    if content.isSample { try watermark() }
    y = geometry.nextTop
    if let last = template.blocks.last { try add(last) }
    try notice()
  }

  // MARK: - Texts

  /// - Parameter field: of the template or the address, for a character without a glyph.
  func set(
    _ text: String, _ style: TextStyle, width: Double? = nil, _ field: String
  ) throws(LetterRefusal) -> SetText {
    do {
      return try setter.set(text, style, width: width, language: content.locale)
    } catch {
      throw LetterLayout.missing(error, field)
    }
  }

  static func missing(_ glyph: MissingGlyph, _ field: String) -> LetterRefusal {
    let name = glyph.character.map { character in
      let digits = String(character.value, radix: 16, uppercase: true)
      return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
    return LetterRefusal(
      reason: .glyphMissing, field: field,
      problem: "no font has the character \(name ?? "that some of its characters make")")
  }

  func text(_ program: TemplateProgram?, _ field: String) throws(LetterRefusal) -> String {
    do {
      return try LetterText.text(program, content.values)
    } catch {
      throw LetterRefusal(reason: .conditionNotMet, field: field, problem: error.problem)
    }
  }

  func style(
    _ size: Double, bold: Bool = false, _ alignment: TextStyle.Alignment = .start
  ) -> TextStyle {
    TextStyle(face: template.design.face, size: size, isBold: bold, alignment: alignment)
  }

  var accent: Colour { template.design.accent }

  mutating func draw(_ mark: Mark) { pages[pages.count - 1].marks.append(mark) }

  // MARK: - Room on the page

  var bottom: Double { footerTop - 4.0.mm }

  /// Goes on to the next page where less room is left.
  mutating func reserve(_ height: Double, _ field: String) throws(LetterRefusal) {
    if y + height <= bottom { return }
    guard pages.count < LetterLayout.pagesMax, height <= bottom - geometry.nextTop else {
      throw LetterRefusal(
        reason: .conditionNotMet, field: field,
        problem: pages.count < LetterLayout.pagesMax
          ? "a part is longer than a page" : "is longer than \(LetterLayout.pagesMax) pages")
    }
    pages.append(Page())
    if content.isSample { try watermark() }
    y = geometry.nextTop
  }

  // MARK: - What lies at fixed places

  private mutating func watermark() throws(LetterRefusal) {
    let word = try set(
      LetterWords.sample(content.language), style(92, bold: true), "sample")
    draw(.watermark(word, .grey(0.93)))
  }

  /// For folding and punching by hand, within the left margin.
  private mutating func marks() {
    for fold in geometry.folds { mark(fold, to: 9.0.mm) }
    mark(geometry.hole, to: 11.0.mm)
  }

  private mutating func mark(_ y: Double, to x: Double) {
    draw(.line(x: 5.0.mm, y: y, toX: x, toY: y, width: 0.2.mm, .grey(0.35)))
  }

  private mutating func letterhead() throws(LetterRefusal) {
    let area = geometry.letterhead
    let name = try text(template.name, "letterhead.name")
    let tagline = try text(template.tagline, "letterhead.line")
    switch template.design.look {
    case .rule:
      if !name.isEmpty {
        let size = area.height < 20.0.mm ? 15.0 : 19
        let set = try set(name, style(size, bold: true), width: area.width * 0.6, "letterhead.name")
        draw(.text(set, x: area.x, y: area.y, accent))
        let end = area.y + set.height + 1.5.mm
        draw(.line(x: area.x, y: end, toX: area.right, toY: end, width: 0.9, accent))
        if !tagline.isEmpty {
          let line = try self.set(
            tagline, style(8.5, .right), width: area.width * 0.38, "letterhead.line")
          draw(
            .text(
              line, x: area.right - area.width * 0.38, y: end - 1.8.mm - line.height, .grey(0.35)))
        }
      }
    case .band:
      let height = min(area.height, 18.0.mm)
      let band = Rect(x: area.x, y: area.y, width: area.width, height: height)
      draw(.fill(band, accent, corner: 1.6.mm))
      if !name.isEmpty {
        let set = try set(name, style(18, bold: true), width: band.width * 0.6, "letterhead.name")
        draw(.text(set, x: band.x + 5.0.mm, y: band.y + (height - set.height) / 2, .white))
      }
      if !tagline.isEmpty {
        let width = band.width * 0.36
        let line = try set(tagline, style(9, .right), width: width, "letterhead.line")
        draw(
          .text(
            line, x: band.right - 5.0.mm - width, y: band.y + (height - line.height) / 2, .white))
      }
    }
  }

  private mutating func returnLine() throws(LetterRefusal) {
    let zone = geometry.returnZone
    var line = try set(content.returnLine, returnStyle(7), "imprint")
    if line.width > zone.width { line = try set(content.returnLine, returnStyle(6), "imprint") }
    guard line.width <= zone.width else {
      throw LetterRefusal(
        reason: .conditionNotMet, field: "imprint",
        problem: "is wider than the return line of \(Int(zone.width / 1.0.mm)) mm")
    }
    let end = zone.bottom - 1.2.mm
    draw(.text(line, x: zone.x, y: end - 0.4.mm - line.height, .grey(0.25)))
    draw(.line(x: zone.x, y: end, toX: zone.x + line.width, toY: end, width: 0.4, .grey(0.5)))
  }

  private func returnStyle(_ size: Double) -> TextStyle { TextStyle(size: size, alignment: .left) }

  /// In black and without ornament, as sorting machines read it, and never beyond its zone.
  private mutating func addressField() throws(LetterRefusal) {
    let zone = geometry.addressZone
    let text = content.address.lines.joined(separator: "\n")
    for size in [10.0, 9.5, 9, 8.5, 8] {
      let style = TextStyle(size: size, alignment: .left, leading: 0.94)
      let field = try set(text, style, width: size == 8 ? zone.width : nil, "address")
      if field.width <= zone.width, field.height <= zone.height {
        return draw(.text(field, x: zone.x, y: zone.y, .black))
      }
    }
    throw LetterRefusal(
      reason: .badDestination, field: "street_lines",
      problem: "the address does not fit into its field")
  }

  private mutating func information() throws(LetterRefusal) {
    let area = geometry.information
    let labelWidth = 24.0.mm
    var y = area.y
    for row in template.information {
      let text = try text(row.text, "information.text")
      if text.isEmpty { continue }
      let label = try set(
        try self.text(row.label, "information.label"), style(8), width: labelWidth - 2.0.mm,
        "information.label")
      let value = try set(text, style(9), width: area.width - labelWidth, "information.text")
      guard y + value.height <= area.bottom else {
        throw LetterRefusal(
          reason: .conditionNotMet, field: "information", problem: "has more than its place holds")
      }
      draw(.text(label, x: area.x, y: y + value.baseline - label.baseline, .grey(0.42)))
      draw(.text(value, x: area.x + labelWidth, y: y, .black))
      y += max(label.height, value.height) + 1.0.mm
    }
  }

  /// The same on all pages; also finds out where blocks end.
  private mutating func footerMarks() throws(LetterRefusal) -> [Mark] {
    footerTop = geometry.footerBottom
    if template.footer.isEmpty { return [] }
    let gap = 5.0.mm
    let count = Double(template.footer.count)
    let width = (geometry.bodyWidth - gap * (count - 1)) / count
    var columns: [SetText] = []
    for program in template.footer {
      columns.append(try set(try text(program, "footer"), style(7), width: width, "footer"))
    }
    let height = columns.map(\.height).max() ?? 0
    footerTop = geometry.footerBottom - height - 2.0.mm
    guard footerTop > geometry.bodyTop + 60.0.mm else {
      throw LetterRefusal(
        reason: .conditionNotMet, field: "footer", problem: "is higher than its place")
    }
    var marks = [
      Mark.line(
        x: geometry.left, y: footerTop, toX: geometry.right, toY: footerTop, width: 0.5, accent)
    ]
    for (index, column) in columns.enumerated() {
      let x = geometry.left + Double(index) * (width + gap)
      marks.append(.text(column, x: x, y: footerTop + 2.0.mm, .grey(0.35)))
    }
    return marks
  }

  private mutating func pageNumber(_ index: Int) throws(LetterRefusal) {
    let words = LetterWords.page(index + 1, of: pages.count, content.language)
    let text = try set(words, style(7.5), "page")
    pages[index].marks.append(
      .text(
        text, x: geometry.right - text.width, y: footerTop - 1.0.mm - text.height, .grey(0.35)))
  }
}
