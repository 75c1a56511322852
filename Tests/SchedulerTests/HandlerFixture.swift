internal import Delivery
internal import Logging
internal import Messages
internal import ServiceKit
internal import Storage
internal import Stubs
internal import Synchronization
internal import TestSupport
internal import Transport
internal import Wire

@testable internal import Scheduler

/// The whole service behind a real server, with its peers played by a script.
struct HandlerFixture: Sendable {
  let scheduler: SchedulerFixture
  let peer: ScriptedPeer
  let client: SchedulerV1.SchedulerClient
  let incentives: SchedulerV1.IncentivesClient
  /// Somebody else, with the same rights.
  let other: SchedulerV1.SchedulerClient
  /// With rights in the store `shop` only.
  let ofShop: SchedulerV1.SchedulerClient
  private let committer: Committer
  private let readers: ThreadPool
  private let server: TestServer

  static func run(
    _ body: @Sendable (HandlerFixture) async throws -> Void
  ) async throws {
    let scheduler = try SchedulerFixture()
    let peer = ScriptedPeer()
    let committer = try Committer(
      scheduler.ledger, clock: scheduler.clock, threadName: nil, fatal: { _ in })
    let readers = ThreadPool.inline()
    let handler = SchedulerHandler(
      ledger: scheduler.ledger, committer: committer, flows: scheduler.flows,
      modes: scheduler.modes, pauses: scheduler.pauses, book: StoreBook(TrackerClient(peer)),
      peers: Peers(tracker: peer, notifier: peer, directMail: peer), readers: readers,
      clock: scheduler.clock, log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
      retell: { peer.set { $0.retells += 1 } }, wakeDue: {})
    let server = try await TestServer.start { setup in
      for role in ["cart-tracker", "notifier", "marketer", "operator", "staff", "shop"] {
        setup.grants.add(role: role, stores: .all, to: "spiffe://test/client")
        setup.grants.add(role: role, stores: .all, to: "spiffe://test/other")
        setup.grants.add(role: role, stores: .only(["shop"]), to: "spiffe://test/of-shop")
      }
      let incentives = IncentivesHandler(scheduler: handler, rewards: ["desk"])
      setup.register = {
        handler.register(in: &$0)
        incentives.register(in: &$0)
      }
    }
    let fixture = HandlerFixture(
      scheduler: scheduler, peer: peer,
      client: SchedulerV1.SchedulerClient(try server.client()),
      incentives: SchedulerV1.IncentivesClient(try server.client()),
      other: try client(server, "other"), ofShop: try client(server, "of-shop"),
      committer: committer,
      readers: readers, server: server)
    do { try await body(fixture) } catch {
      await server.cut()
      throw error
    }
    await server.cut()
  }

  private static func client(
    _ server: TestServer, _ name: String
  ) throws -> SchedulerV1.SchedulerClient {
    SchedulerV1.SchedulerClient(try server.client(try server.authority.issue(name)))
  }

  func apply(
    _ text: String, version: UInt32 = 0, key: String = "k1"
  ) async throws -> SchedulerV1.Flow {
    try await client.applyFlow(
      .init(store: "shop", idempotencyKey: key, text: text, version: version))
  }
}

/// Answers as tracker, notifier and direct-mail would.
final class ScriptedPeer: Channel {
  struct State {
    var modes: [CommonV1.SendMode] = []
    var pauses: [CommonV1.Pause] = []
    var letterPauses: [CommonV1.Pause] = []
    /// How often what could not be told was to be told again.
    var retells = 0
    var templates: [NotifierV1.Template] = []
    var letterModes: [CommonV1.SendMode] = []
    var letterTemplates: [DirectMailV1.Template] = []
    var isDirectMailAway = false
    var messages: [NotifierV1.OutboundMessage] = []
    var episodes: [CartTrackerV1.Episode] = []
    var isNotifierAway = false
    var isTrackerAway = false
    var stores: Set<String> = ["shop"]
  }

  let state = Mutex(State())

  func unary(
    _ method: RPCMethod, _ message: [UInt8], _ options: CallOptions
  ) async throws -> RawReply {
    try state.withLock { state in
      let isNotifier = method.name.contains("notifier")
      if isNotifier ? state.isNotifierAway : state.isTrackerAway {
        throw RPCError(.unavailable, "away")
      }
      if state.isDirectMailAway && method.name.contains("direct_mail") {
        throw RPCError(.unavailable, "away")
      }
      switch method {
      case DirectMailV1.DirectMailMethods.putModes:
        state.letterModes += try CommonV1.PutModesRequest(encoded: message).modes
        return try reply(CommonV1.PutModesResponse())
      case DirectMailV1.DirectMailMethods.putPauses:
        state.letterPauses += try CommonV1.PutPausesRequest(encoded: message).pauses
        return try reply(CommonV1.PutPausesResponse())
      case NotifierV1.NotifierMethods.putPauses:
        state.pauses += try CommonV1.PutPausesRequest(encoded: message).pauses
        return try reply(CommonV1.PutPausesResponse())
      case DirectMailV1.DirectMailMethods.listTemplates:
        return try reply(DirectMailV1.ListTemplatesResponse(templates: state.letterTemplates))
      case NotifierV1.NotifierMethods.putModes:
        state.modes += try CommonV1.PutModesRequest(encoded: message).modes
        return try reply(CommonV1.PutModesResponse())
      case NotifierV1.NotifierMethods.listTemplates:
        return try reply(NotifierV1.ListTemplatesResponse(templates: state.templates))
      case NotifierV1.NotifierMethods.listMessages:
        return try reply(NotifierV1.ListMessagesResponse(messages: state.messages))
      case CartTrackerV1.CartTrackerMethods.listEpisodes:
        return try reply(CartTrackerV1.ListEpisodesResponse(episodes: state.episodes))
      case CartTrackerV1.CartTrackerMethods.getStore:
        let store = try CartTrackerV1.GetStoreRequest(encoded: message).store
        guard state.stores.contains(store) else { throw RPCError(.notFound, "no store") }
        return try reply(CartTrackerV1.Store(id: store, revision: 1))
      default: throw RPCError(.unimplemented, method.name)
      }
    }
  }

  private func reply(_ message: some Message) throws -> RawReply {
    RawReply(message: try message.encoded())
  }

  func open(_ method: RPCMethod, _ options: CallOptions) async throws -> any RawCall {
    throw RPCError(.unimplemented, method.name)
  }

  func set(_ change: (inout State) -> Void) { state.withLock { change(&$0) } }
}
