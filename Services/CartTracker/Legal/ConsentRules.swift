internal import Delivery
internal import Messages
internal import Wire

/// What a consent must be like, beyond what the contract's options say of each field.
enum ConsentRules {
  /// - Parameter path: such as `profile.consents[0]`.
  static func violations(
    of consent: Tracked.Consent, _ path: String
  ) -> [RPCError.FieldViolation] {
    var violations: [RPCError.FieldViolation] = []
    func add(_ field: String, _ detail: String) {
      violations.append(.init(field: "\(path).\(field)", detail: detail))
    }
    if !consent.channel.needsBasis {
      add("channel", "must reach a customer, is \(consent.channel)")
    }
    if consent.purpose == ConsentEvidence.everyPurpose && consent.withdrawnAt == nil {
      add("purpose", "`*` stands for every purpose only where something is withdrawn")
    }
    let instants = [
      ("given_at", consent.givenAt), ("confirmed_at", consent.confirmedAt),
      ("withdrawn_at", consent.withdrawnAt),
    ]
    for (field, at) in instants {
      guard let at, !EventRules.instants.contains(at.microseconds) else { continue }
      add(field, "must lie from 1970 on, is \(at.seconds) s")
    }
    for (field, at) in instants.dropFirst() {
      guard let at, let given = consent.givenAt, at.microseconds < given.microseconds else {
        continue
      }
      add(field, "must not lie before given_at")
    }
    return violations
  }
}
