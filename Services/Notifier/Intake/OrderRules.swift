internal import Delivery
internal import Messages
internal import ServiceKit

/// What an order must be to be taken: what is wrong is wrong for good.
struct OrderRules: Sendable {
  let templates: TemplateBook
  /// Configured names of webhooks; nil: there is no provider for them.
  let endpoints: Set<String>?

  /// Why an order is refused for good, naming the field; nil where it is taken.
  func problem(_ order: CommonV1.SendOrder) -> String? {
    guard UUIDText.bytes(order.id) != nil else { return "send.id is not a UUID" }
    guard UUIDText.bytes(order.enrolment) != nil else { return "send.enrolment is not a UUID" }
    guard CommonV1.Channel.digital.contains(order.channel.rawValue) else {
      return "send.channel is not one of the notifier's"
    }
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
    if !order.windows.allSatisfy({ SendHours($0) != nil }) { return "send.windows has no hours" }
    if order.channel == .webhook {
      guard order.recipients.count == 1 else { return "send.recipients names not one endpoint" }
      if let endpoints, !endpoints.contains(order.recipients[0]) {
        return "send.recipients names an endpoint that is not configured"
      }
    }
    guard let channel = templates.channel(order.store, order.template) else {
      return "send.template does not exist in the store"
    }
    return channel == order.channel ? nil : "send.template is of another channel"
  }
}
