internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Wire

/// Who must not get anything any more (M18): suppresses addresses, keeps the proof, and withdraws
/// what waits for them.
struct SuppressionDesk: Sendable {
  let database: NotifierDatabase
  let journal: OptOutJournal
  let messageLog: MessageLog
  let stores: StoreBook
  let source: any StopSource
  let links: LinkMaker
  let commands: Commands
  let clock: any WallClock
  let threads: ThreadPool

  /// One address that nothing is sent to from now on.
  struct Wish: Sendable {
    let keys: AddressKeys
    let store: String
    let controller: String
    var suppression: Suppression
    /// What the append-only table calls it; nil where it is no opt-out.
    var proof: String?

    var key: OwnerKey { suppression.isOfController ? keys.controller : keys.store }
    var scope: String {
      suppression.isOfController
        ? Scope.controller(controller) : Scope.store(store)
    }
  }

  /// What stands in a row for a store or a controller; no name of the one is one of the other.
  enum Scope {
    static func store(_ id: String) -> String { "store " + id }
    static func controller(_ name: String) -> String { "controller " + name }
  }

  struct Outcome: Sendable {
    var added: UInt32 = 0
    var known: UInt32 = 0
    var withdrawn: UInt32 = 0
  }

  // MARK: - In a transaction

  /// Messages that may wait for the addresses, with what has to be fenced. Blocks.
  func waiting(for wishes: [Wish]) throws -> [MessageKey] {
    try database.read { session in
      var found: [MessageKey] = []
      for wish in wishes {
        let contacts = try session.all(
          AddressStatements.contacts,
          [wish.keys.controller.bucketValue, wish.keys.controller.value]
        ) { (try $0.text(0), try $0.text(1)) }
        for (store, contact) in contacts
        where wish.suppression.isOfController || store == wish.store {
          found += try waiting(
            store, contact, wish.keys.channel, address: wish.keys.address, session)
        }
      }
      return found
    }
  }

  /// - Parameter address: in its normal form; nil: whatever the address.
  func waiting(
    _ store: String, _ contact: String, _ channel: CommonV1.Channel, address: String?,
    _ session: any StorageSession
  ) throws -> [MessageKey] {
    let bucket = OwnerKey.contact(store: store, contact: contact).bucket
    var found: [MessageKey] = []
    try session.rows(
      MessageStatements.waitingOfContact, [.integer(bucket), .text(contact), .text(store)]
    ) { row in
      let own = AddressForm.normal(channel, try row.text(2))
      if try row.integer(1) == channel.rawValue, own.isEmpty || address == nil || own == address,
        let key = MessageKey(bucket: bucket, id: try row.blob(0))
      {
        found.append(key)
      }
      return true
    }
    return found
  }

  func buckets(_ wishes: [Wish], _ waiting: [MessageKey]) -> [UInt8] {
    wishes.flatMap { [$0.keys.store.bucket, $0.keys.controller.bucket] } + waiting.map(\.bucket)
  }

  func apply(
    _ wishes: [Wish], _ waiting: [MessageKey], _ now: Int64, _ session: any StorageSession
  ) throws -> Outcome {
    var outcome = Outcome()
    var changed: [NotifierV1.JournaledSuppression] = []
    for wish in wishes {
      let (isNew, isChange) = try Suppressions.put(
        wish.suppression, wish.key, scope: wish.scope, at: now, session)
      if isNew { outcome.added += 1 } else { outcome.known += 1 }
      if isChange { changed.append(.init(wish, at: now)) }
      if let proof = wish.proof {
        try session.execute(
          AddressStatements.addOptOut,
          [
            wish.key.bucketValue, wish.key.value, .integer(wish.suppression.since), .integer(now),
            .text(proof), .text(wish.scope), .integer(wish.suppression.channel.rawValue),
            .text(wish.suppression.address), .text(wish.suppression.evidence),
            .text(wish.suppression.message),
          ])
      }
    }
    try journal.note(changed, session)
    for key in waiting where try messageLog.withdraw(key, .suppressed, now, session) {
      outcome.withdrawn += 1
    }
    return outcome
  }

  func wish(
    _ store: CartTrackerV1.Store, _ channel: CommonV1.Channel, _ address: String,
    cause: NotifierV1.SuppressionCause, isOfController: Bool, since: Int64, until: Int64? = nil,
    evidence: String, message: String = "", proof: String? = nil
  ) -> Wish {
    let controller = store.settings?.controller ?? ""
    let keys = AddressKeys(
      store: store.id, controller: controller, channel: channel, address: address)
    return Wish(
      keys: keys, store: store.id, controller: controller,
      suppression: Suppression(
        channel: channel, address: keys.address, cause: cause, isOfController: isOfController,
        since: since, until: until, evidence: evidence, message: message), proof: proof)
  }

  // MARK: - By the person

  private static let noToken = RPCError(.notFound, "the link is not one of ours")

  /// The message that a link is of.
  private func message(of token: String) async throws -> MessageRow {
    guard let claims = links.verify(token, purpose: .unsubscribe, now: clock.now),
      let key = MessageKey(bucket: claims.bucket, id: claims.message)
    else { throw SuppressionDesk.noToken }
    let found = try await threads.run {
      try database.read { try MessageRow.find(key, $0) }
    }
    guard let found, !found.recipient.isEmpty else { throw SuppressionDesk.noToken }
    return found
  }

  func describe(
    _ request: NotifierV1.DescribeUnsubscribeRequest
  ) async throws -> NotifierV1.DescribeUnsubscribeResponse {
    let message = try await message(of: request.token)
    let store = try await stores.store(message.order.store)
    let keys = message.addresses(controller: store.settings?.controller ?? "")
    let now = clock.now.microseconds
    let isDone = try await threads.run {
      try database.read { try Suppressions.inForce(keys, .load($0), at: now, $0) != nil }
    }
    return .init(
      storeName: store.settings?.name ?? "", channel: message.order.channel,
      address: AddressForm.masked(message.order.channel, message.recipient),
      locale: message.locale, done: isDone)
  }

  func unsubscribe(
    _ request: NotifierV1.UnsubscribeRequest
  ) async throws -> NotifierV1.OptOutResponse {
    let message = try await message(of: request.token)
    let store = try await stores.store(message.order.store)
    let at = min(request.at?.microseconds ?? .max, clock.now.microseconds)
    let wish = wish(
      store, message.order.channel, message.recipient, cause: .optOut, isOfController: true,
      since: at, evidence: request.evidence, message: message.key.text,
      proof: request.oneClick ? "one-click" : "page")
    let outcome = message.due.outcome(.optedOut, at: at)
    let withdrawn = try await threads.run {
      let waiting = try waiting(for: [wish])
      let now = clock.now.microseconds
      let touched = buckets([wish], waiting) + [message.key.bucket]
      let done = try database.commitBlocking(touched, weight: 8) { session in
        let done = try apply([wish], waiting, now, session)
        _ = try messageLog.learn(outcome, of: message.key, now, session)
        return done.withdrawn
      }
      messageLog.outcomes.wake(touched)
      return done
    }
    return .init(withdrawn: withdrawn)
  }

  // MARK: - By systems and staff

  func optOut(_ request: NotifierV1.OptOutRequest) async throws -> NotifierV1.OptOutResponse {
    let store = try await stores.store(request.store)
    guard request.address.isEmpty != request.contact.isEmpty else {
      throw SuppressionDesk.refusal("address", "one of address and contact is given")
    }
    let all: [CommonV1.Channel] = [.email, .sms, .chat, .push]
    let channels = request.channel == .unspecified ? all : [request.channel]
    guard channels.allSatisfy(\.reachesContacts) else {
      throw SuppressionDesk.refusal("channel", "does not reach contacts")
    }
    var addresses = channels.map { ($0, request.address) }
    if !request.contact.isEmpty {
      let answer = try await source.facts(
        .init(store: request.store, subjects: [.init(contact: request.contact)]))
      let own = answer.facts.first?.contact?.profile?.destinations ?? []
      addresses = own.filter { channels.contains($0.channel) }.map { ($0.channel, $0.address) }
    }
    let at = min(request.at?.microseconds ?? .max, clock.now.microseconds)
    let wishes = addresses.map { channel, address in
      wish(
        store, channel, address, cause: .optOut, isOfController: true, since: at,
        evidence: request.evidence, proof: "opt-out")
    }
    return try await commands.run("OptOut", request.store, request.idempotencyKey, request) { now in
      var waiting = Set(try waiting(for: wishes))
      if !request.contact.isEmpty {
        try database.read { session in
          for channel in channels {
            waiting.formUnion(
              try self.waiting(request.store, request.contact, channel, address: nil, session))
          }
        }
      }
      let (messages, touched) = (Array(waiting), buckets(wishes, Array(waiting)))
      return Commands.Effect(
        buckets: touched,
        apply: { .init(withdrawn: try apply(wishes, messages, now, $0).withdrawn) },
        after: { _ in messageLog.outcomes.wake(touched) })
    }
  }

  func put(
    _ request: NotifierV1.PutSuppressionsRequest
  ) async throws -> NotifierV1.PutSuppressionsResponse {
    let store = try await stores.store(request.store)
    let now = clock.now.microseconds
    let wishes = try request.suppressions.enumerated().map { index, item in
      let field = "suppressions[\(index)]"
      guard !item.address.isEmpty else {
        throw SuppressionDesk.refusal("\(field).address", "is required")
      }
      guard item.channel.reachesContacts, CommonV1.Channel.digital.contains(item.channel.rawValue)
      else { throw SuppressionDesk.refusal("\(field).channel", "does not reach contacts") }
      guard (1...6).contains(item.cause.rawValue) else {
        throw SuppressionDesk.refusal("\(field).cause", "is none")
      }
      return wish(
        store, item.channel, item.address, cause: item.cause, isOfController: item.wholeController,
        since: min(item.since?.microseconds ?? now, now), until: item.until?.microseconds,
        evidence: item.evidence, message: item.message,
        proof: item.cause == .optOut ? "opt-out" : nil)
    }
    return try await commands.run(
      "PutSuppressions", request.store, request.idempotencyKey, request
    ) { now in
      let waiting = Array(Set(try waiting(for: wishes)))
      let touched = buckets(wishes, waiting)
      return Commands.Effect(
        buckets: touched,
        apply: { session in
          let done = try apply(wishes, waiting, now, session)
          return .init(added: done.added, known: done.known, withdrawn: done.withdrawn)
        }, after: { _ in messageLog.outcomes.wake(touched) })
    }
  }

  func remove(
    _ request: NotifierV1.RemoveSuppressionRequest, by caller: String
  ) async throws -> NotifierV1.RemoveSuppressionResponse {
    let store = try await stores.store(request.store)
    let own = wish(
      store, request.channel, request.address, cause: .staff, isOfController: false, since: 0,
      evidence: "\(caller): \(request.note)")
    var shared = own
    shared.suppression.isOfController = true
    let both = [own, shared]
    return try await commands.run(
      "RemoveSuppression", request.store, request.idempotencyKey, request
    ) { now in
      let found = try database.read { session in
        try both.compactMap { wish in try Suppressions.find(wish.key, session).map { (wish, $0) } }
      }
      if found.isEmpty { throw RPCError(.notFound, "the address is not suppressed") }
      if found.contains(where: { $0.1.cause == .optOut }) {
        throw RPCError(.failedPrecondition, "an opt-out ends by a new consent only")
      }
      let removed = found.map(\.0)
      return Commands.Effect(
        buckets: buckets(both, []),
        apply: { session in
          for wish in removed {
            try session.execute(
              AddressStatements.removeSuppression, [wish.key.bucketValue, wish.key.value])
            try session.execute(
              AddressStatements.addOptOut,
              [
                wish.key.bucketValue, wish.key.value, .integer(now), .integer(now),
                .text("removed"), .text(wish.scope), .integer(request.channel.rawValue),
                .text(wish.keys.address), .text(wish.suppression.evidence), .text(""),
              ])
          }
          try journal.note(
            removed.map { NotifierV1.JournaledSuppression($0, at: now, lifted: true) }, session)
          return .init()
        })
    }
  }

  static func refusal(_ field: String, _ detail: String) -> RPCError {
    RPCError(
      .invalidArgument, "\(field): \(detail)",
      fieldViolations: [.init(field: field, detail: detail)])
  }
}
