/// Rows in aligned columns.
struct Table {
  enum Alignment {
    case left
    /// For numbers.
    case right
  }

  private let alignments: [Alignment]
  private var rows: [[String]]

  /// - Parameter columns: heading and alignment of each column.
  init(_ columns: [(heading: String, alignment: Alignment)]) {
    alignments = columns.map(\.alignment)
    rows = [columns.map(\.heading)]
  }

  /// Adds a row; missing cells at its end stay empty. Cells are made safe for a terminal.
  mutating func add(_ cells: [String]) {
    precondition(cells.count <= alignments.count)
    let missing = alignments.count - cells.count
    rows.append(cells.map(Printable.text) + Array(repeating: "", count: missing))
  }

  /// The lines, two spaces between columns, none at the end of a line.
  func lines(style: (String) -> String = { $0 }) -> [String] {
    let widths = alignments.indices.map { column in rows.map { width($0[column]) }.max() ?? 0 }
    return rows.enumerated().map { index, cells in
      let padded = cells.indices.map { column in
        let space = String(repeating: " ", count: widths[column] - width(cells[column]))
        return alignments[column] == .left ? cells[column] + space : space + cells[column]
      }
      var line = padded.joined(separator: "  ")
      while line.last == " " { line.removeLast() }
      return index == 0 ? style(line) : line
    }
  }

  func print() {
    for line in lines(style: Terminal.heading) { Terminal.print(line) }
  }

  /// Cells that a terminal shows; wide East Asian characters take two.
  private func width(_ text: String) -> Int {
    text.unicodeScalars.reduce(0) { width, scalar in
      switch scalar.properties.generalCategory {
      case .nonspacingMark, .enclosingMark: width
      default: width + (isWide(scalar) ? 2 : 1)
      }
    }
  }

  private func isWide(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
      0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
      true
    default: false
    }
  }
}
