internal import Messages
internal import Testing

@testable internal import DirectMail

@Suite struct PostalAddressTests {
  struct Example: Sendable, CustomTestStringConvertible {
    let address: CommonV1.Address
    let from: String
    let lines: [String]

    var testDescription: String { address.countryCode }

    init(
      _ country: String, from: String = "DE", company: String = "", person: String = "A. Person",
      _ street: [String], code: String, _ locality: String, dependent: String = "",
      region: String = "", box: String = "", _ lines: [String]
    ) {
      address = CommonV1.Address(
        countryCode: country, company: company, person: person, streetLines: street,
        postOfficeBox: box, postalCode: code, locality: locality, dependentLocality: dependent,
        region: region)
      self.from = from
      self.lines = lines
    }
  }

  static let examples = [
    Example(
      "DE", company: "Muster GmbH", ["Musterweg 1"], code: "12345", "Musterstadt",
      ["Muster GmbH", "A. Person", "Musterweg 1", "12345 Musterstadt"]),
    Example(
      "DE", from: "FR", ["Musterweg 1"], code: "12345", "Musterstadt",
      ["A. Person", "Musterweg 1", "12345 Musterstadt", "ALLEMAGNE"]),
    Example(
      "AT", ["Ring 3/4"], code: "1010", "Wien",
      ["A. Person", "Ring 3/4", "1010 Wien", "ÖSTERREICH"]),
    Example(
      "CH", ["Rue du Lac 5"], code: "1201", "Genève",
      ["A. Person", "Rue du Lac 5", "1201 Genève", "SCHWEIZ"]),
    Example(
      "FR", ["12 rue de la Paix"], code: "75002", "Paris",
      ["A. Person", "12 rue de la Paix", "75002 PARIS", "FRANKREICH"]),
    Example(
      "GB", ["12 Harbour Street"], code: "bs15ty", "Bristol", dependent: "Clifton",
      [
        "A. Person", "12 Harbour Street", "Clifton", "BRISTOL", "BS1 5TY",
        "VEREINIGTES KÖNIGREICH",
      ]),
    Example(
      "US", from: "US", ["350 Fifth Ave", "Suite 300"], code: "10118-0110", "New York",
      region: "ny",
      ["A. Person", "350 Fifth Ave", "Suite 300", "NEW YORK NY 10118-0110"]),
    Example(
      "NL", ["Keizersgracht 1"], code: "1015cj", "Amsterdam",
      ["A. Person", "Keizersgracht 1", "1015 CJ  AMSTERDAM", "NIEDERLANDE"]),
    Example(
      "JP", ["1-1 Chiyoda"], code: "1000001", "Chiyoda-ku", region: "Tokyo",
      ["A. Person", "1-1 Chiyoda", "Chiyoda-ku", "Tokyo 100-0001", "JAPAN"]),
    Example(
      "JP", from: "JP", person: "山田太郎 様", ["千代田1-1"], code: "100-0001", "千代田区",
      region: "東京都", ["〒100-0001", "東京都千代田区", "千代田1-1", "山田太郎 様"]),
    Example(
      "DE", from: "DE", [], code: "12345", "Musterstadt", box: "Postfach 10 01",
      ["A. Person", "Postfach 10 01", "12345 Musterstadt"]),
  ]

  @Test("D04 An address is written as its country writes it", arguments: examples)
  func isWritten(_ example: Example) throws {
    let address = try PostalAddress(example.address, from: example.from)
    #expect(address.lines == example.lines)
  }

  private static let good = CommonV1.Address(
    countryCode: "DE", person: "A. Person", streetLines: ["Musterweg 1"], postalCode: "12345",
    locality: "Musterstadt")

  private func field(_ change: (inout CommonV1.Address) -> Void) -> String? {
    var address = PostalAddressTests.good
    change(&address)
    do {
      _ = try PostalAddress(address, from: "DE")
      return nil
    } catch {
      return error.field
    }
  }

  @Test("D04 A part that is missing is named")
  func namesMissingPart() {
    #expect(field { _ in } == nil)
    #expect(field { $0.countryCode = "" } == "country_code")
    #expect(field { $0.person = " \n" } == "person")
    #expect(field { $0.streetLines = [] } == "street_lines")
    #expect(field { $0.postalCode = "" } == "postal_code")
    #expect(field { $0.locality = "" } == "locality")
    #expect(
      field {
        ($0.countryCode, $0.postalCode) = ("US", "10118")
      } == "region")
  }

  @Test(
    "D04 A part that cannot be is named",
    arguments: [
      ("DE", "1234"), ("DE", "00123"), ("DE", "1234A"), ("DE", "123456"), ("AT", "0123"),
      ("CH", "123"), ("LI", "8000"), ("FR", "00999"), ("GB", "12345"), ("GB", "BS1 55Y"),
      ("NL", "1015"), ("NL", "0123 AB"), ("JP", "123456"), ("PL", "1234"), ("US", "00012"),
    ])
  func namesImpossibleCode(_ country: String, _ code: String) {
    let found = field {
      ($0.countryCode, $0.postalCode) = (country, code)
      $0.region = country == "US" ? "NY" : country == "JP" ? "Tokyo" : ""
    }
    #expect(found == "postal_code")
  }

  @Test("A country, a region and a length that cannot be are named")
  func namesOtherParts() {
    #expect(field { $0.countryCode = "XX" } == "country_code")
    #expect(
      field {
        ($0.countryCode, $0.postalCode, $0.region) = ("US", "10118", "New York")
      } == "region")
    #expect(field { $0.streetLines = [String(repeating: "x", count: 161)] } == "street_lines")
    #expect(
      field {
        $0.company = "Firma"
        $0.department = "Einkauf"
        $0.streetLines = ["Weg 1", "Haus 2", "Stock 3"]
      } == "street_lines")
  }

  @Test("All codes of Britain's six forms are printed with their space")
  func writesBritishCodes() throws {
    let codes = [
      ("m11ae", "M1 1AE"), ("B338TH", "B33 8TH"), ("CR2 6XH", "CR2 6XH"), ("dn551pt", "DN55 1PT"),
      ("W1A 1HQ", "W1A 1HQ"), ("ec1a-1bb", "EC1A 1BB"),
    ]
    for (given, printed) in codes {
      var address = PostalAddressTests.good
      (address.countryCode, address.postalCode) = ("GB", given)
      #expect(try PostalAddress(address, from: "GB").lines.last == printed)
    }
  }

  @Test("Every format of the data file can be used")
  func readsAllFormats() {
    #expect(PostalFormat.known.count >= 35)
    for country in ["DE", "AT", "CH", "FR", "GB", "US", "NL", "JP", "NO"] {
      #expect(PostalFormat.known[country] != nil, "\(country)")
    }
  }

  @Test(
    "A fault in a data file is told with its place",
    arguments: [
      ("DE: {code: [\"#\"]}", "DE is no mapping"), ("DE: {names: {de: D}}", "DE has no name"),
      ("DE: {names: {en: D}, lines: [\"{nothing}\"]}", "the line {nothing} names no part"),
      ("DE: {names: {en: D}, needs: [street_name]}", "DE.needs: there is no part street_name"),
      ("DE: {names: {en: D}, other: 1}", "DE.other"),
    ])
  func tellsFault(_ text: String, _ expected: String) {
    #expect(throws: PageError(expected)) { try PostalFormat.read(text) }
  }
}
