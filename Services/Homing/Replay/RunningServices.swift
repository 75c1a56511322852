internal import Messages
internal import Stubs
internal import Transport
internal import Wire

/// Services that run, reached over their RPCs. A process that is started anew is to listen where it
/// did before.
struct RunningServices: ReplayServices {
  let flows: (any FlowServices)?
  private let cartTracker: CartTrackerV1.CartTrackerClient
  private let clocks: [ClockV1.ClockClient]

  /// A call that takes longer is lost.
  fileprivate static let options = CallOptions(timeout: .seconds(120))

  /// - Parameters:
  ///   - scheduler: nil together with `notifier`, for a replay without flows.
  ///   - directMail: nil for one without letters.
  init(
    _ cartTracker: any Channel, scheduler: (any Channel)? = nil, notifier: (any Channel)? = nil,
    directMail: (any Channel)? = nil
  ) {
    self.cartTracker = CartTrackerV1.CartTrackerClient(cartTracker)
    clocks = [cartTracker, scheduler, notifier, directMail].compactMap { channel in
      channel.map { ClockV1.ClockClient($0) }
    }
    if let scheduler, let notifier {
      flows = RunningFlows(
        scheduler: SchedulerV1.SchedulerClient(scheduler),
        notifier: NotifierV1.NotifierClient(notifier),
        directMail: directMail.map { DirectMailV1.DirectMailClient($0) })
    } else {
      flows = nil
    }
  }

  func record(
    _ request: CartTrackerV1.RecordRequest
  ) async throws -> CartTrackerV1.RecordResponse {
    try await cartTracker.record(request, options: Self.options)
  }

  func store(_ id: String) async throws -> CartTrackerV1.Store? {
    try await RPCError.unlessFound {
      try await cartTracker.getStore(.init(store: id), options: Self.options)
    }
  }

  func putStore(
    _ request: CartTrackerV1.PutStoreRequest
  ) async throws -> CartTrackerV1.Store {
    try await cartTracker.putStore(request, options: Self.options)
  }

  func countCarts(_ store: String) async throws -> CartTrackerV1.CartCounts {
    try await cartTracker.countCarts(.init(store: store), options: Self.options)
  }

  func listEpisodes(
    _ request: CartTrackerV1.ListEpisodesRequest
  ) async throws -> CartTrackerV1.ListEpisodesResponse {
    try await cartTracker.listEpisodes(request, options: Self.options)
  }

  func advance(to instant: Protobuf.Timestamp) async throws {
    // One after the other, who receives before who sends: nobody hears of what lies ahead of him.
    for clock in clocks.reversed() {
      _ = try await clock.advance(.init(to: instant), options: Self.options)
    }
  }

  func statuses() async throws -> [ClockV1.StatusResponse] {
    try await ofEach { try await $0.status(.init(), options: Self.options) }
  }

  /// The answers of all processes, in their order.
  private func ofEach<Answer: Sendable>(
    _ ask: @escaping @Sendable (ClockV1.ClockClient) async throws -> Answer
  ) async throws -> [Answer] {
    if clocks.count == 1 { return [try await ask(clocks[0])] }
    return try await withThrowingTaskGroup(of: (Int, Answer).self) { group in
      for (index, clock) in clocks.enumerated() {
        group.addTask { (index, try await ask(clock)) }
      }
      var answers: [(Int, Answer)] = []
      for try await answer in group { answers.append(answer) }
      return answers.sorted { $0.0 < $1.0 }.map(\.1)
    }
  }
}

private struct RunningFlows: FlowServices {
  let scheduler: SchedulerV1.SchedulerClient
  let notifier: NotifierV1.NotifierClient
  let directMail: DirectMailV1.DirectMailClient?
  private var options: CallOptions { RunningServices.options }

  func checkFlow(
    _ request: SchedulerV1.CheckFlowRequest
  ) async throws -> SchedulerV1.CheckFlowResponse {
    try await scheduler.checkFlow(request, options: options)
  }

  func flow(_ store: String, _ name: String) async throws -> SchedulerV1.Flow? {
    try await RPCError.unlessFound {
      try await scheduler.getFlow(.init(store: store, flow: name), options: options)
    }
  }

  func applyFlow(_ request: SchedulerV1.ApplyFlowRequest) async throws -> SchedulerV1.Flow {
    try await scheduler.applyFlow(request, options: options)
  }

  func setMode(_ request: SchedulerV1.SetModeRequest) async throws {
    _ = try await scheduler.setMode(request, options: options)
  }

  func report(_ request: SchedulerV1.ReportRequest) async throws -> SchedulerV1.ReportResponse {
    try await scheduler.report(request, options: options)
  }

  func template(
    _ store: String, _ name: String, _ locale: String
  ) async throws -> NotifierV1.Template? {
    try await RPCError.unlessFound {
      try await notifier.getTemplate(
        .init(store: store, template: name, locale: locale), options: options)
    }
  }

  func putTemplate(_ request: NotifierV1.PutTemplateRequest) async throws {
    _ = try await notifier.putTemplate(request, options: options)
  }

  var printsLetters: Bool { directMail != nil }

  func letter(
    _ store: String, _ name: String, _ locale: String
  ) async throws -> DirectMailV1.Template? {
    guard let directMail else { return nil }
    return try await RPCError.unlessFound {
      try await directMail.getTemplate(
        .init(store: store, template: name, locale: locale), options: options)
    }
  }

  func putLetter(_ request: DirectMailV1.PutTemplateRequest) async throws {
    _ = try await directMail?.putTemplate(request, options: options)
  }
}
