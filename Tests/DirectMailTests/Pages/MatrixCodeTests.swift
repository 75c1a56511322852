internal import Foundation
internal import Messages
internal import TestSupport
internal import Testing

@testable internal import DirectMail

@Suite struct MatrixCodeTests {
  private func letter() throws -> LetterSamples.Case {
    LetterSamples.Case(try LetterSamples.shipped("cart-letter.de"))
  }

  @Test("D02 A telephone reads both codes at 300 dpi, sharp and blurred")
  func isRead() throws {
    let raster = try PrintedDocument([try letter()]).raster()
    let expected: Set = [LetterSamples.cartLink, LetterSamples.objectionLink]
    #expect(try Tool.codes(raster.path) == expected)
    let blurred = try raster.blurred(columns: 20...60, rows: 140...292, passes: 3)
    #expect(try Tool.codes(blurred) == expected)
  }

  @Test("D02 A code is a one-bit mask of one sample a module, not interpolated")
  func isMask() throws {
    let printed = try PrintedDocument([try letter()])
    let rows = try Tool.run("pdfimages", "-list", printed.path).split(separator: "\n").map {
      $0.split(separator: " ").map(String.init)
    }
    let masks = rows.filter { $0.count > 12 && $0[2] == "stencil" }
    #expect(masks.count == 2)
    let codes = [LetterSamples.cartLink, LetterSamples.objectionLink]
    let sizes = try codes.map { try MatrixCode($0).size }
    #expect(masks.compactMap { Int($0[3]) } == sizes)
    for mask in masks {
      #expect(mask[7] == "1" && mask[9] == "no", "\(mask)")
      let pixelsPerInch = try #require(Double(mask[12]))
      #expect(25.4 / pixelsPerInch >= 0.4)
    }
  }

  @Test("Modules are a whole number of a printer's dots, at least 0.4 mm, at whole dots")
  func liesOnDots() throws {
    let press = try Typesetter(
      try #require(PageGeometry(.a4FormB)), PictureShelf(folder: nil))
    let codes = try press.pages(try letter().order).pages.flatMap(\.marks).compactMap {
      mark -> (Double, Double, Double)? in
      if case .code(_, let x, let y, let module) = mark { return (x, y, module) }
      return nil
    }
    #expect(codes.count == 2)
    for (x, y, module) in codes {
      for length in [x, y, module] {
        let dots = length / 72 * 600
        #expect(abs(dots - dots.rounded()) < 0.001)
      }
      #expect(module / 72 * 25.4 >= 0.4)
    }
  }

  @Test("D02 Four modules round a code are white, and each module is black or white as encoded")
  func hasQuietZone() throws {
    let printed = try PrintedDocument([try letter()])
    let raster = try printed.raster(dotsPerInch: 600)
    let press = try Typesetter(
      try #require(PageGeometry(.a4FormB)), PictureShelf(folder: nil))
    var checked = 0
    for mark in try press.pages(try letter().order).pages.flatMap(\.marks) {
      guard case .code(let code, let x, let y, let module) = mark else { continue }
      checked += 1
      let (left, top, side) = (x / 72 * 25.4, y / 72 * 25.4, module / 72 * 25.4)
      for row in -4..<(code.size + 4) {
        for column in -4..<(code.size + 4) {
          let isInside = (0..<code.size).contains(row) && (0..<code.size).contains(column)
          let grey = raster.grey(
            left + (Double(column) + 0.5) * side, top + (Double(row) + 0.5) * side)
          let isDark = isInside && code.isDark(row: row, column: column)
          #expect(isDark ? grey < 16 : grey > 240, "row \(row) column \(column)")
        }
      }
    }
    #expect(checked == 2)
  }

  @Test("A text that no code holds is refused")
  func refusesLongText() {
    #expect(throws: PageError("a text of 4000 bytes does not fit into a code")) {
      try MatrixCode(String(repeating: "x", count: 4000))
    }
    #expect(throws: PageError.self) { try MatrixCode("") }
  }
}
