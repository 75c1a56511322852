internal import Foundation
internal import Messages
internal import TestSupport
internal import Testing

@testable internal import DirectMail

/// Letters in the world's scripts, read back from the document.
@Suite struct LetterScriptTests {
  struct Script: Sendable, CustomTestStringConvertible {
    let name: String
    let locale: String
    let person: String
    let street: String
    let text: String

    var testDescription: String { name }
  }

  static let scripts = [
    Script(
      name: "Latin", locale: "en", person: "Łukasz Þórðarson-Ñúñez",
      street: "Ştefan Čapek 7, Győr Ő Ă Ḥ Ấ ẞ",
      text: "Zażółć gęślą jaźń · Příliš žluťoučký · Çağ · Đường · æøå ßẞ"),
    Script(
      name: "Greek", locale: "el", person: "Αλέξανδρος Παπαδόπουλος", street: "Οδός Ερμού 12",
      text: "Καλημέρα σας, σας περιμένουμε"),
    Script(
      name: "Cyrillic", locale: "uk", person: "Ґанна Їжакевич", street: "вулиця Хрещатик 22",
      text: "Вітаємо, ваш кошик чекає"),
    Script(
      name: "Arabic", locale: "ar", person: "محمد عبد الله", street: "شارع النيل",
      text: "مرحبا بكم في متجرنا"),
    Script(
      name: "Hebrew", locale: "he", person: "שרה כהן", street: "רחוב דיזנגוף",
      text: "שלום וברכה לכם"),
    Script(
      name: "Devanagari", locale: "hi", person: "अनिता शर्मा", street: "महात्मा गांधी मार्ग",
      text: "नमस्ते आपका स्वागत है"),
    Script(
      name: "Thai", locale: "th", person: "สมชาย ใจดี", street: "ถนนสุขุมวิท",
      text: "สวัสดี ยินดีต้อนรับ"),
    Script(
      name: "Chinese", locale: "zh-CN", person: "王小明", street: "南京东路一百号", text: "您的购物车正在等您"),
    Script(
      name: "Japanese", locale: "ja", person: "山田太郎", street: "千代田一丁目", text: "カートがお待ちしています"),
    Script(
      name: "Korean", locale: "ko", person: "김영희", street: "세종대로 백십", text: "장바구니가 기다립니다"),
  ]

  static let template = """
    - text: "{{flow.words}}"
    - notice:
        sender: "{{imprint}}"
        source: Your account
        objection: You can object
    """

  private func letter(_ script: Script) -> LetterSamples.Case {
    var letter = LetterSamples.Case(LetterScriptTests.template)
    letter.locale = script.locale
    letter.templateLocale = script.locale
    letter.address = CommonV1.Address(
      countryCode: "DE", person: script.person, streetLines: [script.street], postalCode: "10115",
      locality: "Berlin")
    letter.parameters = [.init(name: "words", value: .text(script.text))]
    return letter
  }

  /// Order, spaces and the forms of letters are the reader's affair; that each is there, ours.
  private func letters(_ text: String) -> [Unicode.Scalar: Int] {
    var counts: [Unicode.Scalar: Int] = [:]
    for scalar in text.precomposedStringWithCompatibilityMapping.unicodeScalars
    where !scalar.properties.isWhitespace && scalar.value < 0x2000 || scalar.value > 0x2100 {
      counts[scalar, default: 0] += 1
    }
    return counts
  }

  @Test("Text in each script is printed with embedded fonts and read back", arguments: scripts)
  func isReadBack(_ script: Script) throws {
    let printed = try PrintedDocument([letter(script)])
    let read = letters(try printed.text())
    for (scalar, count) in letters(script.person + script.street + script.text) {
      #expect(read[scalar, default: 0] >= count, "\(scalar) \(scalar.value)")
    }
    let fonts = try Tool.run("pdffonts", printed.path).split(separator: "\n").dropFirst(2)
    #expect(!fonts.isEmpty)
    for font in fonts {
      #expect(font.contains(" yes yes yes "), "\(font)")
      #expect(!font.contains("Type 3"), "\(font)")
    }
  }

  @Test("Each script's address lies in the window", arguments: scripts)
  func liesInWindow(_ script: Script) throws {
    let words = try PrintedDocument([letter(script)]).words()
    let locality = try #require(words.first { $0.text == "Berlin" && $0.top > 60 })
    #expect(locality.bottom <= 90)
    #expect(words.allSatisfy { $0.left >= 20 && $0.right <= 190.5 })
    let address = words.filter { $0.top > 62 && $0.bottom < 90 && $0.left < 105 }
    #expect(address.count >= 4)
    #expect(address.allSatisfy { $0.right <= 105 })
  }

  @Test("All scripts go into one batch")
  func areOneBatch() throws {
    let cases = LetterScriptTests.scripts.enumerated().map { index, script in
      var letter = letter(script)
      letter.id = "00000000-0000-4000-8000-00000000000\(index)"
      return letter
    }
    let printed = try PrintedDocument(cases)
    #expect(printed.count == 10)
    #expect(try printed.text(page: 8).contains("您的购物车正在等您"))
  }

  @Test("A missing glyph holds the letter and names character and field, and the others go on")
  func holdsMissingGlyph() throws {
    let folder = try TemporaryFolder()
    let press = try PagePress(images: nil)
    let run = try press.begin(
      folder.file("letters.pdf"), .a4FormB, date: LetterSamples.date)
    // Not assigned, and in no font.
    var wrong = letter(LetterScriptTests.scripts[0])
    wrong.address.streetLines = ["Weg \u{0378} 3"]
    #expect(
      throws: LetterRefusal(
        reason: .glyphMissing, field: "street_lines", problem: "no font has the character U+0378")
    ) { try run.prepare(wrong.order) }
    wrong = letter(LetterScriptTests.scripts[0])
    wrong.parameters = [.init(name: "words", value: .text("Hello \u{1FAE8}"))]
    #expect(
      throws: LetterRefusal(
        reason: .glyphMissing, field: "text", problem: "no font has the character U+1FAE8")
    ) { try run.prepare(wrong.order) }
    let right = letter(LetterScriptTests.scripts[1])
    #expect(try run.prepare(right.order).addressLines.first == "Αλέξανδρος Παπαδόπουλος")
    #expect(try run.draw(right.id) == 1...1)
    #expect(try run.finish() == 1)
  }
}
