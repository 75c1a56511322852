internal import Messages

/// A contact's profile, of which each field carries when it was so in its source (P06).
extension Tracked.StoredProfile {
  private static let consentsMax = 64
  private static let attributesMax = 64

  /// A later `source_at` wins, field by field; at the same instant the later event.
  func merged(with new: Tracked.ContactProfile, at eventAt: Int64) -> Tracked.StoredProfile {
    var result = self
    var profile = self.profile ?? Tracked.ContactProfile()
    let at = new.sourceAt?.microseconds ?? eventAt
    let cleared = Set(new.cleared)

    func take(_ field: String, _ isStated: Bool, _ set: (inout Tracked.ContactProfile) -> Void) {
      guard isStated || cleared.contains(field) else { return }
      if result.claim(field, at) { set(&profile) }
    }
    func text(_ field: String, _ path: WritableKeyPath<Tracked.ContactProfile, String>) {
      take(field, !new[keyPath: path].isEmpty) { $0[keyPath: path] = new[keyPath: path] }
    }
    text("given_name", \.givenName)
    text("family_name", \.familyName)
    text("title", \.title)
    text("salutation", \.salutation)
    text("company", \.company)
    text("company_name", \.companyName)
    text("locale", \.locale)
    text("time_zone", \.timeZone)
    take("destinations", !new.destinations.isEmpty) { $0.destinations = new.destinations }
    take("address", new.address != nil) { $0.address = new.address }
    for attribute in new.attributes where result.claim("attribute " + attribute.name, at) {
      profile.attributes.removeAll { $0.name == attribute.name }
      if attribute.value != nil && profile.attributes.count < Self.attributesMax {
        profile.attributes.append(attribute)
      }
    }
    profile.attributes.sort { $0.name < $1.name }
    for consent in new.consents { profile.consents.add(consent, max: Self.consentsMax) }
    profile.sourceAt = .init(instant: max(at, profile.sourceAt?.microseconds ?? .min))
    result.profile = profile
    return result
  }

  /// Whether a value of this instant replaces the field's; notes the instant if so.
  private mutating func claim(_ field: String, _ at: Int64) -> Bool {
    guard let index = fields.firstIndex(of: field), index < fieldTimes.count else {
      fields.append(field)
      fieldTimes.append(at)
      return true
    }
    if at < fieldTimes[index] { return false }
    fieldTimes[index] = at
    return true
  }
}

extension [Tracked.Consent] {
  /// Evidence is kept: an equal one is not added again, the oldest go first when there are too
  /// many.
  fileprivate mutating func add(_ consent: Tracked.Consent, max: Int) {
    if contains(consent) { return }
    append(consent)
    sort {
      ($0.latest, $0.channel.rawValue, $0.purpose) < ($1.latest, $1.channel.rawValue, $1.purpose)
    }
    if count > max { removeFirst(count - max) }
  }
}

extension Tracked.Consent {
  /// When it was last given, confirmed or withdrawn.
  var latest: Int64 {
    [givenAt, confirmedAt, withdrawnAt].compactMap { $0?.microseconds }.max() ?? 0
  }
}
