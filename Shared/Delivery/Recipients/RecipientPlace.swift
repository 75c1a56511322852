package import Messages
package import ServiceKit

/// Where a recipient is, as far as it is known: the postal address, else the telephone numbers
/// (F16, F20).
package enum RecipientPlace {
  /// ISO 3166-1, two capital letters; nil where nothing tells it.
  ///
  /// A prefix that several countries share (`+1`, `+7`) tells none.
  package static func country(of profile: CartTrackerV1.ContactProfile?) -> String? {
    let stated = profile?.address?.countryCode ?? ""
    if !stated.isEmpty { return stated }
    for destination in profile?.destinations ?? [] where destination.channel == .sms {
      if let country = country(ofNumber: destination.address) { return country }
    }
    return nil
  }

  /// The zones that the recipient may be in: the stated one, else the postal address's, else that
  /// of the telephone number's country, else the store's; never empty. Several where the address
  /// leaves it open, the principal one first. A stated zone that no file has counts as none.
  package static func zones(
    of profile: CartTrackerV1.ContactProfile?, store: TimeZoneRules
  ) -> [TimeZoneRules] {
    let stated = profile?.timeZone ?? ""
    if !stated.isEmpty, let zone = try? TimeZoneRules(name: stated) { return [zone] }
    if let address = profile?.address {
      let zones = CountryZones.shipped.zones(of: address)
      if !zones.isEmpty { return zones }
    }
    if let country = country(of: profile) {
      let zones = CountryZones.shipped.zones(of: .init(countryCode: country))
      if !zones.isEmpty { return zones }
    }
    return [store]
  }

  /// The principal one of `zones`: for what may be an hour off.
  package static func zone(
    of profile: CartTrackerV1.ContactProfile?, store: TimeZoneRules
  ) -> TimeZoneRules {
    zones(of: profile, store: store)[0]
  }

  private static func country(ofNumber number: String) -> String? {
    // The longest prefix: +42 is nobody's, +420 and +423 are two countries'.
    for length in [4, 3] {
      if let country = prefixes[String(number.prefix(length))] { return country }
    }
    return nil
  }

  /// Of telephone numbers in E.164; those that several countries share are left out.
  private static let prefixes = [
    "+32": "BE", "+31": "NL", "+33": "FR", "+36": "HU", "+39": "IT", "+40": "RO", "+41": "CH",
    "+43": "AT", "+44": "GB", "+45": "DK", "+46": "SE", "+47": "NO", "+48": "PL", "+49": "DE",
    "+65": "SG", "+81": "JP", "+91": "IN", "+352": "LU", "+353": "IE", "+358": "FI",
    "+420": "CZ", "+423": "LI",
  ]
}
