internal import Messages
internal import Testing
internal import Texts

@testable internal import Notifier

@Suite struct TemplateRulesTests {
  private static let foot = "{{imprint}} <a href=\"{{unsubscribe_link}}\">x</a>"
  private static let textFoot = "{{imprint}} {{unsubscribe_link}}"

  private func check(
    subject: String = "Hallo", html: String = "", text: String = "",
    channel: CommonV1.Channel = .email, required: [String] = []
  ) -> [String] {
    let isEmail = channel == .email
    let parts = NotifierV1.TemplateParts(
      subject: subject, html: isEmail ? html + TemplateRulesTests.foot : html,
      text: isEmail ? text + TemplateRulesTests.textFoot : text, required: required)
    return TemplateRules.check(parts, channel: channel).problems.map {
      "\($0.part):\($0.line): \($0.problem)"
    }
  }

  @Test("M05 An e-mail without identity, postal address and unsubscribe link is refused")
  func identity() {
    let parts = NotifierV1.TemplateParts(subject: "Hallo", html: "<p>x</p>", text: "x")
    let problems = TemplateRules.check(parts, channel: .email).problems
    for part in ["html", "text"] {
      for word in ["identity", "postal address", "unsubscribe link"] {
        #expect(problems.contains { $0.part == part && $0.line == 0 && $0.problem.contains(word) })
      }
    }
    #expect(problems.count == 6)
    #expect(check() == [])
  }

  @Test("M05 What the law requires does not count where it may not be shown")
  func identityInSection() {
    let parts = NotifierV1.TemplateParts(
      subject: "Hallo",
      html: "{{#coupon}}{{imprint}}<a href=\"{{unsubscribe_link}}\">x</a>{{/coupon}}",
      text: """
        {{legal_name}}{{#postal_lines}}{{address_line}}{{/postal_lines}}
        {{#unsubscribe_link}}{{unsubscribe_link}}{{/unsubscribe_link}}
        """)
    let problems = TemplateRules.check(parts, channel: .email).problems
    #expect(problems.map(\.part) == ["html", "html", "html"])
  }

  @Test("Problems name part and line, and parameters are listed in order")
  func lines() {
    #expect(
      check(html: "<p>\n{{compny}}</p>")
        == ["html:2: there is no parameter `compny`: did you mean `company`?"])
    #expect(check(text: "a\n\n{{#coupon}}\n").first == "text:3: `{{#coupon}}` is never closed")
    let parts = NotifierV1.TemplateParts(text: "{{total}} {{#lines}}{{sku}}{{/lines}} {{flow.a}}")
    #expect(
      TemplateRules.check(parts, channel: .sms).parameters == ["flow.a", "lines", "sku", "total"])
  }

  @Test("A subject is a single line without control characters")
  func subject() {
    #expect(check(subject: "Hallo\r\nBcc: x@y.example").contains { $0.contains("single line") })
    #expect(check(subject: "Hallo\u{0}").contains { $0.contains("control character") })
    #expect(check(subject: "{{{company}}}") == [])
    #expect(check(subject: " ") == ["subject:0: is missing"])
    #expect(
      check(subject: String(repeating: "x", count: 1025))
        == ["subject:0: has 1025 bytes, the limit is 1024"])
  }

  @Test("Each channel has its own parts")
  func channels() {
    #expect(check(subject: "", text: "x", channel: .sms) == [])
    #expect(check(subject: "a", text: "x", channel: .push).count == 1)
    #expect(check(subject: "", channel: .internal) == ["text:0: is missing"])
    #expect(check(subject: "", channel: .webhook) == [])
    #expect(check(subject: "", text: "x", channel: .webhook).count == 1)
    #expect(check(subject: "", channel: .letter).count == 1)
  }

  @Test("A required parameter must be one")
  func required() {
    #expect(check(required: ["coupon", "lines", "product_name", "flow.headline"]) == [])
    #expect(
      check(required: ["cupon"])
        == ["required:0: there is no parameter `cupon`: did you mean `coupon`?"])
  }

  @Test(
    "A value stands only where escaping makes it harmless",
    arguments: [
      "<p>{{company}}</p>", "<img alt=\"{{company}}\" src='{{first_image}}'>",
      "<a href=\"{{cart_link}}&x={{coupon}}\">x</a>", "<!-- {{company}} -->",
      "<a href=\"https://a.example/?c={{coupon}}\">x</a>", "<td {{#coupon}}class=\"x\"{{/coupon}}>",
      "<style>a{color:red}</style>{{company}}", "<!doctype html><html lang=\"{{language}}\">",
      "<a title = \"{{company}}\" href = '{{cart_link}}'>x</a>", "a < b {{company}}",
      "<!--[if mso]><v:rect href=\"{{cart_link}}\"><![endif]-->",
    ])
  func places(html: String) { #expect(check(html: html) == []) }

  @Test(
    "A value anywhere else in HTML is refused",
    arguments: [
      ("<style>a{color:{{company}}}</style>", "<style>"),
      ("<p class={{company}}>", "without quotes"),
      ("<p {{company}}>", "without quotes"),
      ("<a href=\"{{company}}\">x</a>", "only a link"),
      ("<a HREF='{{flow.url}}'>x</a>", "only a link"),
      ("<img src = \"{{company}}\">", "only a link"),
      ("<p style=\"color:{{company}}\">", "harmless"),
      ("<p onclick=\"{{company}}\">", "harmless"),
      ("<script>x</script>", "no scripts"),
      ("<SCRIPT>{{company}}</SCRIPT>", "no scripts"),
      ("<form action=\"x\">", "forms"),
      ("<p {{#coupon}}title=\"{{/coupon}}x\">", "ends within"),
      ("{{{company}}}", "two braces"),
    ])
  func badPlaces(html: String, part: String) {
    let problems = check(html: "\n" + html)
    #expect(problems.contains { $0.hasPrefix("html:2:") && $0.contains(part) }, "\(problems)")
  }

  @Test("Names and locales of templates have a form")
  func names() {
    #expect(TemplateRules.nameProblem("cart-reminder") == nil)
    for name in ["", "Cart", "a/b", "../x", "a b", String(repeating: "x", count: 65)] {
      #expect(TemplateRules.nameProblem(name) != nil, "\(name)")
    }
    for locale in ["", "de", "de-CH", "zh-Hant-TW"] {
      #expect(TemplateRules.localeProblem(locale) == nil, "\(locale)")
    }
    for locale in ["d", "de_CH", "de-", "deutschland", "de CH", "-"] {
      #expect(TemplateRules.localeProblem(locale) != nil, "\(locale)")
    }
  }

  @Test("M05 A recipient's locale falls back to its language, the store's, and none")
  func fallback() {
    #expect(
      TemplateLocales.chain(recipient: "de-CH", store: "en-GB") == [
        "de-CH", "de", "en-GB", "en", "",
      ])
    #expect(TemplateLocales.chain(recipient: "de", store: "de-DE") == ["de", "de-DE", ""])
    #expect(TemplateLocales.chain(recipient: "", store: "") == [""])
    #expect(TemplateLocales.writing(recipient: "de-CH", template: "de", store: "fr") == "de-CH")
    #expect(TemplateLocales.writing(recipient: "fr-FR", template: "en", store: "en-GB") == "en-GB")
    #expect(TemplateLocales.writing(recipient: "fr-FR", template: "it", store: "en-GB") == "it")
    #expect(TemplateLocales.writing(recipient: "fr-FR", template: "", store: "en") == "fr-FR")
  }
}
