package import Messages
package import ServiceKit

/// What the values of one message are made from.
package struct ValueSource: Sendable {
  package let order: CommonV1.SendOrder
  /// Of the order's contact and cart.
  package let facts: CartTrackerV1.Facts
  /// With its settings and imprint.
  package let store: CartTrackerV1.Store
  /// For what has expired.
  package let now: Instant

  package init(
    order: CommonV1.SendOrder, facts: CartTrackerV1.Facts, store: CartTrackerV1.Store, now: Instant
  ) {
    self.order = order
    self.facts = facts
    self.store = store
    self.now = now
  }
}

/// Makes the links of one message.
package protocol ValueLinks {
  /// What to show for a link to `url`; nil where that is no address of the web.
  mutating func link(_ name: String, _ url: String) -> String?
  /// Nil where there is none.
  var unsubscribe: String? { get }
  /// Of the picture that tells of an opening; nil where there is none.
  var openPixel: String? { get }
}

/// How many of a list's entries are shown; the rest is counted.
package enum ValueLimits {
  package static let lines = 20
  /// Of each covered cart.
  package static let coveredLines = 5
  package static let coveredCarts = 16
}

/// Collects what a template may show of one message (M06).
package struct ValueBuilder<Links: ValueLinks> {
  package let request: ValueSource
  package let locale: String
  package let forms: LocaleForms
  package let zone: TimeZoneRules
  /// Without tracking, cart or unsubscribe tokens (M04).
  package let isCopy: Bool
  package var links: Links
  package private(set) var values = MessageValues()

  package init(
    _ request: ValueSource, locale: String, zone: TimeZoneRules, isCopy: Bool,
    links: Links
  ) {
    self.request = request
    self.locale = locale
    forms = LocaleForms.of(locale)
    self.zone = zone
    self.isCopy = isCopy
    self.links = links
  }

  /// - Parameter named: whether the template uses `flow.…` or `attribute.…`.
  package mutating func build(named: Bool) {
    addContact()
    addStore()
    addCart()
    addIncentive()
    addCoveredCarts()
    addMessage()
    if named { addNamed() }
  }

  private func set(_ parameter: MessageParameter, _ text: String?, _ values: inout MessageValues) {
    values.message.set(parameter, text)
  }

  private mutating func addContact() {
    let profile = request.facts.contact?.profile ?? CartTrackerV1.ContactProfile()
    values.message.set(.greeting, Salutation.greeting(profile, forms.language))
    values.message.set(.customerName, Salutation.name(profile, forms.language))
    values.message.set(.givenName, OneLine.text(profile.givenName))
    values.message.set(.familyName, OneLine.text(profile.familyName))
    values.message.set(.title, OneLine.text(profile.title))
    values.message.set(.salutation, OneLine.text(profile.salutation))
    values.message.set(.company, OneLine.text(profile.companyName))
    values.message.set(.contactId, request.order.contact)
    values.message.set(.customerEmail, destination(.email, profile))
    values.message.set(.customerPhone, destination(.sms, profile))
  }

  private func destination(
    _ channel: CommonV1.Channel, _ profile: CartTrackerV1.ContactProfile
  ) -> String? {
    profile.destinations.first { $0.channel == channel }.map { OneLine.text($0.address) }
  }

  private mutating func addStore() {
    let settings = request.store.settings
    let imprint = settings?.imprint ?? CartTrackerV1.Imprint()
    values.message.set(.storeName, OneLine.text(settings?.name ?? ""))
    values.message.set(.storeLink, WebURL(imprint.website)?.text)
    values.message.set(.senderName, OneLine.text(imprint.senderName))
    values.message.set(.legalName, OneLine.text(imprint.legalName))
    values.message.set(.legalText, imprint.legalText)
    let support = [imprint.supportEmail, imprint.supportPhone].map(OneLine.text)
    values.message.set(.supportEmail, support[0])
    values.message.set(.supportPhone, support[1])
    values.message.set(.supportContact, support.filter { !$0.isEmpty }.joined(separator: " · "))
    let lines = PostalLines.of(imprint.address)
    guard !lines.isEmpty else { return }
    values.message[.postalLines] = .list(lines.map { ValueFrame(single: $0) })
    let address = lines.joined(separator: ", ")
    values.message.set(.postalAddress, address)
    let legalName = OneLine.text(imprint.legalName)
    if legalName.isEmpty { return }
    let parts = [legalName, address, OneLine.text(imprint.legalText)].filter { !$0.isEmpty }
    values.message.set(.imprint, parts.joined(separator: " · "))
  }

  private mutating func addCart() {
    guard let cart = cart else {
      values.message.set(.cartLink, cartLink(nil, "cart_link"))
      return
    }
    values.message.set(.cartLink, cartLink(cart, "cart_link"))
    let lines = lines(cart, ValueLimits.lines, "lines")
    values.message[.lines] = .list(lines)
    let rest = cart.lines.count - lines.count
    values.message.set(.moreLines, rest > 0 ? "\(rest)" : nil)
    values.message.set(.itemCount, cart.lines.isEmpty ? nil : "\(cart.lines.count)")
    values.message.set(.firstProduct, cart.lines.first.map { OneLine.text($0.name) })
    values.message.set(
      .firstImage, cart.lines.lazy.compactMap { WebURL($0.imageURL)?.text }.first)
    let totals = cart.totals.map { AmountText.money($0, forms) }
    values.message.set(.total, totals.joined(separator: " + "))
    values.message[.totals] = .list(totals.map { ValueFrame(single: $0) })
    values.message.set(.shippingCost, cart.header?.shipping.map { AmountText.money($0, forms) })
    values.message.set(.taxAmount, cart.header?.tax.map { AmountText.money($0, forms) })
    values.message.set(.cartDiscount, cart.header?.discount.map { AmountText.money($0, forms) })
    values.message.set(.quote, cart.header.map { OneLine.text($0.quote) })
    values.message.set(.cartId, cart.id)
    values.message.set(.deadline, comingDay(cart.deadline))
    values.message.set(.lastActivity, day(cart.lastActivityAt))
    values.message.set(.leadScore, cart.score.map { "\($0.value)" })
    if let name = CartKindText.names[cart.header?.kind ?? .cart] {
      values.named["kind.\(name)"] = .flag(true)
    }
    addReason(cart)
  }

  /// What a person stated or staff corrected outweighs what was inferred (C21).
  private mutating func addReason(_ cart: CartTrackerV1.Cart) {
    for reason in cart.reasons {
      guard let name = LeaveReasonText.names[reason.reason] else { continue }
      values.named["reason.\(name)"] = .flag(true)
    }
    // The first of the highest basis.
    let order: [CartTrackerV1.CartReason.Basis] = [.corrected, .stated, .inferred]
    let reason = order.lazy.compactMap { basis in
      cart.reasons.first { $0.basis == basis }
    }.first
    values.message.set(.reason, reason.flatMap { LeaveReasonText.text($0.reason, forms.language) })
  }

  /// What the order carries; an offer that has ended is none.
  private var incentive: CommonV1.Incentive? {
    guard let incentive = request.order.incentive else { return nil }
    let ends = incentive.expiresAt.flatMap { try? Instant($0) }
    if let ends, ends <= request.now { return nil }
    return incentive
  }

  private mutating func addIncentive() {
    guard let incentive else { return }
    values.message[.incentive] = .flag(true)
    values.message.set(.coupon, OneLine.text(incentive.code))
    values.message.set(.discount, IncentiveText.discount(incentive, forms))
    values.message[.freeShipping] = .flag(incentive.kind == .freeShipping)
    values.message.set(.offerEnds, day(incentive.expiresAt))
    switch incentive.kind {
    case .loyaltyPoints:
      let points = Amount(units: Int64(incentive.points), nanos: 0)
      values.message.set(.loyaltyPoints, points.text(forms, placesMin: 0))
    case .sample: values.message.set(.freeItem, OneLine.text(incentive.item))
    case .resource:
      values.message.set(.resourceLink, links.link("resource_link", incentive.item))
    default: break
    }
  }

  private mutating func addCoveredCarts() {
    let ids = Set(request.order.coveredCarts)
    if ids.isEmpty { return }
    var frames: [ValueFrame] = []
    for cart in request.facts.carts where ids.contains(cart.id) && cart.id != request.order.cart {
      if frames.count == ValueLimits.coveredCarts { break }
      let name = "covered_carts.\(frames.count + 1)"
      var frame = ValueFrame(.coveredCart)
      let link = cartLink(cart, "\(name).link")
      frame[.coveredLink] = link.map { .text($0) } ?? .absent
      let totals = cart.totals.map { AmountText.money($0, forms) }
      frame[.coveredTotal] = totals.isEmpty ? .absent : .text(totals.joined(separator: " + "))
      frame[.coveredCount] = .text("\(cart.lines.count)")
      frame[.coveredLines] = .list(lines(cart, ValueLimits.coveredLines, name))
      frames.append(frame)
    }
    values.message[.coveredCarts] = .list(frames)
  }

  private mutating func addMessage() {
    values.message.set(.locale, locale)
    values.message.set(.language, LocaleText.language(locale))
    values.message.set(.direction, LocaleText.direction(locale))
    values.message.set(.today, DateText.day(request.now, zone, forms))
    values.message.set(.variant, OneLine.text(request.order.variant))
    values.message.set(.flowName, OneLine.text(request.order.flow))
    values.message[.isCopy] = .flag(isCopy)
    values.message.set(.unsubscribeLink, links.unsubscribe)
    values.message.set(.openPixel, links.openPixel)
  }

  private mutating func addNamed() {
    for attribute in request.order.parameters {
      values.named["flow.\(attribute.name)"] = value(attribute)
    }
    for attribute in request.facts.contact?.profile?.attributes ?? [] {
      values.named["attribute.\(attribute.name)"] = value(attribute)
    }
  }

  package mutating func markSample() { values.message[.isSample] = .flag(true) }
}

extension ValueBuilder {
  /// The cart that the message is about.
  package var cart: CartTrackerV1.Cart? {
    if request.order.cart.isEmpty { return nil }
    return request.facts.carts.first { $0.id == request.order.cart }
  }

  /// Where the shop restores the cart, with the code if there is one (M07); else the shop itself.
  private mutating func cartLink(_ cart: CartTrackerV1.Cart?, _ name: String) -> String? {
    let website = request.store.settings?.imprint?.website ?? ""
    guard !isCopy, let url = cart?.header?.url, WebURL(url) != nil else {
      return links.link(name, website)
    }
    let code = incentive?.code ?? ""
    return links.link(name, code.isEmpty ? url : QueryText.adding("coupon", code, to: url))
  }

  private mutating func lines(
    _ cart: CartTrackerV1.Cart, _ countMax: Int, _ list: String
  ) -> [ValueFrame] {
    var frames: [ValueFrame] = []
    frames.reserveCapacity(min(cart.lines.count, countMax))
    for line in cart.lines.prefix(countMax) {
      var frame = ValueFrame(.line)
      let name = OneLine.text(line.name)
      frame.set(.productName, name.isEmpty ? OneLine.text(line.sku) : name)
      frame.set(.imageUrl, WebURL(line.imageURL)?.text)
      if !line.productURL.isEmpty {
        frame.set(.productLink, links.link("\(list).\(frames.count + 1)", line.productURL))
      }
      frame.set(.quantity, AmountText.quantity(line.quantity, forms))
      frame.set(.unitPrice, line.unitPrice.map { AmountText.money($0, forms) })
      frame.set(.lineTotal, total(line))
      frame.set(.sku, OneLine.text(line.sku))
      frame.set(.configuration, line.configuration)
      frame[.isService] = .flag(line.service)
      frames.append(frame)
    }
    return frames
  }

  /// The shop's own; without it quantity × price, where the price is for one (C30).
  private func total(_ line: CartTrackerV1.CartLine) -> String? {
    if let total = line.lineTotal { return AmountText.money(total, forms) }
    guard let price = line.unitPrice, line.priceBase == nil else { return nil }
    let quantity = line.quantity.map { Amount($0) } ?? Amount(units: 1, nanos: 0)
    let places = AmountText.places(price.currencyCode)
    return Amount(price).times(quantity, places: places).map {
      AmountText.money($0, price.currencyCode, forms)
    }
  }

  /// Nothing once it is over: nobody is promised what has ended.
  private func comingDay(_ timestamp: Protobuf.Timestamp?) -> String? {
    guard let timestamp, let instant = try? Instant(timestamp), instant > request.now else {
      return nil
    }
    return day(timestamp)
  }

  private func day(_ timestamp: Protobuf.Timestamp?) -> String? {
    guard let timestamp, let instant = try? Instant(timestamp) else { return nil }
    return DateText.day(instant, zone, forms)
  }

  private func value(_ attribute: CommonV1.Attribute) -> Value {
    switch attribute.value {
    case nil: .absent
    case .text(let text): .text(text)
    case .number(let number): .text(NumberText.text(number, forms))
    case .flag(let flag): .flag(flag)
    case .instant(let instant): day(instant).map { .text($0) } ?? .absent
    case .money(let money): .text(AmountText.money(money, forms))
    }
  }
}

/// A number that is no amount.
package enum NumberText {
  package static func text(_ number: Double, _ forms: LocaleForms) -> String {
    if let whole = Int64(exactly: number) {
      return Amount(units: whole, nanos: 0).text(forms, placesMin: 0)
    }
    return "\(number)".split(separator: ".", omittingEmptySubsequences: false)
      .joined(separator: forms.decimal)
  }
}

/// The query of an address of the web.
package enum QueryText {
  /// Adds a pair before the fragment; all but letters, digits and `-._~` is escaped (RFC 3986).
  package static func adding(_ name: String, _ value: String, to url: String) -> String {
    let parts = url.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
    var text = String(parts[0])
    text += text.utf8.contains(0x3F) ? "&" : "?"
    text += name + "="
    let digits = Array("0123456789ABCDEF")
    for byte in value.utf8 {
      let isPlain =
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
        || [0x2D, 0x2E, 0x5F, 0x7E].contains(byte)
      if isPlain {
        text.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        text.append("%")
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
      }
    }
    if parts.count > 1 { text += "#" + parts[1] }
    return text
  }
}

/// An address below a message: for the law, not for a letter.
package enum PostalLines {
  /// Empty where it has no locality.
  package static func of(_ address: CommonV1.Address?) -> [String] {
    guard let address, !address.locality.isEmpty else { return [] }
    let isCodeLast = ["GB", "US", "CA", "AU", "IE"].contains(address.countryCode)
    let place =
      isCodeLast
      ? [address.locality, address.region, address.postalCode]
      : [address.postalCode, address.locality]
    let lines =
      address.streetLines + [address.postOfficeBox, address.dependentLocality]
      + [place.filter { !$0.isEmpty }.joined(separator: " "), address.countryCode]
    return lines.map(OneLine.text).filter { !$0.isEmpty }
  }
}
