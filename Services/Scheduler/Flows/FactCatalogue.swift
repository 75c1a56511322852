/// The facts that conditions may use, with their types: what is not here, and is no attribute of
/// the contact's own, is refused when a flow is applied.
enum FactCatalogue {
  enum FactType: Sendable {
    /// Yes or no; stands alone.
    case flag
    case number
    case money
    case text(Spelling)
    /// One of these words.
    case choice([String])
    /// Several values, each a text.
    case texts
    case choices([String])
    /// An attribute of the contact's own: what it is compared with decides.
    case any
  }

  /// How a text is brought into the form that facts have.
  enum Spelling: Sendable { case asWritten, lowerCase, upperCase }

  struct Fact: Sendable {
    let name: String
    let type: FactType
    /// For people.
    let meaning: String
  }

  /// Begins the names of the contact's own attributes.
  static let attributePrefix = "contact."
  static let attributeBytesMax = 64

  static let facts: [Fact] = [
    Fact(name: "bought", type: .flag, meaning: "a purchase since the cart's last activity"),
    Fact(name: "tag", type: .texts, meaning: "the contact's tags"),
    Fact(name: "cart.total", type: .money, meaning: "sum of the lines, in one currency"),
    Fact(name: "cart.items", type: .number, meaning: "pieces; other units count once a line"),
    Fact(name: "cart.lines", type: .number, meaning: "lines"),
    Fact(name: "cart.kind", type: .choice(kinds), meaning: "what was left"),
    Fact(name: "cart.stage", type: .choice(stages), meaning: "how far it had come"),
    Fact(name: "cart.place", type: .choice(places), meaning: "where it was left"),
    Fact(name: "cart.device", type: .choice(devices), meaning: "what the shopper used"),
    Fact(name: "cart.offer_class", type: .choice(offers), meaning: "kind of offer"),
    Fact(name: "cart.reason", type: .choices(reasons), meaning: "why it was left, all reasons"),
    Fact(name: "company", type: .text(.asWritten), meaning: "the shop's id of the company"),
    Fact(name: "store", type: .text(.asWritten), meaning: "the store's id"),
    Fact(name: "score", type: .number, meaning: "lead score from 0 to 100"),
    Fact(name: "history.orders", type: .number, meaning: "purchases, less those reversed"),
    Fact(name: "history.total", type: .money, meaning: "value of all purchases, in one currency"),
    Fact(name: "contact.locale", type: .text(.lowerCase), meaning: "such as de-CH"),
    Fact(name: "contact.language", type: .text(.lowerCase), meaning: "such as de"),
    Fact(name: "contact.country", type: .text(.upperCase), meaning: "of the postal address"),
    Fact(name: "has email", type: .flag, meaning: "an e-mail address is known"),
    Fact(name: "has phone", type: .flag, meaning: "a telephone number is known"),
    Fact(name: "has address", type: .flag, meaning: "a postal address is known"),
  ]

  static let kinds = ["cart", "quote", "configuration", "reorder", "signup", "order"]
  static let stages = [
    "browsing", "cart", "checkout", "shipping", "payment", "quote_requested", "order",
  ]
  static let places = ["shop", "portal", "configurator"]
  static let devices = ["desktop", "phone", "tablet", "system"]
  static let offers = ["capital_goods", "subscription", "service", "other"]
  static let reasons = [
    "shipping_cost", "tax", "hidden_fee", "complicated_checkout", "long_form",
    "unclear_instructions", "too_much_data_asked", "security_concern", "return_policy_unclear",
    "delivery_time_unclear", "payment_failed", "code_rejected", "configuration_unfinished",
    "open_question", "wish_list", "distracted", "just_browsing",
  ]

  private static let byName = Dictionary(uniqueKeysWithValues: facts.map { ($0.name, $0.type) })
  static let names = facts.map(\.name)

  /// Nil where there is no such fact.
  static func type(of name: FactName) -> FactType? {
    if let type = byName[name.text] { return type }
    let attribute = name.text.dropFirst(attributePrefix.count)
    let isAttribute = name.text.hasPrefix(attributePrefix) && !attribute.isEmpty
    return isAttribute && attribute.utf8.count <= attributeBytesMax ? .any : nil
  }
}

extension FactCatalogue.FactType {
  /// For sentences: what it is compared with.
  var description: String {
    switch self {
    case .flag: "yes or no"
    case .number: "a number"
    case .money: "an amount of money, such as 20 EUR"
    case .text, .texts: "a text"
    case .choice, .choices: "one of a few words"
    case .any: "any value"
    }
  }
}
