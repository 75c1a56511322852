internal import Foundation
internal import Messages
internal import ServiceKit
internal import Testing
internal import Texts

@testable internal import Notifier

@Suite struct ShippedTemplateTests {
  static let all = (ContentFixture.shippedEmails + ["cart-sms", "internal-lead"]).flatMap { name in
    ["de", "en"].map { (name, $0) }
  }

  @Test("M05 Every shipped template passes its own check", arguments: all)
  func check(name: String, locale: String) throws {
    let template = try ContentFixture.shipped(name, locale)
    let findings = TemplateRules.check(template.parts, channel: template.channel)
    #expect(findings.problems.map { "\($0.part):\($0.line) \($0.problem)" } == [])
    #expect(!findings.parameters.isEmpty)
  }

  @Test("M05 A shipped template has the same parameters in every locale", arguments: all)
  func sameParameters(name: String, locale: String) throws {
    let template = try ContentFixture.shipped(name, locale)
    let other = try ContentFixture.shipped(name, locale == "de" ? "en" : "de")
    #expect(
      TemplateRules.check(template.parts, channel: template.channel).parameters
        == TemplateRules.check(other.parts, channel: other.channel).parameters)
  }

  @Test("F21 A shipped template shows the sample cart, and says so", arguments: all)
  func preview(name: String, locale: String) throws {
    let template = try ContentFixture.shipped(name, locale)
    let preview = try TemplatePreview(
      template: template, store: ContentFixture().store, facts: nil, cart: "", locale: locale,
      parameters: [], now: ContentFixture.now
    ).render(ContentRenderer())
    #expect(preview.text.contains(locale == "de" ? "Muster" : "Sample"))
    if template.channel == .email {
      #expect(preview.missing == (name == "cart-offer" ? ["incentive"] : []))
      #expect(preview.html.contains(locale == "de" ? "Muster: So sähe" : "Sample: this is how"))
      #expect(preview.html.contains("https://sample.invalid/c/sample-0"))
    }
    let folder = ProcessInfo.processInfo.environment["HOMING_PREVIEWS"]
    if let folder { try write(name, locale, template, folder) }
  }

  /// For looking at: with a real cart and everything that a flow may give.
  private func write(
    _ name: String, _ locale: String, _ template: StoredTemplate, _ folder: String
  ) throws {
    var fixture = PreviewFixture.fixture(locale)
    fixture.order.incentive = CommonV1.Incentive(
      kind: .percentage, code: "DANKE10", basisPoints: 1000,
      expiresAt: (ContentFixture.now + .seconds(5 * 86_400)).timestamp)
    let base = URL(filePath: folder).appending(path: "\(name).\(locale)").path
    let compiled = try CompiledTemplate(template)
    let maker = ContentRenderer().maker(try fixture.request(template), compiled)
    let id = try #require(UUIDText.bytes(ContentFixture.message))
    let builder = maker.builder(id, .tracked, isCopy: false)
    let text = try maker.part("text", compiled.text, builder.values)
    try Data(text).write(to: URL(filePath: base + ".txt"))
    if template.channel == .email {
      let html = try maker.part("html", compiled.html, builder.values)
      try Data(html).write(to: URL(filePath: base + ".html"))
      try Data(try maker.email(id, builder).bytes).write(to: URL(filePath: base + ".eml"))
    }
  }
}

/// A cart with pictures.
enum PreviewFixture {
  static func fixture(_ locale: String) -> ContentFixture {
    var fixture = ContentFixture()
    fixture.locale = locale == "de" ? "de-DE" : "en-GB"
    let picture = ProcessInfo.processInfo.environment["HOMING_PICTURES"] ?? "https://img.example"
    for index in fixture.cart.lines.indices {
      fixture.cart.lines[index].imageURL = "\(picture)/\(index + 1).svg"
    }
    fixture.cart.lines[0].configuration = locale == "de" ? "Bezug: anthrazit" : "Cover: anthracite"
    fixture.cart.header?.shipping = ContentFixture.euros(9, 900_000_000)
    fixture.cart.header?.tax = ContentFixture.euros(198, 350_000_000)
    fixture.cart.header?.quote = "A-2026-118"
    fixture.cart.deadline = (ContentFixture.now + .seconds(9 * 86_400)).timestamp
    fixture.cart.reasons = [CartTrackerV1.CartReason(reason: .paymentFailed, basis: .inferred)]
    let texts =
      locale == "de"
      ? ["2 bis 4 Werktage", "9,90 €, ab 1.500 € frei", "30 Tage, kostenlos abgeholt"]
      : ["2 to 4 working days", "€9.90, free from €1,500", "30 days, collected free of charge"]
    fixture.order.parameters = zip(["delivery", "shipping", "returns"], texts).map {
      CommonV1.Attribute(name: $0, value: .text($1))
    }
    return fixture
  }
}
