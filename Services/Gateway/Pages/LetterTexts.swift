/// The words about printed letters in one language.
struct LetterTexts: Sendable {
  let question: String
  let consequence: String
  let button: String
  let done: String
  let doneText: String
  /// Asks for the code beside the notice.
  let codeText: String
  let label: String
  let wrong: String
  let wrongText: String

  static let english = LetterTexts(
    question: "Stop getting letters?",
    consequence: "The sender of your letter will send you no more advertising by post. "
      + "This takes effect at once and does not end.",
    button: "Stop letters", done: "You will get no more letters",
    doneText: "Your objection is noted. A letter that has already been printed may still arrive.",
    codeText: "Please type the code that is printed at the foot of your letter.",
    label: "Code on the letter", wrong: "This is not a code of ours",
    wrongText: "Please compare it with your letter: it has four groups of four characters.")

  static let german = LetterTexts(
    question: "Möchten Sie keine Briefe mehr erhalten?",
    consequence: "Der Absender Ihres Briefes schickt Ihnen dann keine Werbung mehr per Post. "
      + "Das gilt sofort und auf Dauer.",
    button: "Keine Briefe mehr", done: "Sie erhalten keine Briefe mehr",
    doneText: "Ihr Widerspruch ist vermerkt. Ein bereits gedruckter Brief kann noch ankommen.",
    codeText: "Bitte geben Sie den Code ein, der unten auf Ihrem Brief steht.",
    label: "Code auf dem Brief", wrong: "Diesen Code kennen wir nicht",
    wrongText: "Bitte vergleichen Sie ihn mit Ihrem Brief: Er hat vier Gruppen zu vier Zeichen.")

  static let french = LetterTexts(
    question: "Ne plus recevoir de courriers ?",
    consequence: "L’expéditeur de votre lettre ne vous enverra plus de publicité par la poste. "
      + "L’effet est immédiat et durable.",
    button: "Ne plus recevoir de courriers", done: "Vous ne recevrez plus de courriers",
    doneText: "Votre opposition est enregistrée. Une lettre déjà imprimée peut encore arriver.",
    codeText: "Veuillez saisir le code imprimé au bas de votre lettre.",
    label: "Code figurant sur la lettre", wrong: "Ce code n’est pas reconnu",
    wrongText: "Veuillez le comparer à votre lettre : il a quatre groupes de quatre caractères.")

  static let italian = LetterTexts(
    question: "Non desidera più ricevere lettere?",
    consequence: "Il mittente della lettera non Le invierà più pubblicità per posta. "
      + "L’effetto è immediato e permanente.",
    button: "Non inviare più lettere", done: "Non riceverà più lettere",
    doneText: "La Sua opposizione è registrata. Una lettera già stampata può ancora arrivare.",
    codeText: "La preghiamo di digitare il codice stampato in fondo alla lettera.",
    label: "Codice sulla lettera", wrong: "Questo codice non è riconosciuto",
    wrongText:
      "La preghiamo di confrontarlo con la lettera: ha quattro gruppi di quattro caratteri.")

  static let spanish = LetterTexts(
    question: "¿No desea recibir más cartas?",
    consequence: "El remitente de su carta no le enviará más publicidad por correo postal. "
      + "Tiene efecto inmediato y permanente.",
    button: "No recibir más cartas", done: "No recibirá más cartas",
    doneText: "Su oposición ha quedado registrada. Una carta ya impresa puede llegar todavía.",
    codeText: "Escriba el código impreso al pie de su carta, por favor.",
    label: "Código de la carta", wrong: "No conocemos este código",
    wrongText: "Compárelo con su carta, por favor: tiene cuatro grupos de cuatro caracteres.")

  static let dutch = LetterTexts(
    question: "Wilt u geen brieven meer ontvangen?",
    consequence: "De afzender van uw brief stuurt u dan geen reclame meer per post. "
      + "Dit geldt meteen en blijvend.",
    button: "Geen brieven meer", done: "U ontvangt geen brieven meer",
    doneText: "Uw bezwaar is genoteerd. Een brief die al gedrukt is, kan nog aankomen.",
    codeText: "Typ de code die onderaan uw brief staat.",
    label: "Code op de brief", wrong: "Deze code kennen wij niet",
    wrongText: "Vergelijk hem met uw brief: hij heeft vier groepen van vier tekens.")
}
