internal import Messages
internal import Mustache
internal import ServiceKit
internal import Testing
internal import Texts

@testable internal import Notifier

@Suite struct TemplateProgramTests {
  private func values() -> MessageValues {
    var values = MessageValues()
    values.message.set(.customerName, "<Zoë & \"Co\">")
    values.message.set(.storeName, "{{coupon}} {{#lines}}")
    values.message.set(.coupon, "SAVE10")
    values.message[.incentive] = .flag(true)
    var lines: [ValueFrame] = []
    for index in 1...3 {
      var line = ValueFrame(.line)
      line.set(.productName, "P\(index)")
      line.set(.imageUrl, index == 2 ? nil : "https://i.example/\(index)")
      lines.append(line)
    }
    values.message[.lines] = .list(lines)
    values.named["flow.headline"] = .text("Neu")
    values.named["reason.tax"] = .flag(true)
    return values
  }

  private func render(
    _ text: String, _ escape: TemplateProgram.Escape = .plain, sizeMax: Int = 10_000
  ) throws -> String {
    let (program, problems, _) = TemplateProgram.compile(text, escape)
    #expect(problems.map(\.text) == [])
    var bytes: [UInt8] = []
    try #require(program).render(values(), into: &bytes, sizeMax: sizeMax)
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test("HTML escapes what it inserts, text does not")
  func escapes() throws {
    let markup = try render("<b>{{customer_name}}</b>", .html)
    #expect(markup == "<b>&lt;Zoë &amp; &quot;Co&quot;&gt;</b>")
    #expect(try render("{{customer_name}}") == "<Zoë & \"Co\">")
    #expect(try render("{{{customer_name}}} {{& customer_name}}").contains("<Zoë"))
  }

  @Test("Values are never templates")
  func valuesAreText() throws {
    #expect(try render("{{store_name}}", .html) == "{{coupon}} {{#lines}}")
  }

  @Test("Control characters of a value become spaces; in a line, line breaks too")
  func controls() throws {
    var values = values()
    values.message.set(.company, "A\r\nBcc: x\u{0}\u{7}\tB\u{7F}")
    func render(_ escape: TemplateProgram.Escape) throws -> String {
      let program = try #require(TemplateProgram.compile("{{company}}", escape).program)
      var bytes: [UInt8] = []
      try program.render(values, into: &bytes, sizeMax: 1000)
      return String(decoding: bytes, as: UTF8.self)
    }
    #expect(try render(.plain) == "A \nBcc: x  \tB ")
    #expect(try render(.html) == "A \nBcc: x  \tB ")
    #expect(try render(.line) == "A  Bcc: x   B ")
  }

  @Test("Lists repeat, flags and texts show, and the inverse of each")
  func sections() throws {
    #expect(try render("{{#lines}}[{{product_name}}]{{/lines}}") == "[P1][P2][P3]")
    #expect(
      try render("{{#lines}}{{#image_url}}i{{/image_url}}{{^image_url}}-{{/image_url}}{{/lines}}")
        == "i-i")
    #expect(try render("{{#incentive}}{{coupon}}{{/incentive}}") == "SAVE10")
    #expect(try render("{{^incentive}}no{{/incentive}}{{^discount}}none{{/discount}}") == "none")
    #expect(
      try render("{{#covered_carts}}x{{/covered_carts}}{{^covered_carts}}0{{/covered_carts}}")
        == "0")
    #expect(
      try render("{{#reason.tax}}t{{/reason.tax}}{{^reason.hidden_fee}}h{{/reason.hidden_fee}}")
        == "th")
    #expect(try render("{{flow.headline}}{{flow.other}}{{attribute.size}}") == "Neu")
    #expect(try render("{{#lines}}{{coupon}}{{/lines}}") == "SAVE10SAVE10SAVE10")
  }

  @Test("A section or comment alone on its line takes the line with it")
  func standalone() throws {
    let text = "a\n{{#lines}}\n- {{product_name}}\n{{/lines}}\n  {{! note }}  \nb {{! c }}\n"
    #expect(try render(text) == "a\n- P1\n- P2\n- P3\nb \n")
    let windows = text.split(separator: "\n", omittingEmptySubsequences: false)
      .joined(separator: "\r\n")
    #expect(try render(windows) == "a\n- P1\n- P2\n- P3\nb \n")
  }

  @Test("A part that grows past its limit is refused")
  func sizeLimit() throws {
    let text = "{{#lines}}" + String(repeating: "x", count: 100) + "{{/lines}}"
    #expect(try render(text, sizeMax: 300).utf8.count == 300)
    #expect(throws: ContentError.self) { try render(text, sizeMax: 299) }
  }

  @Test(
    "What is not supported, or not closed, is a problem with its line",
    arguments: [
      ("a\n{{> footer}}", 2, "includes another template"),
      ("{{<base}}{{/base}}", 1, "inherit"),
      ("{{$block}}", 1, "inherit"),
      ("\n\n{{=<% %>=}}", 3, "delimiters"),
      ("{{% CONTENT_TYPE:TEXT}}", 1, "option"),
      ("{{upper(company)}}", 1, "functions"),
      ("{{.}}", 1, "name what is meant"),
      ("{{}}", 1, "without a name"),
      ("{{a b}}", 1, "letters"),
      ("x {{company", 1, "without `}}`"),
      ("{{{company}}", 1, "without `}}`"),
      ("\n{{#lines}}", 2, "never closed"),
      ("{{/lines}}", 1, "not open"),
      ("{{#lines}}\n{{#coupon}}\n{{/lines}}", 3, "opened in line 2"),
      ("{{lines}}", 1, "is a list"),
      ("{{incentive}}", 1, "true or false"),
      ("{{#lines}}{{#lines}}{{/lines}}{{/lines}}", 1, "each entry of another list"),
    ])
  func problems(text: String, line: Int, part: String) {
    let (program, problems, _) = TemplateProgram.compile(text, .plain)
    #expect(program == nil)
    #expect(
      problems.contains { $0.line == line && $0.text.contains(part) }, "\(problems)")
  }

  @Test(
    "A wrong name is answered with the nearest right one, or with where it is known",
    arguments: [
      ("{{customer_nmae}}", "did you mean `customer_name`?"),
      ("{{Coupon}}", "did you mean `coupon`?"),
      ("{{#lines}}{{product_nam}}{{/lines}}", "did you mean `product_name`?"),
      ("{{product_name}}", "outside of `{{#lines}}`"),
      ("{{reason.taxes}}", "did you mean `reason.tax`?"),
    ])
  func nearest(text: String, hint: String) {
    let problems = TemplateProgram.compile(text, .plain).problems
    #expect(problems.count == 1)
    #expect(problems.first?.text.contains(hint) == true, "\(problems)")
  }

  @Test("Depth and number of tags are bounded")
  func bounds() {
    func nested(_ depth: Int) -> String {
      String(repeating: "{{#coupon}}", count: depth)
        + String(repeating: "{{/coupon}}", count: depth)
    }
    #expect(TemplateProgram.compile(nested(16), .plain).problems.isEmpty)
    #expect(!TemplateProgram.compile(nested(17), .plain).problems.isEmpty)
    #expect(!TemplateProgram.compile(nested(20_000), .plain).problems.isEmpty)
    let many = String(repeating: "{{coupon}}", count: TemplateScan.tagsMax + 1)
    #expect(TemplateProgram.compile(many, .plain).problems.map(\.text) == ["more than 4000 tags"])
  }

  @Test("T23 Random templates are read or refused, and never more is written than allowed")
  func fuzz() throws {
    let pieces = [
      "{{", "}}", "{{{", "}}}", "#", "^", "/", "!", "coupon", "lines", "product_name", ">", "=",
      " ", "\n", "\r\n", "x", "ä", "{", "}", ".", "flow.a", "customer_name", "<a href=\"", "\">",
    ]
    var chance = SplitMix64(seed: 23)
    var compiled = 0
    for _ in 0..<2000 {
      let count = Int.random(in: 0..<24, using: &chance)
      let text = (0..<count).map { _ in pieces.randomElement(using: &chance) ?? "" }.joined()
      _ = TemplateRules.check(
        NotifierV1.TemplateParts(subject: text, html: text, text: text), channel: .email)
      guard let program = TemplateProgram.compile(text, .html).program else { continue }
      compiled += 1
      var bytes: [UInt8] = []
      try program.render(values(), into: &bytes, sizeMax: 100_000)
      #expect(bytes.count <= 100_000)
    }
    #expect(compiled > 100)
  }
}

/// The same templates by another implementation of Mustache.
@Suite struct MustacheTests {
  private struct Line {
    let product_name: String
    let sku: String?
  }

  /// White space is left out: where tags share a line, swift-mustache 2.1.1 at times drops or keeps
  /// a line break that Mustache's specification says otherwise about.
  @Test("What is accepted renders as swift-mustache renders it")
  func differential() throws {
    var chance = SplitMix64(seed: 11)
    for _ in 0..<1000 {
      let text = section(&chance, depth: 0, inLines: false)
      let (program, problems, _) = TemplateProgram.compile(text, .html)
      #expect(problems.map(\.text) == [], "\(text)")
      var bytes: [UInt8] = []
      try #require(program).render(values, into: &bytes, sizeMax: 1 << 20)
      let other = try MustacheTemplate(string: text).render(object)
      let own = String(decoding: bytes, as: UTF8.self)
      #expect(own.filter { !$0.isWhitespace } == other.filter { !$0.isWhitespace }, "\(text)")
    }
  }

  private var values: MessageValues {
    var values = MessageValues()
    values.message.set(.company, "A & <B> 'C' \"D\"")
    values.message.set(.coupon, "SAVE")
    values.message[.incentive] = .flag(true)
    values.message[.isCopy] = .flag(false)
    var lines = [ValueFrame(.line), ValueFrame(.line)]
    lines[0].set(.productName, "Stuhl")
    lines[0].set(.sku, "1")
    lines[1].set(.productName, "Tisch")
    values.message[.lines] = .list(lines)
    values.message[.coveredCarts] = .list([])
    return values
  }

  private var object: [String: Any] {
    [
      "company": "A & <B> 'C' \"D\"", "coupon": "SAVE", "incentive": true, "is_copy": false,
      "lines": [Line(product_name: "Stuhl", sku: "1"), Line(product_name: "Tisch", sku: nil)],
      "covered_carts": [Line](),
    ]
  }

  private func section(_ chance: inout SplitMix64, depth: Int, inLines: Bool) -> String {
    var text = ""
    for _ in 0..<Int.random(in: 1...5, using: &chance) {
      switch Int.random(in: 0..<9, using: &chance) {
      case 0: text += "text "
      case 1: text += "\n"
      case 2: text += "  "
      case 3: text += "{{company}}"
      case 4: text += inLines ? "{{product_name}}{{ sku }}" : "{{ coupon }}"
      case 5: text += "{{! a\n comment }}"
      default:
        guard depth < 4 else { continue }
        let names = ["incentive", "is_copy", "coupon", "covered_carts", "discount"]
        var name = names.randomElement(using: &chance) ?? ""
        var isLines = false
        if !inLines, Bool.random(using: &chance) {
          name = "lines"
          isLines = true
        }
        if inLines, name == "covered_carts" { name = "sku" }
        let mark = name == "covered_carts" || Bool.random(using: &chance) ? "^" : "#"
        let inner = section(
          &chance, depth: depth + 1, inLines: inLines || isLines && mark == "#")
        let line = Bool.random(using: &chance) ? "\n" : ""
        text += "\(line){{\(mark)\(name)}}\(line)\(inner)\(line){{/\(name)}}\(line)"
      }
    }
    return text
  }
}
