internal import Delivery
internal import Messages
internal import Storage
internal import Wire

/// Incentives of stores: their terms and what they have come to.
enum CampaignStore {
  static let unknown = RPCError(.notFound, "the store has no incentive of this name")
  private static let countMax = 1024

  /// Makes one, or changes its terms; the same terms again change nothing.
  static func put(
    _ terms: SchedulerV1.IncentiveTerms, in store: String, _ writing: Writing
  ) throws -> SchedulerV1.Incentive {
    let known = try writing.campaign(terms.name, in: store)
    if let known, known.terms == terms { return try contract(known, writing.session) }
    if let known { try refuseChange(of: known, to: terms, writing) }
    let code = terms.codes == .fixed ? CodeText.normal(terms.gift?.code ?? "") ?? "" : ""
    if !code.isEmpty { try refuseTaken(code, by: terms.name, in: store, writing) }
    if known == nil, try all(in: store, writing.session).count >= countMax {
      throw RPCError(
        .resourceExhausted, "the store has \(countMax) incentives, which is the most")
    }
    let campaign = Campaign(store: store, revision: (known?.revision ?? 0) + 1, terms: terms)
    try writing.session.execute(
      IncentiveStatements.put,
      [
        .text(store), .text(terms.name), .text(code), .integer(Int64(campaign.revision)),
        .blob(try Stored.encode(terms)),
      ])
    return try contract(campaign, writing.session)
  }

  private static func refuseChange(
    of known: Campaign, to terms: SchedulerV1.IncentiveTerms, _ writing: Writing
  ) throws {
    let isSame =
      known.terms.codes == terms.codes
      && (terms.codes != .fixed || known.terms.gift?.code == terms.gift?.code)
    if isSame { return }
    let now = try contract(known, writing.session)
    guard now.reserved + now.outstanding + now.redeemed + now.poolLeft == 0 else {
      throw RPCError(
        .failedPrecondition, "codes of the incentive exist: another source needs another incentive",
        fieldViolations: [.init(field: "terms.codes", detail: "was \(known.terms.codes)")])
    }
  }

  private static func refuseTaken(
    _ code: String, by name: String, in store: String, _ writing: Writing
  ) throws {
    let other = try writing.session.first(
      IncentiveStatements.withCode, [.text(store), .text(code)]
    ) { try $0.text(0) }
    let entry = try writing.entries(of: code, in: store).first { $0.incentive != name }
    guard let owner = other == name ? entry?.incentive : other ?? entry?.incentive else { return }
    throw RPCError(
      .failedPrecondition, "the code is one of the incentive \(owner)",
      fieldViolations: [.init(field: "terms.gift.code", detail: "is taken")])
  }

  static func named(
    _ name: String, in store: String, _ session: any StorageSession
  ) throws -> SchedulerV1.Incentive {
    guard let campaign = try Campaign.named(name, in: store, session) else { throw unknown }
    return try contract(campaign, session)
  }

  static func all(
    in store: String, _ session: any StorageSession
  ) throws -> [SchedulerV1.Incentive] {
    try session.all(IncentiveStatements.ofStore, [.text(store)]) {
      try Campaign($0, store: store)
    }.map { try contract($0, session) }
  }

  // MARK: - As the contract shows it

  private static func contract(
    _ campaign: Campaign, _ session: any StorageSession
  ) throws -> SchedulerV1.Incentive {
    let owner = campaign.owner
    let counts = try IncentiveCounts.read(owner, isDry: false, session)
    let dry = try IncentiveCounts.read(owner, isDry: true, session)
    let left = try session.first(
      IncentiveStatements.poolLeft, [owner.bucketValue, owner.value]
    ) { try $0.integer(0) }
    return SchedulerV1.Incentive(
      store: campaign.store, terms: campaign.terms, revision: campaign.revision,
      reserved: UInt64(clamping: counts.reserved),
      outstanding: UInt64(clamping: counts.outstanding),
      redeemed: UInt64(clamping: counts.redeemed), poolLeft: UInt64(clamping: left ?? 0),
      worth: try worth(campaign, session), wouldGive: UInt64(clamping: dry.given))
  }

  private static func worth(
    _ campaign: Campaign, _ session: any StorageSession
  ) throws -> [SchedulerV1.Incentive.Worth] {
    let real = try IncentiveWorth.read(campaign.owner, isDry: false, session)
    let dry = try IncentiveWorth.read(campaign.owner, isDry: true, session)
    let named = campaign.terms.budgets.map(\.currencyCode)
    let currencies = Set(named + real.map(\.currency) + dry.map(\.currency)).sorted()
    return currencies.map { currency in
      let known = real.first { $0.currency == currency } ?? IncentiveWorth()
      let would = dry.first { $0.currency == currency }?.reserved ?? 0
      let limit = campaign.budget(currency)
      func money(_ amount: Int64) -> CommonV1.Money { .init(billionths: amount, currency) }
      return .init(
        limit: limit.map(money), reserved: money(known.reserved), spent: money(known.spent),
        left: limit.map { money(max(0, $0 - known.total)) }, wouldReserve: money(would))
    }
  }
}

/// Adds codes to a pool, in a transaction.
struct CodeUpload {
  let request: SchedulerV1.UploadCodesRequest
  let writing: Writing

  /// - Throws: NOT_FOUND, FAILED_PRECONDITION where the incentive has no pool.
  func add() throws -> SchedulerV1.UploadCodesResponse {
    guard let campaign = try writing.campaign(request.incentive, in: request.store) else {
      throw CampaignStore.unknown
    }
    guard campaign.terms.codes == .pool else {
      throw RPCError(
        .failedPrecondition, "the incentive takes no uploaded codes",
        fieldViolations: [.init(field: "incentive", detail: "codes is \(campaign.terms.codes)")])
    }
    var answer = SchedulerV1.UploadCodesResponse()
    var lines: [String: UInt32] = [:]
    var added: [String] = []
    for (index, code) in request.codes.enumerated() {
      let line = max(1, request.firstLine) &+ UInt32(truncatingIfNeeded: index)
      if let problem = try problem(code, line, &lines) {
        answer.refused.append(.init(line: line, problem: problem))
      } else {
        added.append(code)
      }
    }
    try writing.addToPool(added, campaign.name, in: request.store)
    answer.added = UInt32(clamping: added.count)
    return answer
  }

  /// Nil: it is a new code.
  private func problem(
    _ code: String, _ line: UInt32, _ lines: inout [String: UInt32]
  ) throws -> String? {
    guard let normal = CodeText.normal(code) else {
      return "is no code of letters, digits, - and _, up to \(CodeText.bytesMax) bytes"
    }
    if let first = lines[normal] { return "stands in line \(first) too" }
    lines[normal] = line
    let fixed = try writing.session.first(
      IncentiveStatements.withCode, [.text(request.store), .text(normal)]
    ) { try $0.text(0) }
    let known = try fixed ?? writing.entries(of: code, in: request.store).first?.incentive
    return known.map { "is known already, as a code of \($0)" }
  }
}
