internal import Messages
internal import Texts

/// Why an address cannot be written on a letter.
struct AddressFault: Error, Hashable, Sendable {
  /// As the contract calls it, such as `postal_code`.
  let field: String
  /// For a developer's eyes: holds no personal data.
  let problem: String

  init(_ field: String, _ problem: String) {
    self.field = field
    self.problem = problem
  }
}

/// An address that was checked, as the lines of an address field (D04).
struct PostalAddress: Hashable, Sendable {
  static let lineSizeMax = 160

  /// Names first, the country last where it is not the sender's.
  let lines: [String]
  let countryCode: String

  /// - Parameter senderCountry: ISO 3166-1: its own letters bear no country.
  init(_ address: CommonV1.Address, from senderCountry: String) throws(AddressFault) {
    let country = address.countryCode
    guard let format = PostalFormat.known[country] else {
      throw AddressFault(
        "country_code", country.isEmpty ? "is missing" : "has no postal format here")
    }
    countryCode = country
    let parts = try AddressParts(address, format)
    let native = PostalAddress.isNative(address) ? format.native : nil
    let place = (native ?? format.lines).flatMap { line in
      if line.pieces.count == 1, case .part(.street) = line.pieces[0] { return parts.street }
      return [line.text { parts[$0] }]
    }
    // From the largest to the smallest in the country's own characters, else the other way.
    var lines = (native == nil ? parts.names + place : place + parts.names).filter { !$0.isEmpty }
    if country != senderCountry {
      let language = PostalAddress.language(of: senderCountry)
      lines.append(format.names[language] ?? format.names["en"] ?? country)
    }
    guard lines.count <= PageGeometry.addressLinesMax else {
      throw AddressFault(
        "street_lines",
        "the address has \(lines.count) lines, the address field "
          + "\(PageGeometry.addressLinesMax)")
    }
    self.lines = lines
  }

  /// A country's name is written in the language of the country that the letter comes from.
  private static func language(of country: String) -> String {
    switch country {
    case "DE", "AT", "CH", "LI": "de"
    case "FR", "BE", "LU", "MC": "fr"
    default: "en"
    }
  }

  /// Han, kana or Hangul in the parts that tell the place.
  private static func isNative(_ address: CommonV1.Address) -> Bool {
    (address.streetLines + [address.locality, address.region]).contains { text in
      text.unicodeScalars.contains { scalar in
        switch scalar.value {
        case 0x3040...0x30FF, 0x3400...0x9FFF, 0xAC00...0xD7AF, 0x20000...0x3FFFF: true
        default: false
        }
      }
    }
  }
}

/// The parts of an address, each checked and in one line.
private struct AddressParts {
  var names: [String] = []
  let street: [String]
  private let parts: [AddressPart: String]

  init(_ address: CommonV1.Address, _ format: PostalFormat) throws(AddressFault) {
    let company = try AddressParts.line("company", address.company)
    let person = try AddressParts.line("person", address.person)
    if company.isEmpty && person.isEmpty { throw AddressFault("person", "is missing") }
    names = [company, try AddressParts.line("department", address.department), person]
    var street: [String] = []
    for line in address.streetLines {
      street.append(try AddressParts.line("street_lines", line))
    }
    self.street = street.filter { !$0.isEmpty }
    let box = try AddressParts.line("post_office_box", address.postOfficeBox)
    if self.street.isEmpty && box.isEmpty { throw AddressFault("street_lines", "is missing") }
    var parts: [AddressPart: String] = [
      .box: box, .street: self.street.joined(separator: " "),
      .locality: try AddressParts.line("locality", address.locality),
      .dependentLocality: try AddressParts.line("dependent_locality", address.dependentLocality),
      .region: try AddressParts.region(address.region, format),
      .postalCode: try AddressParts.code(address.postalCode, format),
    ]
    for part in [AddressPart.locality] + format.needs.sorted(by: { $0.rawValue < $1.rawValue })
    where parts[part, default: ""].isEmpty {
      throw AddressFault(part.field, "is missing")
    }
    for part in format.capitals { parts[part] = parts[part]?.uppercased() }
    self.parts = parts
  }

  subscript(part: AddressPart) -> String { parts[part] ?? "" }

  /// Without control characters and white space at its ends.
  private static func line(_ field: String, _ text: String) throws(AddressFault) -> String {
    let line = OneLine.text(text)
    guard line.utf8.count <= PostalAddress.lineSizeMax else {
      throw AddressFault(
        field, "has \(line.utf8.count) bytes, the limit is \(PostalAddress.lineSizeMax)")
    }
    return line
  }

  private static func code(_ text: String, _ format: PostalFormat) throws(AddressFault) -> String {
    let code = try line("postal_code", text)
    if code.isEmpty || format.codes.isEmpty { return code }
    guard let printed = format.codes.lazy.compactMap({ $0.printed(code) }).first else {
      let forms = format.codes.map(\.text).joined(separator: ", ")
      throw AddressFault("postal_code", "has not the country's form, which is \(forms)")
    }
    if format.impossibleCodes.contains(where: { $0.printed(code) != nil }) {
      throw AddressFault("postal_code", "is one that no place has")
    }
    return printed
  }

  private static func region(
    _ text: String, _ format: PostalFormat
  ) throws(AddressFault) -> String {
    let region = try line("region", text)
    if region.isEmpty || format.regions.isEmpty { return region }
    let short = region.uppercased()
    guard format.regions.contains(short) else {
      throw AddressFault("region", "is none of the country's, written in its short form")
    }
    return short
  }
}
