internal import Messages
internal import ServiceKit

/// The addresses that a replay gives to contacts. `{contact}` stands for their id, `{number}` for
/// twelve digits at most that follow from it.
struct ContactTemplates: Hashable, Sendable {
  var email: String?
  var phone: String?
  /// `STREET; POSTCODE TOWN; COUNTRY`.
  var address: String?

  /// Such as reach nobody, where a flow is to write to them.
  static let unreachable = ContactTemplates(
    email: "{contact}@replay.invalid", phone: "+999{number}",
    address: "Beispielweg {number}; 12345 Musterstadt; DE")

  /// With those of `other` where there are none.
  func filled(from other: ContactTemplates) -> ContactTemplates {
    ContactTemplates(
      email: email ?? other.email, phone: phone ?? other.phone, address: address ?? other.address)
  }

  var isEmpty: Bool { email == nil && phone == nil && address == nil }

  /// With consent to everything, which a replay assumes.
  func profile(_ contact: String, at: Protobuf.Timestamp) -> CartTrackerV1.ContactProfile {
    var profile = CartTrackerV1.ContactProfile()
    let channels: [(template: String?, channel: CommonV1.Channel)] = [
      (email, .email), (phone, .sms),
    ]
    for (template, channel) in channels {
      guard let template else { continue }
      profile.destinations.append(
        .init(
          channel: channel,
          address: ContactTemplates.filled(
            template, channel == .email ? ContactTemplates.mailbox(contact) : contact),
          confirmedAt: at))
      profile.consents += ContactTemplates.consents(channel, at: at)
    }
    guard let address else { return profile }
    profile.address = ContactTemplates.address(address, contact)
    // A letter bears a name, which most logs have not.
    profile.address?.person = "Contact " + ContactTemplates.mailbox(contact)
    profile.consents += ContactTemplates.consents(.letter, at: at)
    return profile
  }

  private static func consents(
    _ channel: CommonV1.Channel, at: Protobuf.Timestamp
  ) -> [CartTrackerV1.Consent] {
    ["recovery", "feedback", "tracking"].map { purpose in
      .init(
        channel: channel, purpose: purpose, source: "homing replay", givenAt: at, confirmedAt: at)
    }
  }

  /// Exchanges the addresses that a file gives to a contact, so that a flow never knows whom they
  /// belong to.
  func rewrite(_ event: inout CartTrackerV1.Event) {
    guard case .contactUpserted(var upserted) = event.kind, !event.contact.isEmpty,
      var profile = upserted.profile, let at = event.at
    else { return }
    let ours = self.profile(event.contact, at: at)
    profile.destinations = ours.destinations
    profile.consents = ours.consents
    profile.address = ours.address ?? profile.address
    let hasName = [profile.givenName, profile.familyName].contains { !$0.isEmpty }
    if hasName { profile.address?.person = "" }
    upserted.profile = profile
    event.kind = .contactUpserted(upserted)
  }

  /// - Throws: `CommandError` for an address that is not in its form.
  func check() throws(CommandError) {
    guard let address, ContactTemplates.address(address, "1") == nil else { return }
    throw AddressText.refusal(address)
  }

  /// What a flow in test mode may write to: whole ranges that reach nobody.
  ///
  /// - Throws: `CommandError` where an address could be somebody's.
  func testAddresses() throws(CommandError) -> [String] {
    var addresses: [String] = []
    if let email {
      let domain = email[(email.lastIndex(of: "@") ?? email.startIndex)...]
      let last = domain.split(separator: ".").last.map(String.init) ?? ""
      guard domain.hasPrefix("@"), !domain.contains("{"),
        ["test", "invalid", "example"].contains(last)
      else {
        throw .usage(
          "--email must end in a domain below invalid, test or example where a flow runs, is "
            + "\"\(Printable.text(email))\"")
      }
      addresses.append(String(domain))
    }
    if let phone {
      guard phone.hasPrefix("+999") else {
        throw .usage(
          "--phone must begin with +999 where a flow runs, is \"\(Printable.text(phone))\"")
      }
      addresses.append("+999*")
    }
    // Letters in test mode are samples that only the folder gets, wherever they are addressed to.
    if address != nil { addresses.append("post:*") }
    return addresses
  }

  private static func filled(_ template: String, _ contact: String) -> String {
    template.exchanging("{number}") { number(contact) }.exchanging("{contact}") { contact }
  }

  /// The id where it can stand before the @, else what follows from it.
  private static func mailbox(_ contact: String) -> String {
    let isPlain = contact.utf8.allSatisfy { byte in
      (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte)
        || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }
    if isPlain && contact.utf8.count <= 48 { return contact }
    return "c-" + HexText.text(SHA256.hash(Array(contact.utf8)).prefix(8))
  }

  private static func number(_ contact: String) -> String {
    let isNumber = contact.utf8.allSatisfy { (0x30...0x39).contains($0) }
    if isNumber && contact.utf8.count <= 12 { return contact }
    let hash = SHA256.hash(Array(contact.utf8)).prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    let digits = String(hash % 1_000_000_000_000)
    return String(repeating: "0", count: 12 - digits.utf8.count) + digits
  }

  private static func address(_ template: String, _ contact: String) -> CommonV1.Address? {
    AddressText.address(filled(template, contact))
  }
}

extension String {
  /// With every occurrence of `part` exchanged.
  fileprivate func exchanging(_ part: String, by other: () -> String) -> String {
    let pieces = split(separator: part, omittingEmptySubsequences: false)
    return pieces.count == 1 ? self : pieces.joined(separator: other())
  }
}
