internal import Messages

/// The short names of the values that messages, decisions and reports speak in.
enum MessageTexts {
  static let state = EnumText<NotifierV1.MessageState>("MESSAGE_STATE_")
  static let outcome = EnumText<CommonV1.OutcomeKind>("OUTCOME_KIND_")
  static let reason = EnumText<CommonV1.ReasonCode>("REASON_CODE_")
  static let actor = EnumText<CommonV1.Outcome.Actor>("ACTOR_")
  static let channel = CartTexts.channel

  /// A value as a person reads it.
  static func text(_ attribute: CommonV1.Attribute) -> String {
    switch attribute.value {
    case .text(let text): text
    case .number(let number):
      number == number.rounded() && abs(number) < 1e15 ? "\(Int64(number))" : "\(number)"
    case .flag(let flag): flag ? "yes" : "no"
    case .instant(let instant): ValueText.text(instant)
    case .money(let money): ValueText.text(money)
    case nil: "none"
    }
  }
}
