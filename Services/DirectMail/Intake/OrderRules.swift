internal import Messages
internal import ServiceKit

/// What an order must be to be taken: what is wrong is wrong for good.
struct OrderRules: Sendable {
  let templates: TemplateBook

  /// Why an order is refused for good, naming the field; nil where it is taken.
  func problem(_ order: CommonV1.SendOrder) -> String? {
    guard UUIDText.bytes(order.id) != nil else { return "send.id is not a UUID" }
    guard UUIDText.bytes(order.enrolment) != nil else { return "send.enrolment is not a UUID" }
    guard order.channel == .letter else { return "send.channel is not LETTER" }
    guard order.mode == .test || order.mode == .live else {
      return "send.mode is neither TEST nor LIVE"
    }
    guard let due = order.dueAt.flatMap({ try? Instant($0) }) else {
      return "send.due_at is no instant"
    }
    guard let end = order.expiresAt.flatMap({ try? Instant($0) }) else {
      return "send.expires_at is no instant"
    }
    if end <= due { return "send.expires_at is not after due_at" }
    return templates.format(order.store, order.template) == nil
      ? "send.template does not exist in the store" : nil
  }
}
