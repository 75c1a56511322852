internal import Messages
internal import ServiceKit
internal import Testing
internal import Texts

@testable internal import Notifier

@Suite struct AmountTests {
  private func money(_ units: Int64, _ nanos: Int32, _ currency: String, _ locale: String) -> String
  {
    AmountText.money(
      CommonV1.Money(currencyCode: currency, units: units, nanos: nanos), LocaleForms.of(locale)
    ).replacing("\u{A0}", with: "_").replacing("\u{202F}", with: "~")
  }

  @Test("M06 Amounts are written as the locale writes them")
  func locales() {
    #expect(money(1234, 500_000_000, "EUR", "de-DE") == "1.234,50_€")
    #expect(money(1234, 500_000_000, "EUR", "de-AT") == "€_1234,50")
    #expect(money(1_234_567, 0, "CHF", "de-CH") == "CHF_1’234’567.00")
    #expect(money(1234, 500_000_000, "EUR", "en") == "€1,234.50")
    #expect(money(1234, 500_000_000, "CHF", "en-GB") == "CHF_1,234.50")
    #expect(money(1234, 500_000_000, "USD", "en_US") == "$1,234.50")
    #expect(money(1234, 500_000_000, "EUR", "fr-FR") == "1~234,50_€")
    #expect(money(1234, 500_000_000, "EUR", "it") == "1.234,50_€")
    #expect(money(1234, 500_000_000, "EUR", "nl-NL") == "€_1.234,50")
    #expect(money(1234, 500_000_000, "EUR", "es") == "1234,50_€")
    #expect(money(12_345, 0, "EUR", "es") == "12.345,00_€")
    #expect(money(1234, 0, "EUR", "xx") == "€1,234.00")
    #expect(money(1234, 0, "EUR", "") == "€1,234.00")
  }

  @Test("M06 Currencies have their own places, and more are shown where an amount has them")
  func places() {
    #expect(money(1500, 0, "JPY", "de") == "1.500_¥")
    #expect(money(1, 250_000_000, "KWD", "de") == "1,250_KWD")
    #expect(money(0, 12_500_000, "EUR", "de") == "0,0125_€")
    #expect(money(0, 1, "EUR", "de") == "0,000000001_€")
    #expect(money(-3, -50_000_000, "EUR", "de") == "\u{2212}3,05_€")
    #expect(money(.max, 999_999_999, "EUR", "en") == "€9,223,372,036,854,775,807.999999999")
    #expect(money(.min, 0, "EUR", "en").hasSuffix("9,223,372,036,854,775,808.00"))
  }

  @Test("C30 A product is exact, halves away from zero, and none where it is too large")
  func product() {
    func product(_ a: (Int64, Int32), _ b: (Int64, Int32), _ places: Int) -> Int128? {
      Amount(units: a.0, nanos: a.1).times(Amount(units: b.0, nanos: b.1), places: places)?.nanos
    }
    #expect(product((3, 330_000_000), (2, 500_000_000), 2) == 8_330_000_000)
    #expect(product((-3, -330_000_000), (2, 500_000_000), 2) == -8_330_000_000)
    #expect(product((0, 4_000_000), (1, 0), 2) == 0)
    #expect(product((.max, 0), (.max, 0), 2) == nil)
  }

  @Test("Goods show their unit, shares their sign")
  func quantities() {
    let german = LocaleForms.of("de")
    #expect(AmountText.quantity(nil, german) == "1")
    #expect(AmountText.quantity(CommonV1.Quantity(units: 12), german) == "12")
    let metres = CommonV1.Quantity(units: 2, nanos: 500_000_000, unitCode: "MTR")
    #expect(AmountText.quantity(metres, german) == "2,5\u{A0}m")
    #expect(AmountText.quantity(CommonV1.Quantity(units: 1, unitCode: "PK"), german) == "1 PK")
    #expect(AmountText.percent(1250, german) == "12,5\u{A0}%")
    #expect(AmountText.percent(1000, LocaleForms.of("en")) == "10%")
    #expect(NumberText.text(1.5, german) == "1,5")
    #expect(NumberText.text(1500, german) == "1.500")
  }

  @Test("Dates are written as the language writes them, of the day in the zone")
  func dates() throws {
    let instant = Instant(seconds: 1_798_759_800)
    func day(_ locale: String, _ zone: String) throws -> String {
      DateText.day(instant, try TimeZoneRules(name: zone), LocaleForms.of(locale))
    }
    #expect(try day("de-DE", "UTC") == "31. Dezember 2026")
    #expect(try day("de-DE", "Europe/Berlin") == "1. Januar 2027")
    #expect(try day("en-GB", "UTC") == "31 December 2026")
    #expect(try day("en-US", "UTC") == "December 31, 2026")
    #expect(try day("fr", "Europe/Paris") == "1er janvier 2027")
    #expect(try day("es", "UTC") == "31 de diciembre de 2026")
    #expect(DateText.mail(.epoch) == "Thu, 01 Jan 1970 00:00:00 +0000")
    #expect(DateText.mail(Instant(seconds: -1)) == "Wed, 31 Dec 1969 23:59:59 +0000")
  }
}

@Suite struct SalutationTests {
  private func greeting(
    _ language: Language, salutation: String = "", title: String = "", given: String = "Anna",
    family: String = "Muster"
  ) -> String {
    Salutation.greeting(
      CartTrackerV1.ContactProfile(
        givenName: given, familyName: family, title: title, salutation: salutation), language)
  }

  @Test("M05 A person is greeted formally in their language")
  func formal() {
    #expect(greeting(.de, salutation: "Frau", title: "Dr.") == "Sehr geehrte Frau Dr. Muster")
    #expect(greeting(.de, salutation: "Herr") == "Sehr geehrter Herr Muster")
    #expect(greeting(.de) == "Guten Tag Anna Muster")
    #expect(greeting(.de, family: "") == "Guten Tag Anna")
    #expect(greeting(.de, given: "", family: "") == "Guten Tag")
    #expect(greeting(.en, salutation: "Mrs.") == "Dear Mrs. Muster")
    #expect(greeting(.en, salutation: "Frau", title: "Dr.") == "Dear Dr. Muster")
    #expect(greeting(.fr, salutation: "Mme") == "Bonjour Madame Muster")
    #expect(greeting(.it, salutation: "Signor") == "Gentile Signor Muster")
    #expect(greeting(.nl, salutation: "mevr.") == "Geachte mevrouw Muster")
    #expect(greeting(.es, salutation: "Sr.") == "Estimado Sr. Muster")
    #expect(greeting(.en, given: "", family: "") == "Hello")
  }

  @Test("M06 Without a name the company stands in, then what a customer is called")
  func fallback() {
    var profile = CartTrackerV1.ContactProfile(companyName: "Muster GmbH")
    #expect(Salutation.name(profile, .de) == "Muster GmbH")
    profile.companyName = ""
    #expect(Salutation.name(profile, .en) == "valued customer")
  }

  @Test("A line holds no break, no control character and no turned direction")
  func oneLine() {
    #expect(OneLine.text("  a\r\n\tb\u{0}c  ") == "a b c")
    #expect(OneLine.text("a\u{202E}b\u{2066}c\u{2028}d\u{85}e") == "abc d e")
    #expect(OneLine.text("„Größe“ – 漢字 שלום") == "„Größe“ – 漢字 שלום")
    #expect(OneLine.text("\r\n") == "")
  }
}

@Suite struct MessageValueTests {
  private func text(_ fixture: ContentFixture, _ template: String) throws -> String {
    let stored = ContentFixture.template(text: template, channel: .chat)
    guard case .text(let content) = try ContentRenderer().render(fixture.request(stored)) else {
      return "held"
    }
    return content.text
  }

  @Test("M06 A template shows the cart, the code, the reason and what the flow gives")
  func parameters() throws {
    var fixture = ContentFixture()
    fixture.order.incentive = CommonV1.Incentive(
      kind: .percentage, code: "SAVE 10", basisPoints: 1000,
      expiresAt: (ContentFixture.now + .seconds(86_400)).timestamp)
    fixture.cart.reasons = [
      CartTrackerV1.CartReason(reason: .justBrowsing, basis: .inferred),
      CartTrackerV1.CartReason(reason: .shippingCost, basis: .stated),
    ]
    fixture.order.parameters = [CommonV1.Attribute(name: "n", value: .number(2.5))]
    fixture.profile.attributes = [CommonV1.Attribute(name: "vip", value: .flag(true))]
    #expect(
      try text(fixture, "{{coupon}} {{discount}} {{offer_ends}}")
        == "SAVE 10 10\u{A0}% 24. Dezember 2026")
    #expect(
      try text(fixture, "{{reason}}{{#reason.just_browsing}}!{{/reason.just_browsing}}")
        == "Versandkosten!")
    #expect(try text(fixture, "{{flow.n}}{{#attribute.vip}} vip{{/attribute.vip}}") == "2,5 vip")
    #expect(
      try text(fixture, "{{#kind.cart}}c{{/kind.cart}}{{#kind.quote}}q{{/kind.quote}}") == "c")
    #expect(
      try text(
        fixture, "{{#lines}}{{quantity}}×{{product_name}}={{line_total}};{{/lines}}{{total}}")
        == "2×Drehstuhl „Ergo“ Größe L=1.234,00\u{A0}€;2,5\u{A0}m×Kabel, Meterware=8,33\u{A0}€;"
        + "1.242,33\u{A0}€")
  }

  @Test("M07 The cart link leads to the cart, and carries the code")
  func cartLink() throws {
    var fixture = ContentFixture()
    func target(_ fixture: ContentFixture) throws -> String? {
      let stored = ContentFixture.template(text: "{{cart_link}}", channel: .sms)
      guard case .text(let content) = try ContentRenderer().render(fixture.request(stored)) else {
        return nil
      }
      #expect(content.text.hasPrefix("https://go.moebel.example/c/"))
      return content.links.first { $0.name == "cart_link" }?.url
    }
    let url = "https://www.moebel.example/cart/restore?id=81f3"
    #expect(try target(fixture) == url + "#top")
    fixture.order.incentive = CommonV1.Incentive(kind: .percentage, code: "Ö&1", basisPoints: 500)
    #expect(try target(fixture) == url + "&coupon=%C3%96%261#top")
    fixture.order.incentive?.expiresAt = ContentFixture.now.timestamp
    #expect(try target(fixture) == url + "#top")
    fixture.cart.header?.url = "javascript:alert(1)"
    #expect(try target(fixture) == "https://www.moebel.example/")
  }

  @Test("M09 Only addresses of the web are shown as pictures and products")
  func urls() throws {
    var fixture = ContentFixture()
    fixture.cart.lines[0].imageURL = "data:image/png;base64,AAAA"
    fixture.cart.lines[0].productURL = "javascript:alert(1)"
    let template = "{{#lines}}[{{image_url}}{{product_link}}]{{/lines}}{{first_image}}"
    #expect(try text(fixture, template) == "[][]")
  }

  @Test("M11 An offer that has ended is not shown")
  func endedOffer() throws {
    var fixture = ContentFixture()
    fixture.order.incentive = CommonV1.Incentive(
      kind: .amount, code: "X", amount: ContentFixture.euros(5),
      expiresAt: ContentFixture.now.timestamp)
    #expect(try text(fixture, "{{#incentive}}yes{{/incentive}}{{coupon}}-") == "-")
    fixture.order.incentive?.expiresAt = nil
    #expect(try text(fixture, "{{discount}}") == "5,00\u{A0}€")
    fixture.order.incentive = CommonV1.Incentive(kind: .freeShipping)
    #expect(try text(fixture, "{{discount}}") == "kostenloser Versand")
  }

  @Test("C28 Other carts that the message covers are listed with their links")
  func covered() throws {
    var fixture = ContentFixture()
    fixture.order.coveredCarts = ["cart-2", "cart-1", "gone"]
    var other = fixture.cart
    other.id = "cart-2"
    other.totals = [ContentFixture.euros(5), CommonV1.Money(currencyCode: "CHF", units: 7)]
    let stored = ContentFixture.template(
      text: """
        {{#covered_carts}}{{covered_total}} {{covered_count}} \
        {{#covered_lines}}{{sku}},{{/covered_lines}}{{/covered_carts}}
        """, channel: .chat)
    let request = try fixture.request(stored)
    let facts = CartTrackerV1.Facts(
      contact: request.facts.contact, carts: request.facts.carts + [other])
    let rendered = try ContentRenderer().render(
      RenderRequest(
        order: request.order, facts: facts, store: request.store, template: stored,
        locale: "de-DE", recipient: "", links: request.links, isTracked: true, bucket: 7,
        now: request.now))
    guard case .text(let content) = rendered else {
      Issue.record("another kind of content")
      return
    }
    #expect(content.text == "5,00\u{A0}€ + 7,00\u{A0}CHF 2 4711,0815,")
    #expect(content.links.map(\.name).contains("covered_carts.1.link"))
  }

  @Test("More lines than are shown are counted, and links stay within one byte")
  func manyLines() throws {
    var fixture = ContentFixture()
    fixture.cart.lines = Array(repeating: fixture.cart.lines[0], count: 300)
    let stored = ContentFixture.template(
      text: "{{#lines}}x{{/lines}}{{more_lines}} {{item_count}}", channel: .chat)
    let rendered = try ContentRenderer().render(fixture.request(stored))
    guard case .text(let content) = rendered else {
      Issue.record("another kind of content")
      return
    }
    #expect(content.text == String(repeating: "x", count: 20) + "280 300")
    #expect(content.links.count == 21)
  }

  @Test("Staff get the shop's own addresses, and a webhook the facts as JSON")
  func staff() throws {
    var fixture = ContentFixture()
    let stored = ContentFixture.template(
      text: "{{cart_link}} {{unsubscribe_link}}", channel: .internal)
    guard case .text(let content) = try ContentRenderer().render(fixture.request(stored)) else {
      Issue.record("another kind of content")
      return
    }
    #expect(content.text == "https://www.moebel.example/cart/restore?id=81f3#top")
    #expect(content.links == [])
    fixture.order.parameters = [
      CommonV1.Attribute(name: "a\"b", value: .text("x\n\u{1}")),
      CommonV1.Attribute(name: "n", value: .number(2.5)),
      CommonV1.Attribute(name: "f", value: .flag(false)),
    ]
    let hook = ContentFixture.template(text: "", channel: .webhook)
    guard case .webhook(let body) = try ContentRenderer().render(fixture.request(hook)) else {
      Issue.record("another kind of content")
      return
    }
    let text = String(decoding: body.body, as: UTF8.self)
    #expect(text.hasPrefix("{\"message\":\"\(ContentFixture.message)\",\"store\":\"moebel\""))
    #expect(text.hasSuffix(#""parameters":{"a\"b":"x\n\u0001","n":2.5,"f":false}}"#))
    #expect(text.contains(#""totals":[{"currency":"EUR","amount":"1242.33"}]"#))
  }

  @Test("Every known parameter has a name of its own in its scope")
  func names() {
    for scope in ParameterScope.allCases {
      let names = scope.parameters.map(\.name)
      #expect(Set(names).count == names.count)
      #expect(scope.parameters.map(\.slot) == Array(names.indices))
    }
    #expect(Parameter.message.map(\.name).contains("customer_name"))
    #expect(ValueFrame(.message).values.count == Parameter.message.count)
  }
}

@Suite struct MailAddressTests {
  @Test(
    "Addresses of mailboxes are taken, internationalised domains in their ASCII form",
    arguments: [
      ("a@b.example", "a@b.example"), ("A.b+c_d@sub.b-c.example", "A.b+c_d@sub.b-c.example"),
      ("o'neil@b.example", "o'neil@b.example"), ("a@bücher.example", "a@xn--bcher-kva.example"),
      ("a@例え.テスト", "a@xn--r8jz45g.xn--zckzah"), ("a@replay.invalid", "a@replay.invalid"),
    ])
  func takes(text: String, ascii: String) throws {
    #expect(try MailAddress(text, field: "to").text == ascii)
  }

  @Test(
    "Anything else is refused",
    arguments: [
      "", "@", "a@", "@b.example", "a@b", "a b@c.example", "a@b .example", "a@b..example",
      ".a@b.example", "a.@b.example", "a..b@c.example", "\"a b\"@c.example", "a@[127.0.0.1]",
      "a@b.example>", "<a@b.example>", "a@b.example,c@d.example", "a@b.example\r\nBcc: x",
      "ü@b.example", "a@-b.example", "a@b-.example", "a@b_c.example", "a(c)@b.example",
      "a\u{0}@b.example", "a@b\u{202E}.example",
      String(repeating: "x", count: 65) + "@b.example",
      "a@" + String(repeating: "x", count: 64) + ".example",
    ])
  func refuses(text: String) {
    let error = #expect(throws: ContentError.self) { try MailAddress(text, field: "copies") }
    #expect(error?.field == "copies")
  }
}
