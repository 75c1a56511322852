internal import Delivery
internal import Messages

/// How postal addresses are compared.
enum AddressComparison {
  /// What tells two addresses apart whoever lives there: neither names nor companies, and nothing
  /// of how a line is written but its letters and digits.
  static func normal(_ address: CommonV1.Address) -> String {
    let parts =
      [address.countryCode, address.postalCode, address.locality, address.dependentLocality]
      + [address.postOfficeBox] + address.streetLines
    return parts.map(folded).joined(separator: "\n")
  }

  /// The parts that say where, without who: what an objection to an address keeps.
  static func place(_ address: CommonV1.Address) -> CommonV1.Address {
    var place = address
    place.company = ""
    place.department = ""
    place.person = ""
    return place
  }

  static func folded(_ text: String) -> String {
    let letters = text.lowercased().filter { $0.isLetter || $0.isNumber }
    return letters.replacing("ß", with: "ss").replacing("strasse", with: "str")
  }
}

/// Under which keys a controller's objections are kept (D10).
enum ObjectionKeys {
  static func contact(_ controller: String, _ contact: String) -> OwnerKey {
    OwnerKey.address(scope: "", channel: .letter, address: "\(controller)\u{0}c\u{0}\(contact)")
  }

  static func address(_ controller: String, _ address: CommonV1.Address) -> OwnerKey {
    OwnerKey.address(
      scope: "", channel: .letter,
      address: "\(controller)\u{0}a\u{0}\(AddressComparison.normal(address))")
  }

  /// A person at an address, found by its keyed hash only; nil where the address names no one.
  static func person(_ controller: String, _ address: CommonV1.Address) -> OwnerKey? {
    let person = AddressComparison.folded(address.person)
    if person.isEmpty { return nil }
    return OwnerKey.address(
      scope: "", channel: .letter,
      address: "\(controller)\u{0}p\u{0}\(AddressComparison.normal(address))\u{0}\(person)")
  }

  /// Of the samples that an address got: they hold back samples alone.
  static func samples(_ controller: String, _ address: CommonV1.Address) -> OwnerKey {
    OwnerKey.address(
      scope: "", channel: .letter,
      address: "\(controller)\u{0}s\u{0}\(AddressComparison.normal(address))")
  }
}
