internal import Messages

/// Lengths on paper are in points, 1/72 inch, from the page's upper left corner.
extension Double {
  /// So many millimetres, in points.
  var mm: Double { self * 72 / 25.4 }
}

/// An upright rectangle on a page.
struct Rect: Hashable, Sendable {
  var x: Double
  var y: Double
  var width: Double
  var height: Double

  var right: Double { x + width }
  var bottom: Double { y + height }

  /// In millimetres.
  static func mm(_ x: Double, _ y: Double, _ width: Double, _ height: Double) -> Rect {
    Rect(x: x.mm, y: y.mm, width: width.mm, height: height.mm)
  }
}

/// A colour of ink: its parts from 0 to 1.
struct Colour: Hashable, Sendable {
  let red: Double
  let green: Double
  let blue: Double

  static let black = Colour(red: 0, green: 0, blue: 0)
  static let white = Colour(red: 1, green: 1, blue: 1)

  static func grey(_ lightness: Double) -> Colour {
    Colour(red: lightness, green: lightness, blue: lightness)
  }

  init(red: Double, green: Double, blue: Double) {
    self.red = red
    self.green = green
    self.blue = blue
  }

  /// Nil but for `#rrggbb`.
  init?(hex: String) {
    guard hex.utf8.count == 7, hex.utf8.first == 0x23,
      let value = UInt32(hex.dropFirst(), radix: 16)
    else { return nil }
    red = Double(value >> 16 & 255) / 255
    green = Double(value >> 8 & 255) / 255
    blue = Double(value & 255) / 255
  }

  /// Mixed with white: 1 is the colour itself, 0 is white.
  func tint(_ share: Double) -> Colour {
    Colour(
      red: 1 - (1 - red) * share, green: 1 - (1 - green) * share, blue: 1 - (1 - blue) * share)
  }

  /// How light it looks, from 0 to 1.
  var lightness: Double { 0.299 * red + 0.587 * green + 0.114 * blue }
}

/// How a text looks, but for its colour.
struct TextStyle: Hashable, Sendable {
  enum Face: String, CaseIterable, Sendable {
    case sans, serif
  }

  enum Alignment: Sendable {
    /// Where a line of the text's script begins: left, right for Arabic and Hebrew.
    case start
    case left
    case right
    case centre
  }

  var face = Face.sans
  /// In points.
  var size: Double
  var isBold = false
  var alignment = Alignment.start
  /// Of the font's own line height.
  var leading = 1.0
}

/// Something drawn on a page, in the order of drawing.
enum Mark {
  /// Its upper left corner.
  case text(SetText, x: Double, y: Double, Colour)
  /// Slanted across the whole page, round its centre.
  case watermark(SetText, Colour)
  case line(x: Double, y: Double, toX: Double, toY: Double, width: Double, Colour)
  case fill(Rect, Colour, corner: Double)
  case picture(Picture, Rect)
  /// One-bit, in black, on a white ground with its quiet zone; the corner of the first module.
  case code(MatrixCode, x: Double, y: Double, module: Double)
}

/// The marks of one page.
struct Page {
  var marks: [Mark] = []
}

/// Why something cannot be drawn or written at all: the surface, the file, the fonts.
struct PageError: Error, Hashable, Sendable, CustomStringConvertible {
  let problem: String

  init(_ problem: String) { self.problem = problem }

  var description: String { problem }
}
