/// What a person says with one word (M18), in the languages of our shops.
///
/// A text counts where it is nothing but one of the words, or one of the clear ones with at most
/// one word after it (`STOP ACME`, `stop sms`): people name whom they mean. Words that also begin
/// an ordinary sentence (`cancel`, `end`, `baja`) count alone. Case, punctuation and accents do not
/// matter. Words that ask to begin again (`START`, `UNSTOP`) are an ordinary reply: what lifts an
/// opt-out is a new consent.
enum StopWords {
  /// Rises with each change of the words.
  static let version = 2

  enum Meaning: Hashable, Sendable {
    case stop
    case help
    case other
  }

  private struct Language {
    let code: String
    let clear: Set<String>
    let alone: Set<String>
    let help: Set<String>
  }

  private static let languages = [
    Language(
      code: "en", clear: ["stop", "stopall", "unsubscribe"],
      alone: ["cancel", "end", "quit", "optout", "revoke", "remove"], help: ["help", "info"]),
    Language(
      code: "de", clear: ["stopp", "abmelden", "abbestellen"], alone: ["ende", "austragen"],
      help: ["hilfe"]),
    Language(
      code: "fr", clear: ["arret", "desabonner"], alone: ["arreter", "desinscription"],
      help: ["aide"]),
    Language(code: "it", clear: ["disiscrivi"], alone: ["annulla", "basta"], help: ["aiuto"]),
    Language(code: "es", clear: [], alone: ["baja", "alto", "cancelar"], help: ["ayuda"]),
    Language(code: "nl", clear: ["afmelden"], alone: ["uitschrijven"], help: ["hulp"]),
  ]

  private static let clear = languages.reduce(into: Set<String>()) { $0.formUnion($1.clear) }
  private static let alone = languages.reduce(into: Set<String>()) { $0.formUnion($1.alone) }
  private static let help = languages.reduce(into: Set<String>()) { $0.formUnion($1.help) }

  /// Longer texts say more than a word, in characters.
  private static let sizeMax = 80

  static func meaning(_ text: some StringProtocol) -> Meaning {
    let start = text.drop { $0.isWhitespace }.prefix(sizeMax + 1)
    guard start.count <= sizeMax || start.allSatisfy(\.isWhitespace) else { return .other }
    let words = start.split(whereSeparator: \.isWhitespace).map { folded($0) }
      .filter { !$0.isEmpty }
    guard let first = words.first else { return .other }
    if words.count == 1 {
      if clear.contains(first) || alone.contains(first) { return .stop }
      return help.contains(first) ? .help : .other
    }
    return words.count == 2 && clear.contains(first) ? .stop : .other
  }

  /// Letters and digits in small, without accents.
  private static func folded(_ word: some StringProtocol) -> String {
    var folded = ""
    for character in word.lowercased() where character.isLetter || character.isNumber {
      folded.append(plain[character] ?? character)
    }
    return folded
  }

  /// Characters compare by what they look like, so composed and decomposed ones are both found.
  private static let plain: [Character: Character] = [
    "á": "a", "à": "a", "â": "a", "ä": "a", "é": "e", "è": "e", "ê": "e", "ë": "e", "í": "i",
    "ì": "i", "î": "i", "ï": "i", "ó": "o", "ò": "o", "ô": "o", "ö": "o", "ú": "u", "ù": "u",
    "û": "u", "ü": "u", "ñ": "n", "ç": "c",
  ]
}
