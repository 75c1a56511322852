internal import Messages
internal import ServiceKit
internal import Texts

/// Everything that one letter says beside its template.
struct LetterContent {
  /// BCP 47, of the language that the letter is written in.
  let locale: String
  let values: MessageValues
  let address: PostalAddress
  /// The sender in one line, small above the address.
  let returnLine: String
  let cartLink: String
  let objectionLink: String
  let objectionCode: String
  let isSample: Bool

  var language: Language { Language(of: locale) }

  /// - Throws: for an address that cannot be written, and a value that is missing.
  init(
    _ letter: LetterOrder, _ template: LetterTemplate, zone: TimeZoneRules
  ) throws(LetterRefusal) {
    let settings = letter.store.settings
    let storeLocale = settings?.locale ?? ""
    locale = TemplateLocales.writing(
      recipient: letter.locale, template: letter.template.locale, store: storeLocale)
    do {
      address = try PostalAddress(
        LetterContent.recipient(letter.facts.contact?.profile),
        from: settings?.imprint?.address?.countryCode ?? settings?.countryCode ?? "")
    } catch {
      throw LetterRefusal(reason: .badDestination, field: error.field, problem: error.problem)
    }
    var builder = ValueBuilder(
      ValueSource(order: letter.order, facts: letter.facts, store: letter.store, now: letter.date),
      locale: locale, zone: zone, isCopy: false, links: PrintedLinks(cart: letter.cartLink))
    builder.build(
      named: template.parameters.contains { name in
        Parameter.openPrefixes.contains { name.hasPrefix($0) }
      })
    if letter.isSample { builder.markSample() }
    var values = builder.values
    let website = settings?.imprint?.website ?? ""
    values.message.set(.storeLink, WebURL(website).map { PrintedLinks.short($0.text) })
    // The lines of a letterhead need no country: the sender is at home.
    values.message[.postalLines] = .list(
      LetterContent.postalLines(settings?.imprint).map { ValueFrame(single: $0) })
    self.values = values
    if let missing = template.required.first(where: { !values.isPresent($0) }) {
      throw LetterRefusal(reason: .missingValue, field: missing, problem: "has no value")
    }
    returnLine = try LetterContent.returnLine(settings)
    cartLink = letter.cartLink
    objectionLink = letter.objectionLink
    objectionCode = letter.objectionCode
    isSample = letter.isSample
  }

  /// An address that names nobody is the contact's own.
  private static func recipient(_ profile: CartTrackerV1.ContactProfile?) -> CommonV1.Address {
    var address = profile?.address ?? CommonV1.Address()
    guard let profile, address.person.isEmpty else { return address }
    let names = [profile.title, profile.givenName, profile.familyName].map(OneLine.text)
    address.person = names.filter { !$0.isEmpty }.joined(separator: " ")
    if address.company.isEmpty { address.company = OneLine.text(profile.companyName) }
    return address
  }

  private static func returnLine(
    _ settings: CartTrackerV1.StoreSettings?
  ) throws(LetterRefusal) -> String {
    let imprint = settings?.imprint ?? CartTrackerV1.Imprint()
    let name = OneLine.text(imprint.legalName)
    let lines = postalLines(imprint)
    guard !name.isEmpty, !lines.isEmpty else {
      throw LetterRefusal(
        reason: .missingValue, field: "imprint", problem: "has no legal name or no address")
    }
    return ([name] + lines).joined(separator: " · ")
  }

  private static func postalLines(_ imprint: CartTrackerV1.Imprint?) -> [String] {
    PostalLines.of(imprint?.address).filter { $0 != imprint?.address?.countryCode }
  }
}

/// Links as paper shows them: nothing is tracked but the code.
struct PrintedLinks: ValueLinks {
  let cart: String

  /// As people write an address: without its scheme, and without a slash at its end.
  static func short(_ url: String) -> String {
    var text = url[...]
    for scheme in ["https://", "http://"] where text.hasPrefix(scheme) {
      text = text.dropFirst(scheme.count)
    }
    return String(text.hasSuffix("/") ? text.dropLast() : text)
  }

  mutating func link(_ name: String, _ url: String) -> String? {
    name == "cart_link" ? cart : WebURL(url)?.text
  }

  var unsubscribe: String? { nil }
  var openPixel: String? { nil }
}

/// Words that the format itself prints.
enum LetterWords {
  static func page(_ number: Int, of count: Int, _ language: Language) -> String {
    switch language {
    case .de: "Seite \(number) von \(count)"
    case .en: "Page \(number) of \(count)"
    case .fr: "Page \(number) sur \(count)"
    case .it: "Pagina \(number) di \(count)"
    case .nl: "Pagina \(number) van \(count)"
    case .es: "Página \(number) de \(count)"
    }
  }

  static func sample(_ language: Language) -> String {
    switch language {
    case .de: "MUSTER"
    case .en: "SAMPLE"
    case .fr: "SPÉCIMEN"
    case .it: "CAMPIONE"
    case .nl: "VOORBEELD"
    case .es: "MUESTRA"
    }
  }
}
