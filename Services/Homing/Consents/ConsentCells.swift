internal import Messages

/// Consents as a person reads them.
enum ConsentCells {
  static func print(
    _ answer: CartTrackerV1.ListConsentsResponse, _ output: OutputOptions,
    _ print: (String) -> Void
  ) throws {
    if output.isJSON { return print(output.line(try ContractJSON().value(answer))) }
    var said = Table([
      ("CHANNEL", .left), ("PURPOSE", .left), ("SAID", .left), ("AT", .left), ("WHERE", .left),
      ("WORDING", .left),
    ])
    for consent in answer.consents { said.add(row(consent)) }
    if answer.consents.isEmpty {
      print("nothing was said")
    } else {
      for line in said.lines() { print(line) }
    }
    print("")
    var open = Table([
      ("CHANNEL", .left), ("FOR", .left), ("ALLOWED", .left), ("BECAUSE", .left), ("LAW", .left),
    ])
    for basis in answer.bases { open.add(row(basis)) }
    for line in open.lines() { print(line) }
  }

  private static func row(_ consent: CartTrackerV1.Consent) -> [String] {
    let (said, at) = word(consent)
    return [
      CartTexts.channel.name(consent.channel), consent.purpose == "*" ? "all" : consent.purpose,
      said, ValueText.text(at), consent.source, consent.wordingVersion,
    ]
  }

  private static func word(
    _ consent: CartTrackerV1.Consent
  ) -> (String, Protobuf.Timestamp?) {
    if let withdrawn = consent.withdrawnAt { return ("no", withdrawn) }
    if let confirmed = consent.confirmedAt { return ("yes, confirmed", confirmed) }
    return (consent.kind == .customerNotice ? "was told" : "yes", consent.givenAt)
  }

  private static func row(_ basis: CartTrackerV1.LegalBasis) -> [String] {
    let use = basis.use ?? .init()
    return [
      CartTexts.channel.name(use.channel), use.purpose, basis.allowed ? "yes" : "no",
      basis.allowed
        ? basis.restsOn
        : basis.reason == .objection ? "objected" : "needs \(basis.asksFor)",
      (basis.country.isEmpty ? "other countries" : basis.country) + " " + basis.packVersion,
    ]
  }
}
