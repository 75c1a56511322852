internal import Delivery
internal import Logging
internal import Messages
internal import ServiceKit
internal import Storage
internal import Texts
internal import Transport
internal import Wire

/// Decides, right before a hand-off, whether a message may go out, and makes what goes out.
///
/// In this order: expiry, pause, mode, purchase and legal basis (cart-tracker), destination, test
/// address, the recipient's hours, content. The suppression of an address is looked at last, in
/// the transaction of the intent.
struct PermissionDesk: Sendable {
  /// Subjects of one call.
  static let batchMax = 256
  /// Messages rendered one after the other by one thread.
  private static let renderBatch = 16
  /// Before a refusal that does not last is asked about again.
  private static let refusalWait: Int64 = 15 * 1_000_000
  /// Before a message that cannot be made is tried again: it waits for a fact or a template.
  private static let contentWait: Int64 = 300 * 1_000_000
  /// Before a message that is held back is looked at again without a word from the scheduler, who
  /// tells of the pause's end.
  static let pauseWait: Int64 = 900 * 1_000_000

  let source: any StopSource
  let stores: StoreBook
  let templates: TemplateBook
  let modes: ModeBook
  let pauses: PauseBook
  let renderer: ContentRenderer
  let links: LinkMaker
  let threads: ThreadPool
  let clock: any WallClock
  let log: Logger

  /// What is decided of messages of one store, in their order.
  ///
  /// - Throws: where cart-tracker cannot be asked; ask again later.
  func ask(_ messages: [DueMessage]) async throws -> [Permission] {
    precondition(messages.count <= PermissionDesk.batchMax)
    let now = clock.now.microseconds
    var decided = messages.map { refusal($0, now) }
    let open = messages.indices.filter { decided[$0] == nil }
    if !open.isEmpty {
      let answers = try await answers(open.map { messages[$0] })
      for (index, answer) in zip(open, answers) { decided[index] = answer }
    }
    return decided.map { $0 ?? .wait(.notReadable, until: now) }
  }

  /// What forbids a message before anybody is asked.
  private func refusal(_ message: DueMessage, _ now: Int64) -> Permission? {
    if now >= message.expiresAt { return .skip(.stale) }
    if let wait = pause(message) { return wait }
    if let reason = modes.refusal(message.order) { return .skip(reason) }
    return nil
  }

  /// The wait of a message that is held back (F22); nil where it is not.
  func pause(_ message: DueMessage) -> Permission? {
    guard pauses.covers(message.order) else { return nil }
    return wait(message, .paused, PermissionDesk.pauseWait)
  }

  // MARK: - cart-tracker

  private func answers(_ messages: [DueMessage]) async throws -> [Permission] {
    let id = messages[0].order.store
    let asked = MonotonicInstant.now
    let response: CartTrackerV1.CheckStopResponse
    do {
      response = try await source.checkStop(
        .init(store: id, subjects: messages.map(\.order.stopSubject), withFacts: true))
    } catch let error as RPCError where error.code == .resourceExhausted && messages.count > 1 {
      // The facts of so many do not fit one answer.
      let half = messages.count / 2
      return try await answers(Array(messages[..<half])) + answers(Array(messages[half...]))
    } catch let error as RPCError where error.code == .notFound {
      return messages.map { wait($0, .notReadable, PermissionDesk.refusalWait) }
    }
    guard response.answers.count == messages.count else {
      throw RPCError(.internalError, "cart-tracker answered about others")
    }
    let revision = response.answers.compactMap { $0.facts?.storeRevision }.max() ?? 0
    let store = try await stores.store(id, revision: revision)
    return try await render(
      zip(messages, response.answers).map { Question(message: $0, answer: $1) }, store, asked)
  }

  private struct Question: Sendable {
    let message: DueMessage
    let answer: CartTrackerV1.StopAnswer
  }

  private func render(
    _ questions: [Question], _ store: CartTrackerV1.Store, _ asked: MonotonicInstant
  ) async throws -> [Permission] {
    if questions.count <= PermissionDesk.renderBatch {
      return try await threads.run { questions.map { decide($0, store, asked) } }
    }
    let chunks = stride(from: 0, to: questions.count, by: PermissionDesk.renderBatch).map {
      questions[$0..<min($0 + PermissionDesk.renderBatch, questions.count)]
    }
    return try await withThrowingTaskGroup(of: (Int, [Permission]).self) { group in
      for (index, chunk) in chunks.enumerated() {
        group.addTask {
          (index, try await threads.run { chunk.map { decide($0, store, asked) } })
        }
      }
      var parts = [[Permission]](repeating: [], count: chunks.count)
      for try await (index, part) in group { parts[index] = part }
      return parts.flatMap { $0 }
    }
  }

  // MARK: - One message

  private func decide(
    _ question: Question, _ store: CartTrackerV1.Store, _ asked: MonotonicInstant
  ) -> Permission {
    let (message, answer) = (question.message, question.answer)
    if let refusal = answer.refusal {
      return refusal.lasting
        ? .skip(refusal.reason) : wait(message, refusal.reason, PermissionDesk.refusalWait)
    }
    guard let grant = answer.grant, let facts = answer.facts else {
      return wait(message, .notReadable, PermissionDesk.refusalWait)
    }
    let order = message.order
    guard let recipient = Recipient.choose(order, facts) else { return .skip(.noDestination) }
    let isAllowed = Recipient.named(order, recipient).allSatisfy {
      modes.refusal(order, $0) == nil
    }
    guard isAllowed else {
      return .skip(modes.refusal(order) ?? .notATestAddress)
    }
    let settings = store.settings ?? CartTrackerV1.StoreSettings()
    let now = clock.now
    if let hours = RecipientHours(order, facts, settings).closed(at: now) {
      return .wait(hours.reason, until: min(hours.opens.microseconds, message.expiresAt))
    }
    let own = facts.contact?.profile?.locale ?? ""
    let locale = own.isEmpty ? settings.locale : own
    guard
      let template = templates.variant(
        order.store, order.template, for: locale, storeLocale: settings.locale)
    else { return wait(message, .missingValue, PermissionDesk.contentWait) }
    do throws(ContentError) {
      let rendered = try renderer.render(
        RenderRequest(
          order: order, facts: facts, store: store, template: template, locale: locale,
          recipient: recipient, links: links, isTracked: facts.allowsTracking(order.channel),
          bucket: message.key.bucket, now: now))
      guard let (content, links) = rendered.parts else {
        return wait(message, .missingValue, PermissionDesk.contentWait)
      }
      let addresses = AddressKeys(
        store: order.store, controller: settings.controller, channel: order.channel,
        address: recipient)
      return .ready(
        ReadyMessage(
          due: message, grant: grant, asked: asked, recipient: recipient, addresses: addresses,
          controller: settings.controller, locale: locale, templateVersion: template.version,
          content: content, links: links))
    } catch {
      if error.reason == .badDestination { return .skip(.badDestination) }
      log.error(
        "a message cannot be made and waits",
        metadata: [
          "message": "\(order.id)", "template": "\(order.template)", "problem": "\(error)",
        ])
      return wait(message, .missingValue, PermissionDesk.contentWait)
    }
  }

  private func wait(
    _ message: DueMessage, _ reason: CommonV1.ReasonCode, _ span: Int64
  ) -> Permission {
    let until = min(clock.now.microseconds + span, message.expiresAt)
    return .wait(reason, until: max(until, 0))
  }
}

extension Rendered {
  /// What goes out, with its tracked links; nil where a value is missing.
  var parts: (Content, [TrackedLink])? {
    switch self {
    case .email(let email): (.email(email), email.links)
    case .text(let text): (.text(text.text), text.links)
    case .webhook(let webhook): (.webhook(webhook.body), [])
    case .held: nil
    }
  }
}

/// Where a message goes to.
enum Recipient {
  /// Everybody of the staff.
  static let everybody = "*"

  /// The address for an order; nil where there is none.
  static func choose(_ order: CommonV1.SendOrder, _ facts: CartTrackerV1.Facts) -> String? {
    switch order.channel {
    case .webhook: return order.recipients.first
    case .internal:
      return order.recipients.isEmpty ? everybody : order.recipients.joined(separator: ", ")
    default:
      let own = facts.contact?.profile?.destinations.filter { $0.channel == order.channel } ?? []
      // One that its owner has proved comes first.
      return (own.first { $0.confirmedAt != nil } ?? own.first)?.address
    }
  }

  /// Each one that a list of test addresses has to name.
  static func named(_ order: CommonV1.SendOrder, _ recipient: String) -> [String] {
    order.channel == .internal && !order.recipients.isEmpty ? order.recipients : [recipient]
  }
}
