internal import Messages
internal import ServiceKit

/// What is known about a person and a cart when a condition is evaluated, by the names that
/// conditions use.
///
/// A name without an entry is unknown. An entry without values is known to be none: no tag, no
/// reason, nothing of worth. Totals have a value for each currency and are never summed (C30).
struct FactSheet: Sendable {
  private(set) var values: [FactName: [FactValue]]

  init(_ values: [FactName: [FactValue]] = [:]) { self.values = values }

  subscript(name: String) -> [FactValue]? {
    get { values[FactName(text: name)] }
    set { values[FactName(text: name)] = newValue }
  }

  subscript(name: FactName) -> [FactValue]? { values[name] }

  /// The facts of these names as a decision keeps them, by name; several values of a text fact are
  /// joined by `, `.
  func attributes(of names: Set<FactName>) -> [CommonV1.Attribute] {
    names.sorted { $0.text < $1.text }.flatMap { name -> [CommonV1.Attribute] in
      guard let values = values[name] else { return [] }
      let texts = values.compactMap { if case .text(let text) = $0 { text } else { nil } }
      let shownName = Quoted.cut(name.text, 64)
      if texts.count == values.count {
        return [
          .init(name: shownName, value: .text(Quoted.cut(texts.joined(separator: ", "), 1024)))
        ]
      }
      return values.map { CommonV1.Attribute(name: shownName, value: $0.contract) }
    }
  }
}

extension FactValue {
  var contract: CommonV1.Attribute.Value {
    switch self {
    case .text(let text): .text(Quoted.cut(text, 1024))
    case .number(let number): .number(number)
    case .flag(let flag): .flag(flag)
    case .instant(let instant): .instant(Instant(microseconds: instant).timestamp)
    case .money(let currency, let units, let nanos):
      .money(CommonV1.Money(currencyCode: currency, units: units, nanos: nanos))
    }
  }

  init?(_ value: CommonV1.Attribute.Value?) {
    switch value {
    case .text(let text): self = .text(text)
    case .number(let number): self = .number(number)
    case .flag(let flag): self = .flag(flag)
    case .instant(let time):
      guard let instant = try? Instant(time) else { return nil }
      self = .instant(instant.microseconds)
    case .money(let money): self = FactValue(money)
    case nil: return nil
    }
  }

  init(_ money: CommonV1.Money) {
    self = .money(currency: money.currencyCode, units: money.units, nanos: money.nanos)
  }
}

extension FactSheet {
  /// - Parameters:
  ///   - cart: what the enrolment is about; empty: the most valuable of the contact's carts.
  ///   - anchor: purchases at or after it count as `bought`; nil: any purchase does.
  ///   - episode: the enrolment's; stands in for the cart where the facts do not hold it.
  ///   - purchasedTag: the tag that the store sets on a purchase. To ask for it is to ask whether
  ///     something was bought since the anchor, also by a linked identity (P05).
  init(
    facts: CartTrackerV1.Facts, store: String, cart: String, anchor: CommonV1.Anchor?,
    episode: CartTrackerV1.Episode? = nil, purchasedTag: String = "BUY"
  ) {
    self.init()
    self["store"] = [.text(store)]
    if facts.unknown { return }
    let isBought = FactSheet.isBought(facts, anchor)
    self["bought"] = [.flag(isBought)]
    let live = facts.carts.first { cart.isEmpty || $0.id == cart }
    if let live {
      add(live)
    } else if let episode = episode ?? facts.episode, cart.isEmpty || episode.cart == cart {
      add(episode)
    }
    guard let contact = facts.contact else { return }
    add(contact)
    let tags = contact.tags.filter { $0 != purchasedTag } + (isBought ? [purchasedTag] : [])
    self["tag"] = tags.map { .text($0) }
    let company = live?.header?.company ?? ""
    let known = company.isEmpty ? contact.profile?.company ?? "" : company
    if !known.isEmpty { self["company"] = [.text(known)] }
    if self["score"] == nil, let score = facts.episode?.score {
      self["score"] = [.number(Double(score.value))]
    }
  }

  private static func isBought(_ facts: CartTrackerV1.Facts, _ anchor: CommonV1.Anchor?) -> Bool {
    guard let purchasedAt = facts.purchasedAt else { return false }
    guard let since = anchor?.at else { return true }
    return (purchasedAt.seconds, purchasedAt.nanos) >= (since.seconds, since.nanos)
  }

  private mutating func add(_ cart: CartTrackerV1.Cart) {
    self["cart.total"] = cart.totals.map { FactValue($0) }
    self["cart.lines"] = [.number(Double(cart.lines.count))]
    self["cart.items"] = [.number(FactSheet.pieces(cart))]
    let header = cart.header ?? .init()
    addChoice("cart.kind", Int(header.kind.rawValue), FactCatalogue.kinds)
    addChoice("cart.stage", Int(header.stage.rawValue), FactCatalogue.stages)
    addChoice("cart.place", Int(header.place.rawValue), FactCatalogue.places)
    addChoice("cart.device", Int(header.device.rawValue), FactCatalogue.devices)
    addChoice("cart.offer_class", Int(header.offerClass.rawValue), FactCatalogue.offers)
    addReasons(cart.reasons)
    if let score = cart.score { self["score"] = [.number(Double(score.value))] }
  }

  /// As it was at the abandonment.
  private mutating func add(_ episode: CartTrackerV1.Episode) {
    self["cart.total"] = episode.totals.map { FactValue($0) }
    addChoice("cart.kind", Int(episode.kind.rawValue), FactCatalogue.kinds)
    addChoice("cart.stage", Int(episode.stage.rawValue), FactCatalogue.stages)
    addReasons(episode.reasons)
    if let score = episode.score { self["score"] = [.number(Double(score.value))] }
    if !episode.company.isEmpty { self["company"] = [.text(episode.company)] }
  }

  /// Pieces are counted, what is measured otherwise counts once a line.
  private static func pieces(_ cart: CartTrackerV1.Cart) -> Double {
    let pieceCodes: Set = ["", "C62", "EA", "H87", "PCE"]
    return cart.lines.reduce(0) { sum, line in
      guard let quantity = line.quantity, pieceCodes.contains(quantity.unitCode) else {
        return sum + 1
      }
      return sum + Double(quantity.units) + Double(quantity.nanos) / 1e9
    }
  }

  /// Numbers of the contract count from 1 in the order of the words; 0 is unknown.
  private mutating func addChoice(_ name: String, _ number: Int, _ words: [String]) {
    if words.indices.contains(number - 1) { self[name] = [.text(words[number - 1])] }
  }

  private mutating func addReasons(_ reasons: [CartTrackerV1.CartReason]) {
    let words = FactCatalogue.reasons
    self["cart.reason"] = reasons.map { Int($0.reason.rawValue) - 1 }
      .filter { words.indices.contains($0) }.map { .text(words[$0]) }
  }

  private mutating func add(_ contact: CartTrackerV1.Contact) {
    let profile = contact.profile ?? .init()
    for attribute in profile.attributes {
      guard let value = FactValue(attribute.value) else { continue }
      self[FactCatalogue.attributePrefix + attribute.name] = [value]
    }
    if !profile.locale.isEmpty {
      let locale = profile.locale.lowercased().replacing("_", with: "-")
      self["contact.locale"] = [.text(locale)]
      self["contact.language"] = [.text(String(locale.prefix { $0 != "-" }))]
    }
    let country = profile.address?.countryCode ?? ""
    if !country.isEmpty { self["contact.country"] = [.text(country.uppercased())] }
    let channels = Set(profile.destinations.map(\.channel))
    self["has email"] = [.flag(channels.contains(.email))]
    self["has phone"] = [.flag(channels.contains(.sms))]
    self["has address"] = [.flag(profile.address != nil)]
    self["history.orders"] = [.number(Double(contact.history?.orders ?? 0))]
    self["history.total"] = (contact.history?.totals ?? []).map { FactValue($0) }
  }
}
