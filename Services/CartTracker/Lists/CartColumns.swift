internal import Delivery
internal import Messages
internal import Storage

/// The row of the table `cart` that the lists read: what one cart looks like from outside.
struct CartColumns {
  private let key: PersonKey
  private let person: Tracked.StoredPerson
  private let cart: Tracked.StoredCart
  private let contact: Tracked.StoredPerson?
  private let version: UInt64
  private let archived: [UInt8]?

  /// - Parameters:
  ///   - person: whose events began the cart.
  ///   - contact: whom the cart belongs to: the person, or what the guest became; nil for a guest.
  ///   - version: log position up to which the cart is folded; below 2⁶³.
  ///   - archived: the cart, where the person's state no longer has it.
  init(
    key: PersonKey, person: Tracked.StoredPerson, cart: Tracked.StoredCart,
    contact: Tracked.StoredPerson?, version: UInt64, archived: [UInt8]? = nil
  ) {
    self.key = key
    self.person = person
    self.cart = cart
    self.contact = contact
    self.version = version
    self.archived = archived
  }

  /// Writes the row, whether there was one or not.
  func upsert(in session: any StorageSession) throws {
    try session.execute(CartStatements.upsertCart, values)
  }

  /// In the order of `CartStatements.upsertCart`.
  var values: [SQLValue] {
    let profile = contact?.profile?.profile
    let totals = CartTotals.totals(of: cart.lines)
    let episode = cart.announcedEpisode
    let names = CustomerNames(profile)
    return [
      .integer(key.bucket), .blob(key.bytes), .text(cart.id), .text(person.store),
      .text(contact?.contact ?? ""), .integer(cart.announcedState.rawValue),
      .integer(cart.kind.rawValue), .integer(cart.header?.place.rawValue ?? 0),
      .integer(cart.header?.offerClass.rawValue ?? 0), .integer(cart.stage.rawValue),
      .integer(cart.stages), .integer(episode?.stage.rawValue ?? 0), .integer(reasons),
      .text(company(profile)), .integer(episode?.score?.value ?? 0), .integer(cart.startedAt),
      .integer(cart.lastActivityAt), .optional(cart.closedAt == 0 ? nil : cart.closedAt),
      .optional(episode?.abandonedAt), .integer(cart.episodesAnnounced), .real(quantity),
      .integer(totals.first?.units ?? 0), .integer(totals.first?.nanos ?? 0),
      .text(totals.first?.currencyCode ?? ""), .text(names.person), .text(names.company),
      .text(profile?.email ?? ""), .text(profile?.phone ?? ""),
      .text(SearchText.joined(cart.lines.lazy.map(\.name))),
      .text(SearchText.joined(cart.lines.lazy.map(\.sku))), .text(names.folded),
      .text(SearchText.joined(profile?.contactDetails ?? [])),
      .text(totals.map(CartColumns.text).joined(separator: String(SearchText.separator))),
      .integer(version), .optional(archived),
    ]
  }

  /// A total as it stands in the column for exact search, such as `EUR 12.500000000`.
  static func text(_ total: CommonV1.Money) -> String {
    "\(total.currencyCode) \(Amount(total).text(digitsMin: 9))"
  }

  /// A bit for each reason, by its number.
  static func bit(_ reason: Tracked.LeaveReason) -> Int64 {
    (0..<63).contains(reason.rawValue) ? 1 << Int64(reason.rawValue) : 0
  }

  private var reasons: Int64 { cart.reasons.reduce(0) { $0 | CartColumns.bit($1.reason) } }

  private var quantity: Double {
    CartTotals.quantities(of: cart.lines).reduce(0) { $0 + Amount($1).approximate }
  }

  private func company(_ profile: Tracked.ContactProfile?) -> String {
    let stated = cart.header?.company ?? ""
    return stated.isEmpty ? (profile?.company ?? "") : stated
  }
}

/// How a customer is called.
struct CustomerNames {
  /// Given and family name; else who the letters go to.
  let person: String
  let company: String

  init(_ profile: Tracked.ContactProfile?) {
    let parts = [profile?.givenName, profile?.familyName].compactMap { $0 }.filter { !$0.isEmpty }
    person = parts.isEmpty ? (profile?.address?.person ?? "") : parts.joined(separator: " ")
    let stated = profile?.companyName ?? ""
    company = stated.isEmpty ? (profile?.address?.company ?? "") : stated
  }

  /// For search and order: the person, then the company.
  var folded: String { SearchText.joined([person, company]) }
}

extension Tracked.ContactProfile {
  /// The first e-mail address.
  var email: String { destinations.first { $0.channel == .email }?.address ?? "" }

  /// The first phone number.
  var phone: String { destinations.first { $0.channel == .sms }?.address ?? "" }

  /// E-mail addresses, phone numbers, chat ids, and the postal address as one text.
  var contactDetails: [String] {
    var details: [String] = []
    for destination in destinations {
      switch destination.channel {
      case .email, .sms, .chat: details.append(destination.address)
      default: break
      }
    }
    if let address {
      let parts =
        [address.company, address.department, address.person] + address.streetLines + [
          address.postOfficeBox, address.postalCode, address.locality, address.dependentLocality,
          address.region, address.countryCode,
        ]
      details.append(parts.filter { !$0.isEmpty }.joined(separator: " "))
    }
    return details
  }
}

extension Tracked.StoredCart {
  /// The newest episode that others know of.
  var announcedEpisode: Tracked.StoredEpisode? {
    episodes.last { $0.knownAt != 0 && $0.state != .withdrawn }
  }

  /// What others know: a silence that is not announced is none yet.
  var announcedState: Tracked.CartState {
    state == .abandoned && episodes.last?.knownAt ?? 0 == 0 ? .open : state
  }

  var lastActivityAt: Int64 { active?.at ?? startedAt }
}
