internal import Messages

/// The words of the pages in one language, formal where the language makes the difference.
///
/// `{what}` is what the channel sends, `{store}` and `{address}` the names of the link.
struct PageTexts: Hashable, Sendable {
  /// BCP 47.
  let language: String
  let question: String
  let consequence: String
  let button: String
  let done: String
  let doneText: String
  let gone: String
  let goneText: String
  let later: String
  let laterText: String
  let letter: LetterTexts
  /// For e-mail, SMS, push, and what has no word of its own.
  let what: (email: String, sms: String, push: String, other: String)

  func what(_ channel: CommonV1.Channel) -> String {
    switch channel {
    case .email: what.email
    case .sms: what.sms
    case .push: what.push
    default: what.other
    }
  }

  /// Of the first language that is there; English for none.
  static func of(_ languages: [String]) -> PageTexts {
    for language in languages {
      let primary = language.prefix { $0 != "-" && $0 != "_" }.lowercased()
      if let texts = all.first(where: { $0.language == primary }) { return texts }
    }
    return english
  }

  /// The languages of `Accept-Language` (RFC 9110 §12.5.4), the preferred one first.
  static func accepted(_ header: String?) -> [String] {
    let ranges = (header ?? "").split(separator: ",").prefix(16).enumerated()
    let weighed = ranges.compactMap { index, range -> (String, Double, Int)? in
      let parts = range.split(separator: ";").map { String($0.filter { $0 != " " }) }
      guard let tag = parts.first else { return nil }
      let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap {
        Double($0.dropFirst(2))
      }
      return (tag, weight ?? 1, index)
    }
    return weighed.filter { $0.1 > 0 }.sorted { ($1.1, $0.2) < ($0.1, $1.2) }.map(\.0)
  }

  static func == (a: PageTexts, b: PageTexts) -> Bool { a.language == b.language }

  func hash(into hasher: inout Hasher) { hasher.combine(language) }
}

extension PageTexts {
  static let all = [english, german, french, italian, spanish, dutch]

  static let english = PageTexts(
    language: "en", question: "Stop getting {what}?",
    consequence: "{store} will send no more {what} to {address}. This takes effect at once.",
    button: "Unsubscribe", done: "You are unsubscribed",
    doneText: "{store} will send no more {what} to {address}. You can close this page.",
    gone: "This link no longer works",
    goneText: "It has expired, or a part of it is missing. Please open it again from the message.",
    later: "Not possible right now", laterText: "Please try again in a minute.",
    letter: .english,
    what: ("e\u{2011}mails", "text messages", "notifications", "messages"))

  static let german = PageTexts(
    language: "de", question: "Möchten Sie keine {what} mehr erhalten?",
    consequence: "{store} schickt dann keine {what} mehr an {address}. Das gilt sofort.",
    button: "Abmelden", done: "Sie sind abgemeldet",
    doneText: "{store} schickt keine {what} mehr an {address}. Sie können diese Seite schließen.",
    gone: "Dieser Link gilt nicht mehr",
    goneText:
      "Er ist abgelaufen oder unvollständig. Bitte öffnen Sie ihn noch einmal aus der Nachricht.",
    later: "Gerade nicht möglich", laterText: "Bitte versuchen Sie es in einer Minute noch einmal.",
    letter: .german,
    what: ("E\u{2011}Mails", "SMS", "Mitteilungen", "Nachrichten"))

  static let french = PageTexts(
    language: "fr", question: "Ne plus recevoir {what} ?",
    consequence: "{store} n’enverra plus {what} à {address}. L’effet est immédiat.",
    button: "Se désinscrire", done: "Désinscription confirmée",
    doneText: "{store} n’enverra plus {what} à {address}. Vous pouvez fermer cette page.",
    gone: "Ce lien n’est plus valable",
    goneText: "Il a expiré ou il est incomplet. Veuillez l’ouvrir à nouveau depuis le message.",
    later: "Impossible pour le moment", laterText: "Veuillez réessayer dans une minute.",
    letter: .french,
    what: ("d’e\u{2011}mails", "de SMS", "de notifications", "de messages"))

  static let italian = PageTexts(
    language: "it", question: "Non desidera più ricevere {what}?",
    consequence: "{store} non invierà più {what} a {address}. L’effetto è immediato.",
    button: "Annulla l’iscrizione", done: "Iscrizione annullata",
    doneText: "{store} non invierà più {what} a {address}. Può chiudere questa pagina.",
    gone: "Questo link non è più valido",
    goneText: "È scaduto o incompleto. La preghiamo di aprirlo di nuovo dal messaggio.",
    later: "Al momento non è possibile", laterText: "La preghiamo di riprovare tra un minuto.",
    letter: .italian,
    what: ("e\u{2011}mail", "SMS", "notifiche", "messaggi"))

  static let spanish = PageTexts(
    language: "es", question: "¿No desea recibir más {what}?",
    consequence: "{store} no enviará más {what} a {address}. Tiene efecto inmediato.",
    button: "Darse de baja", done: "Baja confirmada",
    doneText: "{store} no enviará más {what} a {address}. Puede cerrar esta página.",
    gone: "Este enlace ya no es válido",
    goneText: "Ha caducado o está incompleto. Ábralo de nuevo desde el mensaje, por favor.",
    later: "No es posible en este momento", laterText: "Inténtelo de nuevo dentro de un minuto.",
    letter: .spanish,
    what: ("correos electrónicos", "SMS", "notificaciones", "mensajes"))

  static let dutch = PageTexts(
    language: "nl", question: "Wilt u geen {what} meer ontvangen?",
    consequence: "{store} stuurt dan geen {what} meer naar {address}. Dit geldt meteen.",
    button: "Afmelden", done: "U bent afgemeld",
    doneText: "{store} stuurt geen {what} meer naar {address}. U kunt deze pagina sluiten.",
    gone: "Deze link werkt niet meer",
    goneText: "Hij is verlopen of onvolledig. Open hem nog eens vanuit het bericht.",
    later: "Nu even niet mogelijk", laterText: "Probeer het over een minuut nog eens.",
    letter: .dutch,
    what: ("e\u{2011}mails", "sms\u{2011}berichten", "meldingen", "berichten"))
}
