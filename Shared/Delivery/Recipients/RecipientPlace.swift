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

  /// The stated zone, else the country's where it has one only, else the store's. A stated zone
  /// that no file has counts as none.
  package static func zone(
    of profile: CartTrackerV1.ContactProfile?, store: TimeZoneRules
  ) -> TimeZoneRules {
    let stated = profile?.timeZone ?? ""
    if !stated.isEmpty, let zone = try? TimeZoneRules(name: stated) { return zone }
    if let country = country(of: profile), let name = zones[country],
      let zone = try? TimeZoneRules(name: name)
    {
      return zone
    }
    return store
  }

  private static func country(ofNumber number: String) -> String? {
    // The longest prefix: +42 is nobody's, +420 and +423 are two countries'.
    for length in [4, 3] {
      if let country = prefixes[String(number.prefix(length))] { return country }
    }
    return nil
  }

  /// Countries with one zone.
  private static let zones = [
    "AT": "Europe/Vienna", "BE": "Europe/Brussels", "CH": "Europe/Zurich", "CZ": "Europe/Prague",
    "DE": "Europe/Berlin", "DK": "Europe/Copenhagen", "FI": "Europe/Helsinki",
    "FR": "Europe/Paris", "GB": "Europe/London", "HU": "Europe/Budapest", "IE": "Europe/Dublin",
    "IN": "Asia/Kolkata", "IT": "Europe/Rome", "JP": "Asia/Tokyo", "LI": "Europe/Vaduz",
    "LU": "Europe/Luxembourg", "NL": "Europe/Amsterdam", "NO": "Europe/Oslo",
    "PL": "Europe/Warsaw", "RO": "Europe/Bucharest", "SE": "Europe/Stockholm",
    "SG": "Asia/Singapore",
  ]

  /// Of telephone numbers in E.164; those that several countries share are left out.
  private static let prefixes = [
    "+32": "BE", "+31": "NL", "+33": "FR", "+36": "HU", "+39": "IT", "+40": "RO", "+41": "CH",
    "+43": "AT", "+44": "GB", "+45": "DK", "+46": "SE", "+47": "NO", "+48": "PL", "+49": "DE",
    "+65": "SG", "+81": "JP", "+91": "IN", "+352": "LU", "+353": "IE", "+358": "FI",
    "+420": "CZ", "+423": "LI",
  ]
}
