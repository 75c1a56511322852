internal import Messages
internal import Stubs
internal import Transport
internal import Wire

/// The other services as the handler calls them.
struct Peers: Sendable {
  let tracker: CartTrackerV1.CartTrackerClient
  let notifier: NotifierV1.NotifierClient
  /// Nil: no letters are sent.
  let directMail: DirectMailV1.DirectMailClient?

  init(tracker: any Channel, notifier: any Channel, directMail: (any Channel)? = nil) {
    self.tracker = CartTrackerV1.CartTrackerClient(tracker)
    self.notifier = NotifierV1.NotifierClient(notifier)
    self.directMail = directMail.map { DirectMailV1.DirectMailClient($0) }
  }

  /// Tells modes to whoever hands messages over. A repeat is safe.
  func put(_ modes: [CommonV1.SendMode], _ options: CallOptions) async throws {
    let request = CommonV1.PutModesRequest(modes: modes)
    _ = try await notifier.putModes(request, options: options)
    _ = try await directMail?.putModes(request, options: options)
  }

  /// Tells pauses to whoever hands messages over: also to the second where the first does not
  /// answer. A repeat is safe.
  func put(_ pauses: [CommonV1.Pause], _ options: CallOptions) async throws {
    let request = CommonV1.PutPausesRequest(pauses: pauses)
    var failure: (any Error)?
    do { _ = try await notifier.putPauses(request, options: options) } catch { failure = error }
    do { _ = try await directMail?.putPauses(request, options: options) } catch { failure = error }
    if let failure { throw failure }
  }

  /// That something is sent on.
  var channels: Set<CommonV1.Channel> {
    NotifierV1.channels.union(directMail == nil ? [] : [.letter, .postcard])
  }

  /// Every template of a store, of the services that answer.
  func templates(of store: String, _ options: CallOptions) async -> KnownTemplates {
    var known = KnownTemplates()
    let mails = await all { page in
      let answer = try await notifier.listTemplates(
        NotifierV1.ListTemplatesRequest(store: store, page: page), options: options)
      return (answer.templates.map { .init(channel: $0.channel, name: $0.name) }, answer.next)
    }
    if let mails { known.add(mails, of: NotifierV1.channels) }
    guard let directMail else { return known }
    let letters = await all { page in
      let answer = try await directMail.listTemplates(
        DirectMailV1.ListTemplatesRequest(store: store, page: page), options: options)
      let names = answer.templates.map { TemplateName(channel: $0.format.channel, name: $0.name) }
      return (names, answer.next)
    }
    if let letters { known.add(letters, of: [.letter, .postcard]) }
    return known
  }

  /// Page after page; nil where the service does not answer.
  private func all(
    _ page: (CommonV1.Page) async throws -> (names: [TemplateName], next: String)
  ) async -> Set<TemplateName>? {
    var found: Set<TemplateName> = []
    var after = ""
    repeat {
      guard let answer = try? await page(CommonV1.Page(limit: 1000, after: after)) else {
        return nil
      }
      found.formUnion(answer.names)
      // A page that leads to itself would never end.
      if answer.next == after { break }
      after = answer.next
    } while !after.isEmpty
    return found
  }
}

/// The templates that a flow can name, as far as they could be asked for.
struct KnownTemplates: Sendable {
  private(set) var names: Set<TemplateName> = []
  /// Of services that answered: of others nothing can be said.
  private(set) var channels: Set<CommonV1.Channel> = []

  mutating func add(_ names: Set<TemplateName>, of channels: Set<CommonV1.Channel>) {
    self.names.formUnion(names)
    self.channels.formUnion(channels)
  }
}

struct TemplateName: Hashable, Sendable {
  let channel: CommonV1.Channel
  let name: String
}

extension NotifierV1 {
  /// That the notifier sends on.
  fileprivate static let channels: Set<CommonV1.Channel> = [
    .email, .sms, .push, .chat, .webhook, .internal,
  ]
}

extension DirectMailV1.Format {
  fileprivate var channel: CommonV1.Channel {
    switch self {
    case .postcardA6, .postcardA5, .postcard6x4: .postcard
    default: .letter
    }
  }
}
