internal import Messages

/// Where on the paper what must lie: DIN 5008:2020 and, for the address field, DIN 680.
struct PageGeometry: Hashable, Sendable {
  /// Of the page.
  let width = 210.0.mm
  let height = 297.0.mm
  /// What the envelope's window shows: 85 × 45 mm.
  let addressField: Rect
  /// From the page's top.
  let folds: [Double]
  let hole = 148.5.mm
  /// Of the block with date and numbers; its height is what it holds.
  let information: Rect
  /// Above the address field, for the sender's name.
  let letterhead: Rect
  /// Where text begins on the first page.
  let bodyTop: Double

  /// Text lies between them.
  let left = 25.0.mm
  let right = 190.0.mm
  /// Where text begins on the pages that follow.
  let nextTop = 25.0.mm
  /// Where the footer ends.
  let footerBottom = 289.0.mm

  /// Nil for a format that is not a letter on A4.
  init?(_ format: DirectMailV1.Format) {
    let top: Double
    switch format {
    case .a4FormA:
      top = 27
      folds = [87, 192].map(\Double.mm)
    case .a4FormB:
      top = 45
      folds = [105, 210].map(\Double.mm)
    default: return nil
    }
    addressField = .mm(20, top, 85, 45)
    information = .mm(125, top + 5, 65, 40)
    letterhead = .mm(25, 10, 165, top - 13)
    bodyTop = addressField.bottom + 8.46.mm
  }

  /// The upper 17.7 mm of the address field: the sender's return line is its last line.
  var returnZone: Rect {
    Rect(
      x: addressField.x + 5.0.mm, y: addressField.y, width: addressField.width - 8.0.mm,
      height: 17.7.mm)
  }

  /// The lower 27.3 mm of the address field: six lines.
  var addressZone: Rect {
    Rect(
      x: addressField.x + 5.0.mm, y: addressField.y + 17.7.mm, width: addressField.width - 8.0.mm,
      height: 27.3.mm)
  }

  static let addressLinesMax = 6

  var bodyWidth: Double { right - left }
}
