package import Messages

/// Why a cart was left, in words that a customer may read (C20).
package enum LeaveReasonText {
  /// The flag in templates is `reason.` and the name.
  package static let names: [CartTrackerV1.LeaveReason: String] = [
    .shippingCost: "shipping_cost", .tax: "tax", .hiddenFee: "hidden_fee",
    .complicatedCheckout: "complicated_checkout", .longForm: "long_form",
    .unclearInstructions: "unclear_instructions", .tooMuchDataAsked: "too_much_data_asked",
    .securityConcern: "security_concern", .returnPolicyUnclear: "return_policy_unclear",
    .deliveryTimeUnclear: "delivery_time_unclear", .paymentFailed: "payment_failed",
    .codeRejected: "code_rejected", .configurationUnfinished: "configuration_unfinished",
    .openQuestion: "open_question", .wishList: "wish_list", .distracted: "distracted",
    .justBrowsing: "just_browsing",
  ]

  package static func text(_ reason: CartTrackerV1.LeaveReason, _ language: Language) -> String? {
    guard let texts = texts[reason], let index = Language.allCases.firstIndex(of: language) else {
      return nil
    }
    return texts[index]
  }

  /// In the order of `Language`: de, en, fr, it, nl, es.
  private static let texts: [CartTrackerV1.LeaveReason: [String]] = [
    .shippingCost: [
      "Versandkosten", "shipping costs", "frais de livraison", "spese di spedizione",
      "verzendkosten", "gastos de envío",
    ],
    .tax: ["Steuern", "taxes", "taxes", "imposte", "belastingen", "impuestos"],
    .hiddenFee: [
      "zusätzliche Gebühren", "additional fees", "frais supplémentaires", "costi aggiuntivi",
      "extra kosten", "cargos adicionales",
    ],
    .complicatedCheckout: [
      "der Bestellvorgang", "the checkout", "la commande", "la procedura d’ordine",
      "het bestelproces", "el proceso de compra",
    ],
    .longForm: [
      "das Formular", "the form", "le formulaire", "il modulo", "het formulier", "el formulario",
    ],
    .unclearInstructions: [
      "unklare Angaben", "unclear instructions", "des consignes peu claires",
      "indicazioni poco chiare", "onduidelijke uitleg", "instrucciones poco claras",
    ],
    .tooMuchDataAsked: [
      "die abgefragten Daten", "the data asked for", "les données demandées", "i dati richiesti",
      "de gevraagde gegevens", "los datos solicitados",
    ],
    .securityConcern: [
      "die Sicherheit", "security", "la sécurité", "la sicurezza", "de veiligheid",
      "la seguridad",
    ],
    .returnPolicyUnclear: [
      "die Rückgabe", "returns", "les retours", "i resi", "retourneren", "las devoluciones",
    ],
    .deliveryTimeUnclear: [
      "die Lieferzeit", "the delivery time", "le délai de livraison", "i tempi di consegna",
      "de levertijd", "el plazo de entrega",
    ],
    .paymentFailed: [
      "die Zahlung", "the payment", "le paiement", "il pagamento", "de betaling", "el pago",
    ],
    .codeRejected: [
      "der Gutscheincode", "the voucher code", "le code promo", "il codice sconto",
      "de kortingscode", "el código de descuento",
    ],
    .configurationUnfinished: [
      "die Konfiguration", "the configuration", "la configuration", "la configurazione",
      "de configuratie", "la configuración",
    ],
    .openQuestion: [
      "eine offene Frage", "an open question", "une question", "una domanda aperta",
      "een open vraag", "una pregunta pendiente",
    ],
    .wishList: [
      "der Merkzettel", "the wish list", "la liste d’envies", "la lista dei desideri",
      "het verlanglijstje", "la lista de deseos",
    ],
    .distracted: [
      "eine Unterbrechung", "an interruption", "une interruption", "un’interruzione",
      "een onderbreking", "una interrupción",
    ],
    .justBrowsing: [
      "ein erster Blick", "a first look", "un premier aperçu", "un primo sguardo",
      "een eerste blik", "un primer vistazo",
    ],
  ]
}

/// What was left (C03).
package enum CartKindText {
  /// The flag in templates is `kind.` and the name.
  package static let names: [CartTrackerV1.CartKind: String] = [
    .cart: "cart", .quote: "quote", .configuration: "configuration", .reorder: "reorder",
    .signup: "signup", .order: "order",
  ]
}

/// What an incentive gives, in a few words (M11).
package enum IncentiveText {
  package static func discount(
    _ incentive: CommonV1.Incentive, _ forms: LocaleForms
  ) -> String? {
    switch incentive.kind {
    case .percentage where incentive.basisPoints > 0:
      AmountText.percent(incentive.basisPoints, forms)
    case .amount: incentive.amount.map { AmountText.money($0, forms) }
    case .freeShipping: freeShipping(forms.language)
    default: nil
    }
  }

  private static func freeShipping(_ language: Language) -> String {
    switch language {
    case .de: "kostenloser Versand"
    case .en: "free shipping"
    case .fr: "livraison offerte"
    case .it: "spedizione gratuita"
    case .nl: "gratis verzending"
    case .es: "envío gratuito"
    }
  }
}
