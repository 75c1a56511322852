/// How a language, or a country's use of it, writes numbers, amounts and dates.
///
/// Our own small data after CLDR 46, for the languages that templates are shipped for or often
/// written in; every other language is written as English with the day before the month.
package struct LocaleForms: Sendable {
  package let decimal: String
  package let group: String
  /// Digits before the decimal sign from which groups are set apart.
  package let groupedFrom: Int
  /// The currency before the number.
  package let currencyFirst: Bool
  /// Between currency and number.
  package let currencySpace: String
  package let percentSpace: String
  /// Tells the parts of a date; months by name.
  package let date: @Sendable (_ day: Int, _ month: String, _ year: Int) -> String
  package let months: [String]
  package let language: Language

  private static let hard = "\u{A0}"
  private static let thin = "\u{202F}"

  /// - Parameter locale: BCP 47, such as `de-CH`; `_` in place of `-` is read too.
  package static func of(_ locale: String) -> LocaleForms {
    let parts = LocaleText.parts(locale)
    let language = parts.first.flatMap { Language(rawValue: $0) }
    let country = parts.dropFirst().first { $0.utf8.count == 2 }?.uppercased() ?? ""
    return known[language.map { "\($0.rawValue)-\(country)" } ?? ""]
      ?? language.flatMap { known[$0.rawValue] } ?? other
  }

  private static func forms(
    _ language: Language, _ decimal: String, _ group: String, from: Int = 4, first: Bool,
    space: String = hard, percent: String = hard
  ) -> LocaleForms {
    LocaleForms(
      decimal: decimal, group: group, groupedFrom: from, currencyFirst: first,
      currencySpace: space, percentSpace: percent, date: language.date, months: language.months,
      language: language)
  }

  private static let other = forms(.en, ".", ",", first: true, space: "", percent: "")

  private static let known: [String: LocaleForms] = [
    "de": forms(.de, ",", ".", first: false),
    "de-AT": forms(.de, ",", hard, from: 5, first: true),
    "de-CH": forms(.de, ".", "’", first: true, percent: ""),
    "de-LI": forms(.de, ".", "’", first: true, percent: ""),
    "en": other,
    "en-US": LocaleForms(
      decimal: ".", group: ",", groupedFrom: 4, currencyFirst: true, currencySpace: "",
      percentSpace: "", date: { "\($1) \($0), \($2)" }, months: Language.en.months, language: .en),
    "fr": forms(.fr, ",", thin, first: false, percent: thin),
    "fr-CH": forms(.fr, ",", thin, first: false, percent: thin),
    "it": forms(.it, ",", ".", first: false, percent: ""),
    "it-CH": forms(.it, ".", "’", first: true, percent: ""),
    "nl": forms(.nl, ",", ".", first: true, percent: ""),
    "es": forms(.es, ",", ".", from: 5, first: false),
  ]
}

/// A language that Homing's own words are kept in.
package enum Language: String, CaseIterable, Sendable {
  case de, en, fr, it, nl, es

  /// English where the language has no words here.
  package init(of locale: String) {
    self = LocaleText.parts(locale).first.flatMap { Language(rawValue: $0) } ?? .en
  }

  package var date: @Sendable (Int, String, Int) -> String {
    switch self {
    case .de: { "\($0). \($1) \($2)" }
    case .es: { "\($0) de \($1) de \($2)" }
    case .fr: { "\($0 == 1 ? "1er" : "\($0)") \($1) \($2)" }
    case .en, .it, .nl: { "\($0) \($1) \($2)" }
    }
  }

  package var months: [String] {
    let names =
      switch self {
      case .de:
        "Januar Februar März April Mai Juni Juli August September Oktober November Dezember"
      case .en:
        "January February March April May June July August September October November December"
      case .fr:
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"
      case .it:
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre "
          + "dicembre"
      case .nl:
        "januari februari maart april mei juni juli augustus september oktober november december"
      case .es:
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
      }
    return names.split(separator: " ").map(String.init)
  }
}

/// Names of languages and countries (BCP 47).
package enum LocaleText {
  /// Languages written from right to left.
  private static let rightToLeft: Set = ["ar", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"]

  /// In small letters, the language first.
  package static func parts(_ locale: String) -> [String] {
    locale.lowercased().split { $0 == "-" || $0 == "_" }.map(String.init)
  }

  package static func language(_ locale: String) -> String { parts(locale).first ?? "" }

  /// `rtl` or `ltr`, for HTML's `dir`.
  package static func direction(_ locale: String) -> String {
    rightToLeft.contains(language(locale)) ? "rtl" : "ltr"
  }
}
