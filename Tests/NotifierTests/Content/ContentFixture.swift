internal import Foundation
internal import Messages
internal import ServiceKit
internal import Texts

@testable internal import Notifier

/// A store, a person with a cart, and an order to write to them.
struct ContentFixture {
  static let message = "018f4c3e-7b2a-7c1d-9e5f-0123456789ab"
  static let now = Instant(seconds: 1_798_000_000)

  var imprint = CartTrackerV1.Imprint(
    legalName: "Möbelhaus Süd GmbH",
    address: CommonV1.Address(
      countryCode: "DE", streetLines: ["Hauptstraße 1"], postalCode: "80331", locality: "München"),
    senderName: "Möbelhaus Süd", senderEmail: "hallo@moebel.example",
    supportEmail: "hilfe@moebel.example", supportPhone: "+49 89 1234567",
    website: "https://www.moebel.example/", legalText: "Amtsgericht München, HRB 12345")
  var profile = CartTrackerV1.ContactProfile(
    givenName: "Zoë", familyName: "Großmann", title: "Dr.", salutation: "Frau",
    companyName: "Bau & Partner KG", locale: "de-DE")
  var cart = CartTrackerV1.Cart(
    id: "cart-1", contact: "anna", state: .abandoned,
    header: CartTrackerV1.CartHeader(
      kind: .cart, url: "https://www.moebel.example/cart/restore?id=81f3#top"),
    lines: [
      CartTrackerV1.CartLine(
        id: "1", sku: "4711", name: "Drehstuhl „Ergo“ Größe L",
        imageURL: "https://img.moebel.example/4711.jpg",
        productURL: "https://www.moebel.example/p/4711?a=1&b=2",
        quantity: CommonV1.Quantity(units: 2),
        unitPrice: ContentFixture.euros(617), lineTotal: ContentFixture.euros(1234)),
      CartTrackerV1.CartLine(
        id: "2", sku: "0815", name: "Kabel, Meterware",
        quantity: CommonV1.Quantity(units: 2, nanos: 500_000_000, unitCode: "MTR"),
        unitPrice: ContentFixture.euros(3, 330_000_000)),
    ],
    totals: [ContentFixture.euros(1242, 330_000_000)])
  var order = CommonV1.SendOrder(
    id: ContentFixture.message, store: "moebel", channel: .email, contact: "anna", cart: "cart-1",
    flow: "cart-recovery", step: "first-mail", template: "cart-reminder")
  var locale = "de-DE"
  var recipient = "zoe@example.com"
  var isTracked = true

  static func euros(_ units: Int64, _ nanos: Int32 = 0) -> CommonV1.Money {
    CommonV1.Money(currencyCode: "EUR", units: units, nanos: nanos)
  }

  var store: CartTrackerV1.Store {
    CartTrackerV1.Store(
      id: "moebel",
      settings: CartTrackerV1.StoreSettings(
        name: "Möbelhaus Süd", timeZone: "Europe/Berlin", locale: "de-DE", countryCode: "DE",
        imprint: imprint))
  }

  func request(_ template: StoredTemplate) throws -> RenderRequest {
    RenderRequest(
      order: order,
      facts: CartTrackerV1.Facts(
        contact: CartTrackerV1.Contact(store: "moebel", id: "anna", profile: profile),
        carts: [cart]),
      store: store, template: template, locale: locale, recipient: recipient,
      links: try ContentFixture.links(), isTracked: isTracked, bucket: 7, now: ContentFixture.now)
  }

  static func links() throws -> LinkMaker {
    let key = Secret((0..<32).map { UInt8($0) })
    return try LinkMaker(
      base: "https://go.moebel.example", keys: LinkKeys(newestFirst: [(id: 3, secret: key)]))
  }

  static func template(
    subject: String = "Hallo {{customer_name}}",
    html: String = "<p>{{customer_name}}</p>", text: String = "{{customer_name}}",
    channel: CommonV1.Channel = .email, locale: String = "de", required: [String] = [],
    version: UInt32 = 0
  ) -> StoredTemplate {
    StoredTemplate(
      store: "moebel", name: "test", channel: channel, locale: locale, version: version,
      parts: NotifierV1.TemplateParts(
        subject: channel == .email ? subject : "", html: channel == .email ? html : "", text: text,
        required: required))
  }

  /// The folder of the templates that Homing brings.
  static let shippedFolder = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Services/Homing/Shipped/templates")

  static let shippedEmails = [
    "cart-reminder", "cart-offer", "cart-apology", "cart-costs", "cart-help", "cart-last-call",
    "quote-reminder",
  ]

  static func shipped(_ name: String, _ locale: String) throws -> StoredTemplate {
    func file(_ end: String) -> String {
      let url = shippedFolder.appending(path: "\(name).\(end)")
      return (try? String(contentsOf: url, encoding: .utf8)) ?? ""
    }
    let settings = file("template").split(separator: "\n").map {
      $0.split(separator: ": ", maxSplits: 1).map(String.init)
    }
    let values = Dictionary(uniqueKeysWithValues: settings.map { ($0[0], $0[1]) })
    let channels: [String: CommonV1.Channel] = [
      "email": .email, "sms": .sms, "internal": .internal,
    ]
    let subject = file("\(locale).subject.txt")
    return StoredTemplate(
      store: "moebel", name: name, channel: channels[values["channel"] ?? ""] ?? .unspecified,
      locale: locale, version: 1,
      parts: NotifierV1.TemplateParts(
        subject: String(subject.prefix { $0 != "\n" }), html: file("\(locale).html"),
        text: file("\(locale).txt"),
        required: (values["required"] ?? "").split(separator: ", ").map(String.init)))
  }

  /// Renders an e-mail that is not held.
  func email(_ template: StoredTemplate) throws -> EmailContent {
    guard case .email(let content) = try ContentRenderer().render(request(template)) else {
      throw ContentError("test", "held, or no e-mail")
    }
    return content
  }
}
