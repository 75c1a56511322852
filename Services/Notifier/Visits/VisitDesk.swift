internal import Messages
internal import ServiceKit
internal import Storage
internal import Wire

/// Clicks and openings: notes each once, and tells the scheduler.
struct VisitDesk: Sendable {
  let database: NotifierDatabase
  let messageLog: MessageLog
  let links: LinkMaker
  let clock: any WallClock
  let threads: ThreadPool
  /// Of user agents and addresses, which are kept as keyed hashes only.
  let hashKey: HashKey

  private static let noToken = RPCError(.notFound, "the link is not one of ours, or too old")

  private enum Kind: Int64 {
    case opening = 1
    case click = 2
  }

  private struct Visit: Sendable {
    let key: MessageKey
    let kind: Kind
    let link: UInt8
    let agent: String
    let isPrefetch: Bool
    let address: String
    let at: Int64
    let request: String
  }

  func resolve(
    _ request: NotifierV1.ResolveLinkRequest
  ) async throws -> NotifierV1.ResolveLinkResponse {
    guard let claims = links.verify(request.token, purpose: .click, now: clock.now),
      let key = MessageKey(bucket: claims.bucket, id: claims.message)
    else { throw VisitDesk.noToken }
    let visit = Visit(
      key: key, kind: .click, link: claims.link, agent: request.userAgent,
      isPrefetch: request.prefetch, address: request.address,
      at: request.at?.microseconds ?? clock.now.microseconds,
      request: request.request)
    return try await threads.run {
      let found = try database.read { session -> (MessageRow, TrackedLink)? in
        let stored = try session.first(
          MessageStatements.links, [key.bucketValue, key.idValue]
        ) { try LinkTargets.decode(try $0.blob(0)) }
        guard let message = try MessageRow.find(key, session), let stored,
          stored.indices.contains(Int(claims.link)), !stored[Int(claims.link)].url.isEmpty
        else { return nil }
        return (message, stored[Int(claims.link)])
      }
      guard let (message, link) = found else { throw VisitDesk.noToken }
      try note(visit, message, link.name)
      return .init(url: link.url, store: message.order.store)
    }
  }

  func open(
    _ request: NotifierV1.RecordOpenRequest
  ) async throws -> NotifierV1.RecordOpenResponse {
    guard let claims = links.verify(request.token, purpose: .open, now: clock.now),
      let key = MessageKey(bucket: claims.bucket, id: claims.message)
    else { throw VisitDesk.noToken }
    let visit = Visit(
      key: key, kind: .opening, link: 0, agent: request.userAgent,
      isPrefetch: request.prefetch, address: request.address,
      at: request.at?.microseconds ?? clock.now.microseconds, request: request.request)
    return try await threads.run {
      guard let message = try database.read({ try MessageRow.find(key, $0) }) else {
        throw VisitDesk.noToken
      }
      try note(visit, message, "")
      return .init()
    }
  }

  /// Blocks.
  private func note(_ visit: Visit, _ message: MessageRow, _ link: String) throws {
    let agent = visit.isPrefetch ? .machine : HumanFilter.agent(visit.agent)
    let now = clock.now.microseconds
    let at = min(visit.at, now)
    let (hashedAgent, hashedAddress) = (
      hashKey.hash(visit.agent), hashKey.hash(visit.address)
    )
    try database.commitBlocking([visit.key.bucket], weight: 4) { session in
      let key = visit.key
      let others = try session.first(
        MessageStatements.otherLinks,
        [
          key.bucketValue, key.idValue, .integer(visit.kind.rawValue),
          .integer(at - HumanFilter.span), .integer(at), .integer(visit.link),
        ]
      ) { Int(try $0.integer(0)) }
      let actor = HumanFilter.actor(
        agent, isClick: visit.kind == .click, at: at, sentAt: message.endedAt,
        linksSeen: (others ?? 0) + 1)
      let added = try session.execute(
        MessageStatements.addVisit,
        [
          key.bucketValue, key.idValue, .integer(visit.kind.rawValue), .text(visit.request),
          .integer(at), .integer(visit.link), .integer(actor.rawValue), .integer(agent.rawValue),
          .blob(hashedAgent), .blob(hashedAddress),
        ])
      if added == 0 { return }
      var outcome = message.due.outcome(
        visit.kind == .click ? .clicked : .opened, at: at, discriminator: visit.request)
      outcome.actor = actor
      outcome.link = String(link.prefix(64))
      _ = try messageLog.learn(outcome, of: key, now, session)
    }
    messageLog.outcomes.wake([visit.key.bucket])
  }
}
