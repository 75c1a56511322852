internal import Messages
internal import ServiceKit
internal import Texts

/// Facts for looking at a template before anyone is written to (F21): plainly a sample.
enum SampleCart {
  static let id = "sample-cart"
  static let contact = "sample-contact"

  static func facts(_ language: Language, currency: String, now: Instant) -> CartTrackerV1.Facts {
    CartTrackerV1.Facts(
      contact: CartTrackerV1.Contact(id: contact, profile: profile(language)),
      carts: [cart(language, currency, now)])
  }

  private static func profile(_ language: Language) -> CartTrackerV1.ContactProfile {
    let isGerman = language == .de
    return CartTrackerV1.ContactProfile(
      givenName: isGerman ? "Erika" : "Alex", familyName: isGerman ? "Muster" : "Sample",
      salutation: isGerman ? "Frau" : "", company: "sample",
      companyName: isGerman ? "Muster GmbH" : "Sample Ltd",
      destinations: [
        CartTrackerV1.Destination(channel: .email, address: "sample@sample.invalid"),
        CartTrackerV1.Destination(channel: .sms, address: "+999000000"),
      ])
  }

  private static func cart(
    _ language: Language, _ currency: String, _ now: Instant
  ) -> CartTrackerV1.Cart {
    let names =
      language == .de
      ? ["Muster: Bürostuhl Ergo, grau", "Muster: Schreibtisch 160 × 80 cm", "Muster: Kabel"]
      : ["Sample: office chair Ergo, grey", "Sample: desk 160 × 80 cm", "Sample: cable"]
    func money(_ units: Int64, _ nanos: Int32 = 0) -> CommonV1.Money {
      CommonV1.Money(currencyCode: currency, units: units, nanos: nanos)
    }
    let quantities = [
      CommonV1.Quantity(units: 2), CommonV1.Quantity(units: 1),
      CommonV1.Quantity(units: 2, nanos: 500_000_000, unitCode: "MTR"),
    ]
    let totals = [money(598), money(389, 900_000_000), money(8, 750_000_000)]
    let lines = names.indices.map { index in
      CartTrackerV1.CartLine(
        id: "\(index + 1)", sku: "SAMPLE-\(index + 1)", name: names[index],
        productURL: "\(LinkMaker.sampleBase)/product/\(index + 1)", quantity: quantities[index],
        unitPrice: [money(299), money(389, 900_000_000), money(3, 500_000_000)][index],
        lineTotal: totals[index])
    }
    return CartTrackerV1.Cart(
      id: id, contact: contact, state: .abandoned,
      header: CartTrackerV1.CartHeader(
        kind: .cart, company: "sample", url: "\(LinkMaker.sampleBase)/cart", quote: "SAMPLE-Q-1"),
      lines: lines, totals: [money(996, 650_000_000)],
      lastActivityAt: (now - .seconds(86_400)).timestamp,
      deadline: (now + .seconds(10 * 86_400)).timestamp)
  }
}
