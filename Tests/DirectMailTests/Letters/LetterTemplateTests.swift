internal import Messages
internal import Testing

@testable internal import DirectMail

@Suite struct LetterTemplateTests {
  private let notice = """
    - notice:
        sender: "{{imprint}}"
        source: Your account
        objection: You can object
    """

  private func faults(_ text: String) -> [String] {
    do {
      _ = try LetterTemplate(text: text)
      return []
    } catch {
      return error.faults.map { "\($0.place): \($0.problem)" }
    }
  }

  @Test("A list of blocks is a template, with the parameters that it uses")
  func isRead() throws {
    let template = try LetterTemplate(
      text: """
        - design: {look: band, accent: "#0f5c4d", font: serif}
        - subject: "Hello {{company}}"
        - text: "{{#quote}}Your quote {{quote}}{{/quote}}"
        - requires: [total, quote]
        \(notice)
        """)
    #expect(template.design.look == .band)
    #expect(template.design.face == .serif)
    #expect(template.blocks.count == 2)
    #expect(template.required == ["quote", "total"])
    #expect(template.parameters == ["company", "imprint", "quote", "total"])
  }

  @Test("D10 A text without sender, data source or the notice of the right to object is refused")
  func needsNotice() {
    #expect(faults("- text: Hello").count == 3)
    let found = faults(
      """
      - text: Hello
      - notice: {sender: "{{store_name}}", source: "{{company}}", objection: You can object}
      """)
    #expect(
      found == [
        "2:20 notice.sender: always shows who writes and from where: use `imprint`, or "
          + "`legal_name` and `postal_address`",
        "2:46 notice.source: is empty where its parameters are",
      ])
    #expect(
      faults(
        """
        - text: Hello
        - notice:
            sender: "{{#company}}{{imprint}}{{/company}}"
            source: Your account
            objection: You can object
        """
      ).count == 1)
  }

  @Test(
    "Each fault names its line, column and field",
    arguments: [
      (
        "- text: \"{{greting}}\"",
        "1:9 text: there is no parameter `greting`: did you mean `greeting`?"
      ),
      (
        "- text: |\n    Hello\n    {{#company}}",
        "3:9 text: `{{#company}}` is never closed"
      ),
      (
        "- text: \"{{unsubscribe_link}}\"",
        "1:9 text: `unsubscribe_link` is not for letters"
      ),
      (
        "- tex: Hello",
        "1:3: there is no block `tex`: design, letterhead, information, subject, text, lines, "
          + "items, panel, code, notice, footer, requires"
      ),
      (
        "- items: {produkt: Ware}",
        "1:11 items: there is no field `produkt` here: product, quantity, "
          + "unit_price, total, sum, more, pictures"
      ),
      (
        "- design: {accent: \"#ffff00\"}",
        "1:20 design.accent: is a colour such as \"#1f4e79\", dark "
          + "enough to be read on white"
      ),
      ("- design: {look: fancy}", "1:18 design.look: is rule or band"),
      ("- subject: A\n- subject: B", "2:3 subject: stands twice"),
      ("- requires: [nothing]", "1:14 requires: there is no parameter `nothing`"),
      ("- text: &a Hello", "1:9: anchors and aliases (& and *) are not read in templates"),
      ("- footer: Hello", "1:11 footer: is a list, each entry on a line that begins with `- `"),
    ])
  func namesPlace(_ text: String, _ expected: String) {
    #expect(faults(text + "\n" + notice) == [expected])
  }

  @Test(
    "Text that is no YAML, or is empty, is a fault",
    arguments: [
      "", "- text: {{greeting}}", "- text: \"", "just words", "a: b: c", "- text: a\n  text: b",
    ])
  func refusesOtherText(_ text: String) {
    #expect(!faults(text).isEmpty)
  }

  @Test("Values are never read as templates")
  func copiesValues() throws {
    var letter = LetterSamples.Case(LetterScriptTests.template)
    letter.parameters = [.init(name: "words", value: .text("{{company}} <b> & \u{7}"))]
    let text = try PrintedDocument([letter]).text()
    #expect(text.contains("{{company}} <b> &"))
  }
}
