internal import Messages
internal import Wire

/// What a replay asks of the services it drives.
protocol ReplayServices: Sendable {
  /// Those that run flows; nil where the replay has none.
  var flows: (any FlowServices)? { get }
  func record(
    _ request: CartTrackerV1.RecordRequest
  ) async throws -> CartTrackerV1.RecordResponse
  /// Nil where there is no such store.
  func store(_ id: String) async throws -> CartTrackerV1.Store?
  func putStore(_ request: CartTrackerV1.PutStoreRequest) async throws -> CartTrackerV1.Store
  func countCarts(_ store: String) async throws -> CartTrackerV1.CartCounts
  func listEpisodes(
    _ request: CartTrackerV1.ListEpisodesRequest
  ) async throws -> CartTrackerV1.ListEpisodesResponse
  /// Moves every process's clock.
  func advance(to instant: Protobuf.Timestamp) async throws
  /// Where every process stands, cart-tracker first; all are asked at once.
  func statuses() async throws -> [ClockV1.StatusResponse]
}

/// What a replay asks of scheduler, notifier and direct-mail.
protocol FlowServices: Sendable {
  func checkFlow(
    _ request: SchedulerV1.CheckFlowRequest
  ) async throws -> SchedulerV1.CheckFlowResponse
  /// The newest version; nil where there is no such flow.
  func flow(_ store: String, _ name: String) async throws -> SchedulerV1.Flow?
  func applyFlow(_ request: SchedulerV1.ApplyFlowRequest) async throws -> SchedulerV1.Flow
  func setMode(_ request: SchedulerV1.SetModeRequest) async throws
  func report(_ request: SchedulerV1.ReportRequest) async throws -> SchedulerV1.ReportResponse
  /// The newest version in exactly this locale; nil where there is none.
  func template(
    _ store: String, _ name: String, _ locale: String
  ) async throws -> NotifierV1.Template?
  func putTemplate(_ request: NotifierV1.PutTemplateRequest) async throws
  /// Whether there is a direct-mail; without it flows skip their letters.
  var printsLetters: Bool { get }
  /// The newest version in exactly this locale; nil where there is none.
  func letter(
    _ store: String, _ name: String, _ locale: String
  ) async throws -> DirectMailV1.Template?
  func putLetter(_ request: DirectMailV1.PutTemplateRequest) async throws
}

extension RPCError {
  /// Runs `call`; nil where what it asks for is not there.
  static func unlessFound<Result>(
    _ call: () async throws -> Result
  ) async throws -> Result? {
    do {
      return try await call()
    } catch let error as RPCError where error.code == .notFound {
      return nil
    }
  }
}
