internal import Foundation
internal import Messages
internal import TestSupport
internal import Testing

@testable internal import DirectMail

@Suite struct PagePressTests {
  private func letters(_ count: Int, _ name: String = "quote-letter.de") throws
    -> [LetterSamples.Case]
  {
    let template = try LetterSamples.shipped(name)
    return (0..<count).map { index in
      var letter = LetterSamples.Case(template)
      letter.id = "00000000-0000-4000-8000-" + String(format: "%012d", index)
      letter.address.person = "Frau Dr. Nummer \(index)"
      return letter
    }
  }

  @Test("The same letters give the same bytes")
  func isRepeatable() throws {
    let pictures = try LetterSamples.pictures()
    let first = try PrintedDocument(try letters(5), pictures: pictures.path)
    let second = try PrintedDocument(try letters(5), pictures: pictures.path)
    #expect(try first.bytes == second.bytes)
  }

  @Test("D06 Letters of one batch share fonts and pictures, and each is less than 5 KB more")
  func sharesFonts() throws {
    let pictures = try LetterSamples.pictures()
    let one = try PrintedDocument(try letters(1), pictures: pictures.path)
    let many = try PrintedDocument(try letters(41), pictures: pictures.path)
    #expect(many.count == 41)
    #expect(many.pages[40] == 41...41)
    func count(_ tool: String, _ option: String, _ document: PrintedDocument) throws -> Int {
      try Tool.run(tool, option, "41", document.path).split(separator: "\n").count
    }
    #expect(try count("pdffonts", "-l", many) == count("pdffonts", "-l", one))
    let perLetter = (try many.bytes.count - one.bytes.count) / 40
    #expect(perLetter < 5 << 10, "\(perLetter)")
    let images = try Tool.run("pdfimages", "-list", many.path).split(separator: "\n").filter {
      $0.contains(" jpeg ")
    }
    let objects = Set(images.map { $0.split(separator: " ")[10] })
    #expect(images.count == 41)
    #expect(objects.count == 1)
  }

  @Test("D02 A picture that is not there leaves its column away")
  func leavesPictureAway() throws {
    let pictures = try LetterSamples.pictures()
    let with = try PrintedDocument(try letters(1), pictures: pictures.path)
    let without = try PrintedDocument(try letters(1))
    let place = { (document: PrintedDocument) in
      try #require(try document.words().first { $0.text == "Kabelwanne" }).left
    }
    #expect(try place(with) > 39)
    #expect(try place(without) < 26)
  }

  @Test("A long cart goes on over the pages, each with the table's head and a page number")
  func goesOn() throws {
    var letter = try letters(1)[0]
    letter.lines = (1...20).map {
      LetterSamples.line(
        "Artikel Nummer \($0)", Int64($0), detail: String(repeating: "Eiche ", count: 40))
    }
    let printed = try PrintedDocument([letter])
    #expect(printed.count >= 2)
    #expect(printed.pages[0] == 1...printed.count)
    #expect(try printed.text(page: 2).contains("Einzelpreis"))
    #expect(try printed.text(page: 1).contains("Seite 1 von \(printed.count)"))
    let all = try (1...printed.count).map { try printed.text(page: $0) }.joined()
    for number in 1...20 {
      #expect(
        all.contains("Artikel Nummer \(number)\n") || all.contains("Artikel Nummer \(number) "))
    }
    for page in 1...printed.count {
      #expect(try printed.words(page: page).allSatisfy { $0.bottom < 292 })
    }
  }

  @Test("D09 A sample is marked on every page and still scans")
  func isMarked() throws {
    var letter = try letters(1)[0]
    let plain = try PrintedDocument([letter]).raster()
    #expect(plain.grey(60, 170) == 255)
    letter.isSample = true
    let printed = try PrintedDocument([letter])
    let raster = try printed.raster()
    // Light grey, slanted across the page.
    let greys = stride(from: 60.0, to: 250, by: 0.5).map { raster.grey(105, $0) }
    #expect(greys.filter { (230...240).contains($0) }.count > 10)
    #expect(try Tool.codes(raster.path).count == 2)
  }

  @Test("D09 A preview is the page as PNG or the letter as PDF")
  func previews() throws {
    let press = try PagePress(images: nil)
    let order = try letters(1)[0].order
    let png = try press.preview(order, .a4FormB, page: 1, dotsPerInch: 100)
    #expect(png.starts(with: [0x89, 0x50, 0x4E, 0x47]))
    // Width and height in the header.
    #expect(Array(png[16..<24]) == [0, 0, 3, 59, 0, 0, 4, 145])
    let folder = try TemporaryFolder()
    try folder.write(try press.preview(order, .a4FormB, page: 0, dotsPerInch: 0), to: "preview.pdf")
    let text = try Tool.run("pdftotext", folder.file("preview.pdf"), "-")
    #expect(text.contains("Sehr geehrte Frau Dr. Weißmüller"))
    #expect(throws: LetterRefusal.self) {
      try press.preview(order, .a4FormB, page: 2, dotsPerInch: 100)
    }
  }

  @Test("D09 A preview as PNG shows the pictures, JPEG and PNG alike")
  func previewsPictures() throws {
    let pictures = try LetterSamples.pictures()
    let order = try letters(1)[0].order
    func size(_ folder: String?) throws -> Int {
      try PagePress(images: folder).preview(order, .a4FormB, page: 1, dotsPerInch: 60).count
    }
    let both = try size(pictures.path)
    try FileManager.default.removeItem(atPath: pictures.file("moebel.test/img/desk.png"))
    let jpeg = try size(pictures.path)
    try FileManager.default.removeItem(atPath: pictures.file("moebel.test/img/chair.jpg"))
    let none = try size(pictures.path)
    #expect(both > jpeg + 100)
    #expect(jpeg > none + 100)
  }

  @Test("A letter that cannot be printed is refused with the field's name")
  func refuses() throws {
    let press = try PagePress(images: nil)
    func refusal(_ change: (inout LetterSamples.Case) -> Void) throws -> LetterRefusal? {
      var letter = try letters(1)[0]
      change(&letter)
      do {
        _ = try press.preview(letter.order, .a4FormB, page: 0, dotsPerInch: 0)
      } catch let refusal as LetterRefusal {
        return refusal
      }
      return nil
    }
    #expect(try refusal { _ in } == nil)
    let code = try refusal { $0.address.postalCode = "2035" }
    #expect(code?.reason == .badDestination && code?.field == "postal_code")
    let lines = try refusal { $0.lines = [] }
    #expect(lines?.reason == .missingValue && lines?.field == "lines")
    let imprint = try refusal { $0.store.settings?.imprint?.legalName = "" }
    #expect(imprint?.reason == .missingValue && imprint?.field == "imprint")
    let long = try refusal {
      $0.template = LetterScriptTests.template
      $0.parameters = [
        .init(name: "words", value: .text(String(repeating: "lang ", count: 6000)))
      ]
    }
    #expect(long?.reason == .conditionNotMet && long?.field == "text")
    let wide = try refusal {
      $0.address.company = String(repeating: "Donaudampfschiff", count: 8)
      $0.address.streetLines = [String(repeating: "Langestrasse", count: 8), "Hof"]
    }
    #expect(wide?.reason == .badDestination && wide?.field == "street_lines")
    #expect(throws: LetterRefusal.self) {
      try press.begin("/tmp/none", .postcardA6, date: LetterSamples.date)
    }
  }

  @Test("A document that cannot be written is an error")
  func tellsWriteError() throws {
    let press = try PagePress(images: nil)
    #expect(throws: PageError.self) {
      let run = try press.begin("/nowhere/letters.pdf", .a4FormB, date: LetterSamples.date)
      _ = try run.prepare(try letters(1)[0].order)
      _ = try run.draw(try letters(1)[0].id)
      _ = try run.finish()
    }
  }
}
