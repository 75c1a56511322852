internal import Delivery
internal import Logging
internal import Messages
internal import ServiceKit
internal import Storage
internal import Stubs
internal import Transport
internal import Wire

/// Serves `homing.notifier.v1.Notifier`: one function for each method, validate → domain → answer.
/// What blocks runs on the readers' threads, the commands' thread or the writer's.
struct NotifierHandler: NotifierV1.NotifierService {
  let intake: OrderIntake
  let modes: ModeBook
  let pauses: PauseDesk
  let database: NotifierDatabase
  let stores: StoreBook
  let templates: TemplateDesk
  let suppressions: SuppressionDesk
  let visits: VisitDesk
  let reports: ReportDesk
  let mails: MailDesk
  let restored: RestoredBackup
  let readers: ThreadPool
  let log: Logger

  func send(
    _ request: CommonV1.SendOrders, _ call: ServerCall
  ) throws -> Reply<CommonV1.Receipts> {
    later { try await intake.take(request) }
  }

  func putModes(
    _ request: CommonV1.PutModesRequest, _ call: ServerCall
  ) throws -> Reply<CommonV1.PutModesResponse> {
    for (index, mode) in request.modes.enumerated() where mode.revision > UInt64(Int64.max) {
      throw RPCError(
        .invalidArgument, "modes[\(index)].revision is too large",
        fieldViolations: [.init(field: "modes[\(index)].revision", detail: "at most 2^63 - 1")])
    }
    return later {
      try await database.commit([], weight: 4) { try ModeBook.write(request.modes, $0) }
      modes.put(request.modes)
      return .init()
    }
  }

  func putPauses(
    _ request: CommonV1.PutPausesRequest, _ call: ServerCall
  ) throws -> Reply<CommonV1.PutPausesResponse> {
    later {
      try await pauses.put(request)
      return .init()
    }
  }

  // MARK: - Messages

  func listMessages(
    _ request: NotifierV1.ListMessagesRequest, _ call: ServerCall
  ) throws -> Reply<NotifierV1.ListMessagesResponse> {
    reading { try MessageList.list(request, $0) }
  }

  func getMessage(
    _ request: NotifierV1.GetMessageRequest, _ call: ServerCall
  ) throws -> Reply<NotifierV1.GetMessageResponse> {
    reading { session in
      guard let id = UUIDText.bytes(request.message),
        let found = try MessageRow.find(id, session), found.order.store == request.store
      else { throw RPCError(.notFound, "no message of this id was ordered") }
      var answer = NotifierV1.GetMessageResponse(message: try found.contract(session))
      if request.withContent {
        answer.content =
          try session.first(
            MessageStatements.content, [found.key.bucketValue, found.key.idValue]
          ) { try $0.blob(1) } ?? []
      }
      return answer
    }
  }

  /// This service's part of a receipt (P10).
  func getErasure(
    _ request: CommonV1.GetErasureRequest, _ call: ServerCall
  ) throws -> Reply<CommonV1.Erasure> {
    reading { session in
      let book = ErasedBook(Stored.self, service: PersonEraser.service, session)
      guard let receipt = try book.receipt(of: request.erasure, store: request.store) else {
        throw RPCError(.notFound, "no such erasure has come here")
      }
      return receipt
    }
  }

  func listRestores(
    _ request: CommonV1.ListRestoresRequest, _ call: ServerCall
  ) throws -> Reply<CommonV1.ListRestoresResponse> {
    reading { session in
      CommonV1.ListRestoresResponse(
        service: PersonEraser.service, restores: try restored.gate.list(session))
    }
  }

  // MARK: - Templates

  func checkTemplate(
    _ request: NotifierV1.CheckTemplateRequest, _ call: ServerCall
  ) throws -> Reply<NotifierV1.CheckTemplateResponse> {
    later { try await templates.check(request) }
  }

  func putTemplate(
    _ request: NotifierV1.PutTemplateRequest, _ call: ServerCall
  ) throws -> Reply<NotifierV1.Template> {
    later { try await templates.put(request, by: call.identity.uri) }
  }

  func getTemplate(
    _ request: NotifierV1.GetTemplateRequest, _ call: ServerCall
  ) throws -> Reply<NotifierV1.Template> {
    later { try await templates.get(request) }
  }

  func listTemplates(
    _ request: NotifierV1.ListTemplatesRequest, _ call: ServerCall
  ) throws -> Reply<NotifierV1.ListTemplatesResponse> { .now(try templates.list(request)) }

  func renderPreview(
    _ request: NotifierV1.RenderPreviewRequest, _ call: ServerCall
  ) throws -> Reply<NotifierV1.RenderPreviewResponse> {
    later { try await templates.preview(request) }
  }

  // MARK: - From outside

  func resolveLink(
    _ request: NotifierV1.ResolveLinkRequest, _ call: ServerCall
  ) throws -> Reply<NotifierV1.ResolveLinkResponse> {
    later { try await visits.resolve(request) }
  }

  func recordOpen(
    _ request: NotifierV1.RecordOpenRequest, _ call: ServerCall
  ) throws -> Reply<NotifierV1.RecordOpenResponse> { later { try await visits.open(request) } }

  func takeReport(
    _ request: NotifierV1.TakeReportRequest, _ call: ServerCall
  ) throws -> Reply<NotifierV1.TakeReportResponse> { later { try await reports.take(request) } }

  func takeMail(
    _ request: NotifierV1.TakeMailRequest, _ call: ServerCall
  ) throws -> Reply<NotifierV1.InboundAnswer> { later { try await mails.take(request) } }

  func takeReply(
    _ request: NotifierV1.TakeReplyRequest, _ call: ServerCall
  ) throws -> Reply<NotifierV1.InboundAnswer> {
    later { try await reports.replies.take(request) }
  }

  // MARK: - Suppressions

  func describeUnsubscribe(
    _ request: NotifierV1.DescribeUnsubscribeRequest, _ call: ServerCall
  ) throws -> Reply<NotifierV1.DescribeUnsubscribeResponse> {
    later { try await suppressions.describe(request) }
  }

  func unsubscribe(
    _ request: NotifierV1.UnsubscribeRequest, _ call: ServerCall
  ) throws -> Reply<NotifierV1.OptOutResponse> {
    later { try await suppressions.unsubscribe(request) }
  }

  func optOut(
    _ request: NotifierV1.OptOutRequest, _ call: ServerCall
  ) throws -> Reply<NotifierV1.OptOutResponse> { later { try await suppressions.optOut(request) } }

  func putSuppressions(
    _ request: NotifierV1.PutSuppressionsRequest, _ call: ServerCall
  ) throws -> Reply<NotifierV1.PutSuppressionsResponse> {
    later { try await suppressions.put(request) }
  }

  func removeSuppression(
    _ request: NotifierV1.RemoveSuppressionRequest, _ call: ServerCall
  ) throws -> Reply<NotifierV1.RemoveSuppressionResponse> {
    later { try await suppressions.remove(request, by: call.identity.uri) }
  }

  func listSuppressions(
    _ request: NotifierV1.ListSuppressionsRequest, _ call: ServerCall
  ) throws -> Reply<NotifierV1.ListSuppressionsResponse> {
    later {
      let controller = try await stores.store(request.store).settings?.controller ?? ""
      return try await readers.run {
        try database.read { try SuppressionList.list(request, controller: controller, $0) }
      }
    }
  }
}

extension NotifierHandler {
  private func later<Answer>(
    _ body: @escaping @Sendable () async throws -> Answer
  ) -> Reply<Answer> {
    .later { .now(try await edge(body)) }
  }

  /// Runs `body` on a reader's thread.
  private func reading<Answer>(
    _ body: @escaping @Sendable (any StorageSession) throws -> Answer
  ) -> Reply<Answer> {
    later { try await readers.run { try database.read(body) } }
  }

  /// Where errors of the rooms below get their status: what storage says is for the log.
  private func edge<R>(_ body: () async throws -> R) async throws -> R {
    do {
      return try await body()
    } catch let error as StorageError {
      throw status(error)
    }
  }

  private func status(_ error: StorageError) -> RPCError {
    switch error.code {
    case .busy, .closed, .fenced, .uncertain:
      return RPCError(.unavailable, "not now", retryAfter: .milliseconds(200), cause: error)
    case .full:
      return RPCError(
        .resourceExhausted, "no room to store it", retryAfter: .seconds(1), cause: error)
    default:
      log.error("storage failed", metadata: ["error": "\(error)"])
      return RPCError(.internalError, "stored data could not be used", cause: error)
    }
  }
}
