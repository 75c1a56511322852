package import Messages

/// How a person is greeted: formally, and by name where it is known (M05, M08).
package enum Salutation {
  /// The first line of a message, without a comma at its end.
  package static func greeting(_ profile: CartTrackerV1.ContactProfile, _ language: Language)
    -> String
  {
    let family = OneLine.text(profile.familyName)
    let given = OneLine.text(profile.givenName)
    let title = OneLine.text(profile.title)
    let form = OneLine.text(profile.salutation)
    if family.isEmpty { return given.isEmpty ? unnamed(language) : plain(language, given) }
    if let sex = sex(form) {
      // In English an academic title stands in the place of Mr or Ms.
      if language == .en, !title.isEmpty { return "Dear \(join(title, family))" }
      return addressed(language, sex, form, join(title, family))
    }
    if !form.isEmpty { return plain(language, join(form, title, family)) }
    return plain(language, join(title, given, family))
  }

  /// The name as a text can use it: `Dr. Anna Muster`, else what a customer is called.
  package static func name(_ profile: CartTrackerV1.ContactProfile, _ language: Language) -> String
  {
    let name = join(
      OneLine.text(profile.title), OneLine.text(profile.givenName),
      OneLine.text(profile.familyName))
    if !name.isEmpty { return name }
    let company = OneLine.text(profile.companyName)
    return company.isEmpty ? customer(language) : company
  }

  private enum Sex { case female, male }

  private static func sex(_ form: String) -> Sex? {
    var word = form.lowercased()
    if word.hasSuffix(".") { word.removeLast() }
    switch word {
    case "frau", "fr", "mrs", "ms", "miss", "madame", "mme", "mademoiselle", "signora", "sig.ra",
      "mevrouw", "mevr", "señora", "sra":
      return .female
    case "herr", "hr", "mr", "monsieur", "m", "signor", "signore", "sig", "de heer", "meneer",
      "dhr", "señor", "sr":
      return .male
    default: return nil
    }
  }

  private static func addressed(
    _ language: Language, _ sex: Sex, _ form: String, _ name: String
  ) -> String {
    let isFemale = sex == .female
    return switch language {
    case .de: isFemale ? "Sehr geehrte Frau \(name)" : "Sehr geehrter Herr \(name)"
    case .en: "Dear \(english(form, isFemale)) \(name)"
    case .fr: isFemale ? "Bonjour Madame \(name)" : "Bonjour Monsieur \(name)"
    case .it: isFemale ? "Gentile Signora \(name)" : "Gentile Signor \(name)"
    case .nl: isFemale ? "Geachte mevrouw \(name)" : "Geachte heer \(name)"
    case .es: isFemale ? "Estimada Sra. \(name)" : "Estimado Sr. \(name)"
    }
  }

  /// The form as the person gave it where it is an English one.
  private static func english(_ form: String, _ isFemale: Bool) -> String {
    let isOwn = ["mr", "mrs", "ms", "miss"].contains(form.lowercased().filter { $0 != "." })
    return isOwn ? form : isFemale ? "Ms" : "Mr"
  }

  private static func plain(_ language: Language, _ name: String) -> String {
    switch language {
    case .de: "Guten Tag \(name)"
    case .en: "Dear \(name)"
    case .fr: "Bonjour \(name)"
    case .it: "Buongiorno \(name)"
    case .nl: "Beste \(name)"
    case .es: "Hola, \(name)"
    }
  }

  private static func unnamed(_ language: Language) -> String {
    switch language {
    case .de: "Guten Tag"
    case .en: "Hello"
    case .fr: "Bonjour"
    case .it: "Buongiorno"
    case .nl: "Goedendag"
    case .es: "Hola"
    }
  }

  private static func customer(_ language: Language) -> String {
    switch language {
    case .de: "geschätzte Kundin, geschätzter Kunde"
    case .en: "valued customer"
    case .fr: "chère cliente, cher client"
    case .it: "gentile cliente"
    case .nl: "beste klant"
    case .es: "estimado cliente"
    }
  }

  private static func join(_ parts: String...) -> String {
    parts.filter { !$0.isEmpty }.joined(separator: " ")
  }
}

/// A value that is shown within a line.
package enum OneLine {
  /// Without line breaks, other control characters, and white space at its ends.
  package static func text(_ text: String) -> String {
    var before: UInt8 = 0x20
    var needsWork = false
    for byte in text.utf8 {
      // Control characters, and the lead bytes of U+0080 to U+00BF and of U+2000 to U+2FFF.
      if byte < 0x20 || byte == 0x7F || byte == 0xC2 || byte == 0xE2 { needsWork = true }
      before = byte
    }
    needsWork = needsWork || before == 0x20 || text.utf8.first == 0x20
    if text.isEmpty { return text }
    guard needsWork else { return text }
    var scalars = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if isBreaking(scalar) {
        if scalars.last != " " { scalars.append(" ") }
      } else if !isTurning(scalar) {
        scalars.append(scalar)
      }
    }
    while scalars.last == " " { scalars.removeLast() }
    return String(String.UnicodeScalarView(scalars.drop { $0 == " " }))
  }

  private static func isBreaking(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0...0x1F, 0x7F...0x9F, 0x2028, 0x2029: true
    default: false
    }
  }

  /// Overrides and isolates of direction: one that a name leaves open would turn what follows.
  private static func isTurning(_ scalar: Unicode.Scalar) -> Bool {
    (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
  }
}
