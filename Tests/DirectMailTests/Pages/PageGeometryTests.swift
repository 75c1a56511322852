internal import Foundation
internal import Messages
internal import TestSupport
internal import Testing

@testable internal import DirectMail

/// Measured on the page that a printer gets.
@Suite struct PageGeometryTests {
  struct Form: Sendable, CustomTestStringConvertible {
    let format: DirectMailV1.Format
    /// Where the address field begins, in millimetres.
    let top: Double
    let folds: [Double]

    var testDescription: String { "\(format)" }
  }

  static let forms = [
    Form(format: .a4FormA, top: 27, folds: [87, 192]),
    Form(format: .a4FormB, top: 45, folds: [105, 210]),
  ]

  private func printed(_ form: Form, _ name: String = "quote-letter.de") throws -> PrintedDocument {
    var letter = LetterSamples.Case(try LetterSamples.shipped(name))
    letter.format = form.format
    return try PrintedDocument([letter])
  }

  @Test(
    "D05 The window shows the return line and the address, whole, and nothing else",
    arguments: forms)
  func window(_ form: Form) throws {
    let words = try printed(form).words()
    let seen = words.filter { word in
      word.right > 20 && word.left < 105 && word.bottom > form.top && word.top < form.top + 45
    }
    for word in seen {
      #expect(word.left >= 20 && word.right <= 105, "\(word)")
      #expect(word.top >= form.top && word.bottom <= form.top + 45, "\(word)")
    }
    let address = seen.filter { $0.top > form.top + 17 }
    let lines = [
      "Schröder & Söhne Maschinenbau GmbH", "Einkauf", "Frau Dr. Änne Weißmüller",
      "Große Bleichen 27", "Hinterhaus, 3. OG", "20354 Hamburg",
    ]
    #expect(address.map(\.text).joined(separator: " ") == lines.joined(separator: " "))
    let sender = seen.filter { $0.top <= form.top + 17 }.map(\.text).joined(separator: " ")
    #expect(sender == "Möbelwerk GmbH · Hafenstraße 12 · 10115 Berlin")
  }

  @Test(
    "D05 The address lies in the lower 27.3 mm of its field, the return line above",
    arguments: forms)
  func zones(_ form: Form) throws {
    let words = try printed(form).words()
    let street = try #require(words.first { $0.text == "Bleichen" })
    #expect(street.top >= form.top + 17.7)
    let last = try #require(words.first { $0.text == "20354" })
    #expect(last.bottom <= form.top + 45)
    let sender = try #require(words.first { $0.text == "Hafenstraße" && $0.top < form.top + 20 })
    #expect(sender.bottom <= form.top + 17.7)
    #expect(sender.top > form.top + 10)
  }

  @Test(
    "D05 Fold marks and the hole mark are where folding machines and punches expect them",
    arguments: forms)
  func marks(_ form: Form) throws {
    let raster = try printed(form).raster()
    let expected = (form.folds + [148.5]).sorted()
    let marks = raster.darkRows(x: 7, from: 1, to: 296)
    #expect(marks.count == expected.count, "\(marks)")
    for (mark, place) in zip(marks, expected) { #expect(abs(mark - place) < 0.2) }
    let long = raster.darkRows(x: 10.5, from: 1, to: 296)
    #expect(long.count == 1)
    #expect(abs((long.first ?? 0) - 148.5) < 0.2)
  }

  @Test(
    "D05 Text keeps the margins of 25 and 20 mm, and begins 8.46 mm below the address field",
    arguments: forms)
  func margins(_ form: Form) throws {
    let words = try printed(form).words()
    for word in words { #expect(word.left >= 24.9 && word.right <= 190.1, "\(word)") }
    let subject = try #require(words.first { $0.text == "Angebot" && $0.top > form.top + 45 })
    #expect(subject.left < 40)
    #expect(subject.top >= form.top + 45 + 8.4)
    #expect(subject.top <= form.top + 45 + 12)
    #expect(words.allSatisfy { $0.bottom <= 292 })
  }

  @Test("Margins hold to the pixel: nothing is drawn beside the marks", arguments: forms)
  func nothingBeside(_ form: Form) throws {
    let raster = try printed(form, "cart-letter.de").raster(dotsPerInch: 150)
    #expect(raster.darkest(0, 0, 4.5, 297) == 255)
    #expect(raster.darkest(12, 0, 24.8, 297) == 255)
    #expect(raster.darkest(190.5, 0, 210, 297) == 255)
    #expect(raster.darkest(0, 293, 210, 297) == 255)
  }

  @Test("The first page is A4")
  func isA4() throws {
    let document = try printed(PageGeometryTests.forms[1])
    #expect(try Tool.run("pdfinfo", document.path).contains("(A4)"))
  }
}
