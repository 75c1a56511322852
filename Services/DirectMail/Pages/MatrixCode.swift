internal import CZint

/// A QR code (ISO/IEC 18004), level M: modules in rows, without its quiet zone.
struct MatrixCode: Hashable, Sendable {
  /// Modules that stay white on each side.
  static let quietZone = 4
  /// A module is a whole number of a printer's dots, so that all are of the same size.
  static let dotsPerInch = 600.0
  /// What a telephone reads from paper without effort, 0.42 mm.
  static let moduleMin = 10.0 * 72 / dotsPerInch

  /// Modules on a side.
  let size: Int
  private let modules: [Bool]

  /// - Throws: where the text does not fit into a code.
  init(_ text: String) throws(PageError) {
    guard let symbol = ZBarcode_Create() else { throw PageError("no memory for a code") }
    defer { ZBarcode_Delete(symbol) }
    symbol.pointee.symbology = BARCODE_QRCODE
    // Fewer of the eight masks are tried: any can be read, and most of the time goes there.
    symbol.pointee.input_mode = UNICODE_MODE | FAST_MODE
    // Error correction: level M, 15 %.
    symbol.pointee.option_1 = 2
    let bytes = Array(text.utf8)
    guard !bytes.isEmpty, ZBarcode_Encode(symbol, bytes, Int32(bytes.count)) < ZINT_ERROR else {
      throw PageError("a text of \(bytes.count) bytes does not fit into a code")
    }
    let size = Int(symbol.pointee.rows)
    guard size == Int(symbol.pointee.width) else { throw PageError("a code is not square") }
    self.size = size
    modules = (0..<(size * size)).map {
      CZint_isDark(symbol, Int32($0 / size), Int32($0 % size)) != 0
    }
  }

  func isDark(row: Int, column: Int) -> Bool { modules[row * size + column] }

  /// The largest module with which code and quiet zone lie within `space`, but at least the least.
  func module(within space: Double) -> Double {
    let dot = 72 / MatrixCode.dotsPerInch
    let fitting = space / Double(size + 2 * MatrixCode.quietZone)
    return max(MatrixCode.moduleMin, (fitting / dot).rounded(.down) * dot)
  }

  /// Of the code with its quiet zone.
  func side(module: Double) -> Double { Double(size + 2 * MatrixCode.quietZone) * module }
}
