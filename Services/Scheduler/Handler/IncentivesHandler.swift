internal import Delivery
internal import Messages
internal import Storage
internal import Stubs
internal import Transport
internal import Wire

/// Serves `homing.scheduler.v1.Incentives` (M11, M12).
struct IncentivesHandler: SchedulerV1.IncentivesService {
  let scheduler: SchedulerHandler
  /// Names that the shops' Rewards are configured under.
  let rewards: Set<String>

  func putIncentive(
    _ request: SchedulerV1.PutIncentiveRequest, _ call: ServerCall
  ) throws -> Reply<SchedulerV1.Incentive> {
    let terms = request.terms ?? SchedulerV1.IncentiveTerms()
    try TermsRules.check(terms, rewards: rewards)
    return try command("PutIncentive", request.store, request.idempotencyKey, request) {
      try CampaignStore.put(terms, in: request.store, $0)
    }
  }

  func getIncentive(
    _ request: SchedulerV1.GetIncentiveRequest, _ call: ServerCall
  ) throws -> Reply<SchedulerV1.Incentive> {
    reading(request.store) { try CampaignStore.named(request.name, in: request.store, $0) }
  }

  func listIncentives(
    _ request: SchedulerV1.ListIncentivesRequest, _ call: ServerCall
  ) throws -> Reply<SchedulerV1.ListIncentivesResponse> {
    reading(request.store) { session -> SchedulerV1.ListIncentivesResponse in
      .init(incentives: try CampaignStore.all(in: request.store, session))
    }
  }

  func uploadCodes(
    _ request: SchedulerV1.UploadCodesRequest, _ call: ServerCall
  ) throws -> Reply<SchedulerV1.UploadCodesResponse> {
    try command(
      "UploadCodes", request.store, request.idempotencyKey, request, rows: request.codes.count
    ) { try CodeUpload(request: request, writing: $0).add() }
  }

  func redeem(
    _ request: SchedulerV1.RedeemRequest, _ call: ServerCall
  ) throws -> Reply<SchedulerV1.RedeemResponse> {
    if request.contact.isEmpty && request.cart.isEmpty {
      throw RPCError(
        .invalidArgument, "whose code it is needs a contact or a cart",
        fieldViolations: [.init(field: "contact", detail: "and cart are empty")])
    }
    guard request.total?.billionths != nil else {
      throw RPCError(
        .invalidArgument, "total is no amount from 0 to \(CommonV1.Money.unitsMax)",
        fieldViolations: [.init(field: "total", detail: "is below 0 or too large")])
    }
    return .later {
      try await scheduler.store(request.store)
      return .now(
        try await scheduler.edge {
          try await scheduler.committer.run(rows: 8) {
            try Redemption(request: request, writing: $0).redeem()
          }
        })
    }
  }

  func reverseRedemption(
    _ request: SchedulerV1.ReverseRedemptionRequest, _ call: ServerCall
  ) throws -> Reply<SchedulerV1.ReverseRedemptionResponse> {
    try command("ReverseRedemption", request.store, request.idempotencyKey, request) {
      writing -> SchedulerV1.ReverseRedemptionResponse in
      .init(
        holds: try CodeReversal.reverse(
          request.code, request.order, in: request.store, writing))
    }
  }

  func voidCode(
    _ request: SchedulerV1.VoidCodeRequest, _ call: ServerCall
  ) throws -> Reply<SchedulerV1.VoidCodeResponse> {
    try command("VoidCode", request.store, request.idempotencyKey, request) {
      writing -> SchedulerV1.VoidCodeResponse in
      try CodeReversal.void(request, writing)
      return .init()
    }
  }

  func listGiven(
    _ request: SchedulerV1.ListGivenRequest, _ call: ServerCall
  ) throws -> Reply<SchedulerV1.ListGivenResponse> {
    reading(request.store) { session -> SchedulerV1.ListGivenResponse in
      let gifts = try Gift.all(of: request.contact, in: request.store, session)
      return .init(given: gifts.map(\.contract))
    }
  }

  // MARK: - How each is run

  private func command<Request: Message, Answer: Message>(
    _ method: String, _ store: String, _ key: String, _ request: Request, rows: Int = 8,
    _ effect: @escaping @Sendable (Writing) throws -> Answer
  ) throws -> Reply<Answer> {
    let command = try Command<Answer>(method, store: store, key: key, request)
    return .later {
      try await scheduler.store(store)
      return .now(
        try await scheduler.edge {
          try await scheduler.committer.run(rows: max(1, rows)) { writing in
            try command.run(writing) { try effect(writing) }
          }
        })
    }
  }

  private func reading<Answer: Message>(
    _ store: String, _ body: @escaping @Sendable (any StorageSession) throws -> Answer
  ) -> Reply<Answer> {
    .later {
      try await scheduler.store(store)
      return .now(try await scheduler.reading(body))
    }
  }
}
