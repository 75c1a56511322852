internal import Messages
internal import Stubs
internal import Transport
internal import Wire

/// The other services as the handler calls them.
struct Peers: Sendable {
  let tracker: CartTrackerV1.CartTrackerClient
  let notifier: NotifierV1.NotifierClient

  init(tracker: any Channel, notifier: any Channel) {
    self.tracker = CartTrackerV1.CartTrackerClient(tracker)
    self.notifier = NotifierV1.NotifierClient(notifier)
  }

  /// Channel and name of every template of a store; nil where the notifier does not answer.
  func templates(of store: String, _ options: CallOptions) async -> Set<TemplateName>? {
    var found: Set<TemplateName> = []
    var after = ""
    repeat {
      let request = NotifierV1.ListTemplatesRequest(
        store: store, page: CommonV1.Page(limit: 1000, after: after))
      guard let page = try? await notifier.listTemplates(request, options: options) else {
        return nil
      }
      for template in page.templates {
        found.insert(TemplateName(channel: template.channel, name: template.name))
      }
      // A page that leads to itself would never end.
      if page.next == after { break }
      after = page.next
    } while !after.isEmpty
    return found
  }
}

struct TemplateName: Hashable, Sendable {
  let channel: CommonV1.Channel
  let name: String
}
