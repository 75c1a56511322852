internal import Messages
internal import Testing

@testable internal import Scheduler

@Suite struct ConditionTests {
  private static func sheet() -> FactSheet {
    FactSheet([
      FactName(text: "bought"): [.flag(false)],
      FactName(text: "tag"): [.text("AB CART"), .text("VIP")],
      FactName(text: "cart.total"): [
        .money(currency: "EUR", units: 19, nanos: 990_000_000),
        .money(currency: "CHF", units: 100, nanos: 0),
      ],
      FactName(text: "cart.items"): [.number(3)],
      FactName(text: "cart.kind"): [.text("quote")],
      FactName(text: "cart.reason"): [.text("tax"), .text("shipping_cost")],
      FactName(text: "company"): [.text("ACME")],
      FactName(text: "contact.country"): [.text("DE")],
      FactName(text: "contact.language"): [.text("de")],
      FactName(text: "contact.segment"): [.text("gold")],
      FactName(text: "contact.points"): [.number(12.5)],
      FactName(text: "contact.since"): [.instant(1_700_000_000_000_000)],
      FactName(text: "contact.Customer segment"): [.text("a")],
      FactName(text: "history.total"): [],
      FactName(text: "has email"): [.flag(true)],
      FactName(text: "score"): [.number(50)],
    ])
  }

  private static func isMet(_ text: String) throws -> Bool {
    let (condition, problems) = ConditionParser.parse(text)
    let parsed = try #require(condition, "\(text): \(problems)")
    return parsed.isMet(sheet())
  }

  @Test(
    "F04 P07 A condition that holds is met",
    arguments: [
      "not bought", "bought = no", "bought is no", "tag is VIP", "tag = \"AB CART\"",
      "tag in (A, B, VIP)", "tags has VIP", "has tag VIP", "tag is not BUY", "has e-mail",
      "cart.total >= 19.99 EUR", "cart.total < 20 EUR", "cart.total > 99 CHF", "cart.items = 3",
      "cart.items != 4", "cart.kind = Quote", "cart.kind in (quote, reorder)",
      "cart.reason = shipping-cost", "cart.reason is not just_browsing",
      "cart.reason not in (distracted, wish_list)", "company = ACME", "company", "company is known",
      "contact.country = de", "contact.language is DE", "contact.segment = gold",
      "contact.points > 12", "contact.since < 2026-01-01",
      "contact.since >= 2023-11-14T23:13:20+01:00", "contact.\"Customer segment\" = a",
      "history.total < 1 EUR", "history.total = 0 CHF", "score ≥ 50",
      "(bought or score > 10) and not (score > 60)", "bought or bought or tag is VIP",
      "not bought and cart.items in [1, 2, 3]", "contact.unheard is unknown",
      "company is not unknown", "NOT bought AND Score > 1",
    ])
  func met(text: String) throws {
    #expect(try Self.isMet(text))
  }

  @Test(
    "F04 What is missing, of another type or another currency is not met, nor is its opposite",
    arguments: [
      "contact.unheard = x", "contact.unheard != x", "not contact.unheard = x",
      "contact.unheard in (x)", "contact.unheard not in (x)", "contact.segment > 5",
      "contact.segment != 5", "contact.points = \"12.5\"", "cart.total > 1 USD",
      "not cart.total > 1 USD", "cart.lines > 0", "contact.unheard",
      "bought and contact.unheard = x",
      "contact.unheard = x and tag is VIP", "cart.stage = payment", "not cart.stage = payment",
    ])
  func unknown(text: String) throws {
    #expect(try !Self.isMet(text))
  }

  @Test("F04 An unknown part does not hide one that decides")
  func decides() throws {
    #expect(try Self.isMet("contact.unheard = x or tag is VIP"))
    #expect(try Self.isMet("not (contact.unheard = x and bought)"))
    #expect(try !Self.isMet("not (contact.unheard = x or tag is VIP)"))
  }

  @Test("C30 Totals are compared in their own currency and never summed")
  func currencies() throws {
    #expect(try !Self.isMet("cart.total > 100 EUR"))
    #expect(try !Self.isMet("cart.total > 100 CHF"))
    #expect(try Self.isMet("cart.total >= 100 CHF"))
  }

  @Test("and binds closer than or, not closer than both")
  func precedence() {
    func parse(_ text: String) -> Condition? { ConditionParser.parse(text).condition }
    let bought = Condition.holds(FactName(text: "bought"))
    let email = Condition.holds(FactName(text: "has email"))
    #expect(
      parse("bought or bought and not has email") == .any([bought, .all([bought, .not(email)])]))
    #expect(parse("(bought or bought) and has email") == .all([.any([bought, bought]), email]))
    #expect(
      parse("cart.total >= 20.5 EUR")
        == .compare(
          FactName(text: "cart.total"), .atLeast,
          .money(currency: "EUR", units: 20, nanos: 500_000_000)))
  }

  @Test(
    "P07 A condition that is wrong is refused with its column and the right word",
    arguments: [
      ("", 0, "says nothing"), ("cart.total", 0, "alone says nothing"),
      ("cart.total > 20", 13, "write its currency, such as 20 EUR"),
      ("cart.total > 20 eur", 16, "write EUR"),
      ("cart.total > twenty", 13, "is an amount of money"),
      ("score > 20 EUR", 8, "score is a number"), ("score = \"20\"", 8, "score is a number"),
      ("bought = 5", 9, "bought is yes or no"), ("bougth", 0, "did you mean \"bought\"?"),
      ("contact. = 5", 0, "there is no fact"), ("cart.kind = quot", 12, "did you mean \"quote\"?"),
      ("cart.reason = tex", 14, "did you mean \"tax\"?"), ("company > A", 8, "it has no order"),
      ("contact.x < yes", 10, "it has no order"), ("tag is AB CART", 7, "write quotation marks"),
      ("bought and", 10, "a fact such as cart.total is missing before the end"),
      ("bought and and bought", 11, "is missing before \"and\""),
      ("(bought", 7, "\")\" is missing before the end"), ("bought)", 6, "closes nothing"),
      ("bought bought", 7, "and or or is missing"), ("score >", 7, "a value is missing"),
      ("score in 5", 9, "in parentheses"), ("score in (5, 6", 14, "\")\" is missing"),
      ("company = 'x", 10, "are not closed"), ("score && bought", 6, "write and"),
      ("has wings", 4, "is none of these"), ("score > 5%", 8, "is no number"),
      ("score = 20€", 10, "write the currency after the amount"),
      ("not not", 7, "is missing before the end"),
    ])
  func wrong(text: String, offset: Int, words: String) throws {
    let (condition, problems) = ConditionParser.parse(text)
    #expect(condition == nil)
    let problem = try #require(problems.first)
    #expect(problem.offset == offset, "\(problem)")
    #expect(problem.problem.contains(words), "\(problem)")
  }

  @Test("P07 Every wrong fact and type of one condition is told")
  func several() {
    let problems = ConditionParser.parse("foo = 1 or score = x and cart.kind = y").problems
    #expect(problems.map(\.offset) == [0, 19, 37])
  }

  @Test("Depth and length are limited")
  func limits() {
    func nested(_ count: Int) -> String {
      String(repeating: "(", count: count) + "bought" + String(repeating: ")", count: count)
    }
    #expect(ConditionParser.parse(nested(15)).condition != nil)
    #expect(ConditionParser.parse(nested(16)).problems.first?.problem.contains("16 levels") == true)
    #expect(
      !ConditionParser.parse(String(repeating: "not ", count: 500) + "bought").problems.isEmpty)
    let long = String(repeating: "bought or ", count: 300) + "bought"
    #expect(ConditionParser.parse(long).problems.first?.problem.contains("2048") == true)
  }

  @Test("The facts that a condition rests on are kept with the decision")
  func attributes() throws {
    let text = "tag is VIP and (cart.total > 5 EUR or contact.unheard = 1) and not bought"
    let condition = try #require(ConditionParser.parse(text).condition)
    #expect(
      condition.factNames.map(\.text).sorted() == [
        "bought", "cart.total", "contact.unheard", "tag",
      ])
    let kept = Self.sheet().attributes(of: condition.factNames)
    #expect(
      kept == [
        .init(name: "bought", value: .flag(false)),
        .init(
          name: "cart.total",
          value: .money(.init(currencyCode: "EUR", units: 19, nanos: 990_000_000))),
        .init(name: "cart.total", value: .money(.init(currencyCode: "CHF", units: 100))),
        .init(name: "tag", value: .text("AB CART, VIP")),
      ])
  }
}
