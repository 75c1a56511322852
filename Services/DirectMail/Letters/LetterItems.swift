internal import Messages
internal import Texts

/// The cart's lines as a table, which may go on over several pages.
extension LetterLayout {
  private struct Columns {
    let pictureWidth: Double
    let quantityWidth: Double
    let unitWidth: Double
    let totalWidth: Double
    let nameX: Double
    let nameWidth: Double
    let quantityX: Double
    let unitX: Double
    let totalX: Double

    /// A column that no line has anything for is left away.
    init(
      _ geometry: PageGeometry, pictures: Bool, quantities: Bool, prices: Bool, totals: Bool
    ) {
      pictureWidth = pictures ? 15.0.mm : 0
      quantityWidth = quantities ? 18.0.mm : 0
      unitWidth = prices ? 27.0.mm : 0
      totalWidth = totals ? 29.0.mm : 0
      nameX = geometry.left + pictureWidth
      totalX = geometry.right - totalWidth
      unitX = totalX - unitWidth
      quantityX = unitX - quantityWidth
      nameWidth = quantityX - nameX - 3.0.mm
    }
  }

  private struct Row {
    let picture: Picture?
    let name: SetText
    let detail: SetText?
    let quantity: SetText?
    let unitPrice: SetText?
    let total: SetText?

    var height: Double {
      let words = name.height + (detail.map { $0.height + 0.4.mm } ?? 0)
      return max(words, picture == nil ? 0 : 12.0.mm) + 3.0.mm
    }
  }

  mutating func add(_ items: LetterTemplate.Items) throws(LetterRefusal) {
    guard case .list(let lines) = content.values.message[.lines], !lines.isEmpty else { return }
    let pictures = lines.map { line -> Picture? in
      guard items.showsPictures, let address = line[.imageUrl].text else { return nil }
      return shelf.picture(address)
    }
    func has(_ program: TemplateProgram?, _ parameter: LineParameter) -> Bool {
      program != nil && lines.contains { $0[parameter].isPresent }
    }
    let columns = Columns(
      geometry, pictures: pictures.contains { $0 != nil },
      quantities: has(items.quantity, .quantity),
      prices: has(items.unitPrice, .unitPrice), totals: has(items.total, .lineTotal))
    var rows: [Row] = []
    for (line, picture) in zip(lines, pictures) {
      rows.append(try row(line, picture, columns))
    }
    try head(items, columns, before: rows.first?.height ?? 0)
    for row in rows {
      let page = pages.count
      try reserve(row.height, "lines")
      if pages.count > page { try head(items, columns, before: row.height) }
      draw(row, columns)
    }
    try sum(items, columns)
  }

  private func row(
    _ line: ValueFrame, _ picture: Picture?, _ columns: Columns
  ) throws(LetterRefusal) -> Row {
    let detail = line[.configuration].text ?? ""
    func number(
      _ parameter: LineParameter, _ width: Double, bold: Bool = false
    ) throws(LetterRefusal) -> SetText? {
      guard width > 0, let text = line[parameter].text else { return nil }
      return try set(text, style(9.5, bold: bold, .right), width: width, "lines")
    }
    return Row(
      picture: picture,
      name: try set(
        line[.productName].text ?? "", style(9.5, bold: true), width: columns.nameWidth, "lines"),
      detail: detail.isEmpty
        ? nil : try set(detail, style(8), width: columns.nameWidth, "lines"),
      quantity: try number(.quantity, columns.quantityWidth),
      unitPrice: try number(.unitPrice, columns.unitWidth),
      total: try number(.lineTotal, columns.totalWidth))
  }

  private mutating func head(
    _ items: LetterTemplate.Items, _ columns: Columns, before rowHeight: Double
  ) throws(LetterRefusal) {
    let height = 6.0.mm
    try reserve(height + rowHeight, "items")
    let top = y + 1.0.mm
    func label(
      _ program: TemplateProgram?, _ x: Double, _ width: Double, _ alignment: TextStyle.Alignment
    ) throws(LetterRefusal) -> Mark? {
      let text = try text(program, "items")
      if text.isEmpty || width <= 0 { return nil }
      let set = try set(text, style(8, bold: true, alignment), width: width, "items")
      return .text(set, x: x, y: top, accent)
    }
    let marks = [
      try label(items.product, columns.nameX, columns.nameWidth, .start),
      try label(items.quantity, columns.quantityX, columns.quantityWidth, .right),
      try label(items.unitPrice, columns.unitX, columns.unitWidth, .right),
      try label(items.total, columns.totalX, columns.totalWidth, .right),
    ]
    for mark in marks { if let mark { draw(mark) } }
    y += height
    rule(0.9, accent)
  }

  private mutating func rule(_ width: Double, _ colour: Colour) {
    draw(.line(x: geometry.left, y: y, toX: geometry.right, toY: y, width: width, colour))
  }

  private mutating func draw(_ row: Row, _ columns: Columns) {
    let top = y + 1.5.mm
    if let picture = row.picture {
      draw(.picture(picture, Rect(x: geometry.left, y: top, width: 12.0.mm, height: 12.0.mm)))
    }
    draw(.text(row.name, x: columns.nameX, y: top, .black))
    if let detail = row.detail {
      draw(.text(detail, x: columns.nameX, y: top + row.name.height + 0.4.mm, .grey(0.38)))
    }
    for (text, x) in [
      (row.quantity, columns.quantityX), (row.unitPrice, columns.unitX),
      (row.total, columns.totalX),
    ] {
      if let text { draw(.text(text, x: x, y: top, .black)) }
    }
    y += row.height
    rule(0.35, .grey(0.75))
  }

  /// The sum and what stands below the lines.
  private mutating func sum(
    _ items: LetterTemplate.Items, _ columns: Columns
  ) throws(LetterRefusal) {
    let more = try text(items.more, "items.more")
    if !more.isEmpty {
      let set = try set(more, style(8.5), width: geometry.bodyWidth, "items.more")
      try reserve(set.height + 1.0.mm, "items.more")
      draw(.text(set, x: columns.nameX, y: y + 1.0.mm, .grey(0.38)))
      y += set.height + 1.4.mm
    }
    let label = try text(items.sum, "items.sum")
    if !label.isEmpty, let total = content.values.message[.total].text {
      let amount = try set(total, style(11, bold: true), "total")
      let words = try set(label, style(11, bold: true), "items.sum")
      try reserve(amount.height + 2.0.mm, "total")
      let x = min(columns.totalX, geometry.right - amount.width - 5.0.mm) - words.width
      draw(.text(words, x: x, y: y + 1.6.mm, .black))
      draw(.text(amount, x: geometry.right - amount.width, y: y + 1.6.mm, .black))
      y += amount.height + 1.6.mm
    }
    y += 4.5.mm
  }
}

extension Value {
  /// Nil where it is none, or empty.
  var text: String? {
    if case .text(let text) = self, !text.isEmpty { return text }
    return nil
  }
}
