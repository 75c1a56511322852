/// What the made-up stores sell, and who buys there. Nobody and nothing here exists.
enum SampleCatalogue {
  struct Product {
    let sku: String
    let name: String
    /// In hundredths of the store's currency.
    let price: Int
    let offerClass: String
    /// Text of a configuration; empty for what comes as it is.
    var configuration = ""
  }

  struct Store {
    let id: String
    let currency: String
    let place: String
    let site: String
    let products: [Product]
  }

  struct Buyer {
    let contact: String
    let company: String
    let companyName: String
    let givenName: String
    let familyName: String
    let email: String
    let phone: String
  }

  static let stores = [
    Store(
      id: "sample-tools", currency: "EUR", place: "shop", site: "https://tools.example",
      products: [
        Product(sku: "DRL-18V", name: "Cordless drill, 18 V", price: 18_900, offerClass: "other"),
        Product(sku: "BIT-SET-32", name: "Bit set, 32 pieces", price: 2_490, offerClass: "other"),
        Product(sku: "GLV-10", name: "Work gloves, size 10", price: 745, offerClass: "other"),
        Product(
          sku: "CMP-270", name: "Compressor \"Atlas\", 270 l", price: 149_000,
          offerClass: "capital_goods"),
        Product(
          sku: "LTH-1000", name: "Lathe, 1,000 mm between centres", price: 1_245_000,
          offerClass: "capital_goods"),
        Product(sku: "OIL-20", name: "Hydraulic oil, 20 l", price: 8_860, offerClass: "other"),
        Product(
          sku: "SVC-YEAR", name: "Maintenance, one year", price: 98_000, offerClass: "service"),
        Product(
          sku: "SAW-190", name: "Hand-held circular saw, 190 mm", price: 15_950, offerClass: "other"
        ),
      ]),
    Store(
      id: "sample-systems", currency: "CHF", place: "portal", site: "https://systems.example",
      products: [
        Product(
          sku: "RCK-42U", name: "Server rack, 42 U", price: 189_000, offerClass: "capital_goods"),
        Product(
          sku: "NAS-8", name: "Storage, 8 bays", price: 312_000, offerClass: "capital_goods",
          configuration: "8 × 16 TB, RAID 6, two power supplies"),
        Product(
          sku: "FW-200", name: "Firewall FW 200", price: 164_000, offerClass: "capital_goods",
          configuration: "10 ports, VPN for 50 users"),
        Product(
          sku: "LIC-BACKUP", name: "Backup licence, per seat and year", price: 4_800,
          offerClass: "subscription"),
        Product(sku: "CAB-CAT7", name: "Cat. 7 cable, 10 m", price: 1_890, offerClass: "other"),
        Product(
          sku: "UPS-3000", name: "UPS, 3,000 VA; rack mounted", price: 121_500,
          offerClass: "capital_goods"),
        Product(
          sku: "SVC-24H", name: "Support, 24 h on site", price: 240_000, offerClass: "service"),
      ]),
  ]

  private static let towns = [
    "Aurich", "Bamberg", "Celle", "Dachau", "Emden", "Fulda", "Goslar", "Husum", "Ilmenau", "Jena",
  ]
  private static let trades = [
    "Maschinenbau", "Metallbau", "Elektrotechnik", "Holzbau", "Labortechnik", "Logistik",
  ]
  private static let givenNames = [
    "Anna", "Björn", "Clara", "Deniz", "Elif", "Finn", "Greta", "Hannes", "Ida", "Jonas", "Kübra",
    "Lars",
  ]
  private static let familyNames = [
    "Ahrens", "Böttcher", "Çelik", "Dietrich", "Ehlers", "Fuchs", "Günther", "Hartmann", "Iversen",
    "Jäger", "Krüger", "Lorenz", "Meißner",
  ]

  /// The companies of a store with one to four buyers each.
  static func buyers(
    _ store: Store, companies: Int, _ random: inout SampleRandom
  ) -> [Buyer] {
    (0..<companies).flatMap { number -> [Buyer] in
      let company = "\(store.id)-c\(number + 1)"
      let town = towns[number % towns.count]
      let name = "\(random.pick(trades)) \(town) GmbH (made up)"
      return (0...random.below(4)).map { buyer in
        let contact = "\(company)-b\(buyer + 1)"
        return Buyer(
          contact: contact, company: company, companyName: name,
          givenName: random.pick(givenNames), familyName: random.pick(familyNames),
          email: "\(contact)@buyers.invalid",
          // A range that the German regulator keeps for films and books.
          phone: "+493023125\(100 + random.below(900))")
      }
    }
  }
}
