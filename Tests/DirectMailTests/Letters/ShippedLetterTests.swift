internal import Foundation
internal import Messages
internal import TestSupport
internal import Testing

@testable internal import DirectMail

@Suite struct ShippedLetterTests {
  static let names = ["quote-letter.de", "quote-letter.en", "cart-letter.de", "cart-letter.en"]

  static func letter(_ name: String) throws -> LetterSamples.Case {
    var letter = LetterSamples.Case(try LetterSamples.shipped(name))
    letter.templateLocale = String(name.suffix(2))
    letter.locale = letter.templateLocale
    return letter
  }

  /// For a person to look at: the folder that `HOMING_LETTERS_KEEP` names gets the pages.
  private func keep(_ printed: PrintedDocument, _ name: String) throws {
    guard let folder = ProcessInfo.processInfo.environment["HOMING_LETTERS_KEEP"] else { return }
    let file = "\(folder)/\(name).pdf"
    try? FileManager.default.removeItem(atPath: file)
    try FileManager.default.copyItem(atPath: printed.path, toPath: file)
  }

  @Test("Each shipped letter with three pictured lines is one page", arguments: names)
  func isOnePage(_ name: String) throws {
    let pictures = try LetterSamples.pictures()
    let printed = try PrintedDocument(
      [try ShippedLetterTests.letter(name)], pictures: pictures.path)
    try keep(printed, name)
    #expect(printed.count == 1)
    let text = try printed.text()
    #expect(text.contains("Schreibtisch Linea"))
    #expect(text.contains(name.hasSuffix("de") ? "14.364,00 €" : "€14,364.00"))
    #expect(!text.contains("{{"))
  }

  @Test("An incentive shows in each shipped letter", arguments: names)
  func showsIncentive(_ name: String) throws {
    var letter = try ShippedLetterTests.letter(name)
    letter.incentive = .init(
      kind: .percentage, code: "WILLKOMMEN10", basisPoints: 1000,
      expiresAt: .init(seconds: 1_773_700_000))
    let printed = try PrintedDocument([letter])
    try keep(printed, name + "-offer")
    #expect(try printed.text().contains("WILLKOMMEN10"))
  }

  @Test("Each shipped letter passes the template's check", arguments: names)
  func isChecked(_ name: String) throws {
    let (faults, parameters) = try PagePress(images: nil).check(
      try LetterSamples.shipped(name), .a4FormB)
    #expect(faults.map { "\($0.field) \($0.problem)" } == [])
    #expect(parameters.contains("greeting"))
    #expect(parameters == parameters.sorted())
  }

  @Test(
    "D10 Each shipped letter says who writes, whence the address is, and how to object",
    arguments: names)
  func saysNotice(_ name: String) throws {
    let text = try PrintedDocument([try ShippedLetterTests.letter(name)]).text()
    #expect(text.contains("Möbelwerk GmbH · Hafenstraße 12, 10115 Berlin"))
    #expect(
      text.contains(name.hasSuffix("de") ? "Ihre Anschrift haben wir" : "We have your address"))
    #expect(text.contains(name.hasSuffix("de") ? "widersprechen" : "object to this use"))
    #expect(text.contains("go.moebel.test/b · \(LetterSamples.objectionCode)"))
  }
}
