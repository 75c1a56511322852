internal import Delivery
internal import Logging
internal import Messages
internal import ServiceKit
internal import Storage
internal import Stubs
internal import Transport
internal import Wire

/// Serves `homing.direct_mail.v1.DirectMail`: one function for each method, validate → domain →
/// answer. What blocks runs on the readers' threads, the commands' thread or the writer's.
struct DirectMailHandler: DirectMailV1.DirectMailService {
  let intake: OrderIntake
  let modes: ModeBook
  let pauses: PauseBook
  let database: DirectMailDatabase
  let pieces: PieceDesk
  let batches: BatchDesk
  let budgets: BudgetDesk
  let objections: ObjectionDesk
  let scans: ScanDesk
  let templates: TemplateDesk
  let restores: RestoreGate
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
      throw BudgetDesk.refusal("modes[\(index)].revision", "is over 2^63 - 1")
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
    for (index, pause) in request.pauses.enumerated() where pause.revision > UInt64(Int64.max) {
      throw BudgetDesk.refusal("pauses[\(index)].revision", "is over 2^63 - 1")
    }
    return later {
      try await database.commit([], weight: 4) { try PauseBook.write(request.pauses, $0) }
      pauses.put(request.pauses)
      return .init()
    }
  }

  func listRestores(
    _ request: CommonV1.ListRestoresRequest, _ call: ServerCall
  ) throws -> Reply<CommonV1.ListRestoresResponse> {
    reading { session in
      CommonV1.ListRestoresResponse(
        service: PersonEraser.service, restores: try restores.list(session))
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

  // MARK: - Pieces

  func getMailPiece(
    _ request: DirectMailV1.GetMailPieceRequest, _ call: ServerCall
  ) throws -> Reply<DirectMailV1.MailPiece> {
    reading { session in
      guard let found = try PieceDesk.find(request.store, request.piece, session) else {
        throw PieceDesk.noPiece
      }
      return found.contract
    }
  }

  func listMailPieces(
    _ request: DirectMailV1.ListMailPiecesRequest, _ call: ServerCall
  ) throws -> Reply<DirectMailV1.ListMailPiecesResponse> {
    reading { try PieceList.list(request, $0) }
  }

  func withdrawMailPiece(
    _ request: DirectMailV1.WithdrawMailPieceRequest, _ call: ServerCall
  ) throws -> Reply<DirectMailV1.MailPiece> { later { try await pieces.withdraw(request) } }

  func reportPieces(
    _ request: DirectMailV1.ReportPiecesRequest, _ call: ServerCall
  ) throws -> Reply<DirectMailV1.ReportPiecesResponse> {
    later { try await pieces.report(request) }
  }

  // MARK: - Batches and budgets

  func listBatches(
    _ request: DirectMailV1.ListBatchesRequest, _ call: ServerCall
  ) throws -> Reply<DirectMailV1.ListBatchesResponse> { later { try await batches.list(request) } }

  func getBatch(
    _ request: DirectMailV1.GetBatchRequest, _ call: ServerCall
  ) throws -> Reply<DirectMailV1.Batch> { later { try await batches.get(request) } }

  func closeBatch(
    _ request: DirectMailV1.CloseBatchRequest, _ call: ServerCall
  ) throws -> Reply<DirectMailV1.Batch> {
    later { try await batches.close(request, by: call.identity.uri) }
  }

  func approveBatch(
    _ request: DirectMailV1.DecideBatchRequest, _ call: ServerCall
  ) throws -> Reply<DirectMailV1.Batch> {
    later { try await batches.approve(request, by: call.identity.uri) }
  }

  func rejectBatch(
    _ request: DirectMailV1.DecideBatchRequest, _ call: ServerCall
  ) throws -> Reply<DirectMailV1.Batch> {
    later { try await batches.reject(request, by: call.identity.uri) }
  }

  func fetchBatch(
    _ request: DirectMailV1.FetchBatchRequest,
    _ responses: ResponseWriter<DirectMailV1.Chunk>, _ call: ServerCall
  ) async throws {
    try await edge { try await batches.fetch(request, responses) }
  }

  func setBudget(
    _ request: DirectMailV1.SetBudgetRequest, _ call: ServerCall
  ) throws -> Reply<DirectMailV1.Budget> {
    later { try await budgets.set(request, by: call.identity.uri) }
  }

  func listBudgets(
    _ request: DirectMailV1.ListBudgetsRequest, _ call: ServerCall
  ) throws -> Reply<DirectMailV1.ListBudgetsResponse> { later { try await budgets.list(request) } }

  // MARK: - Objections and codes

  func putObjections(
    _ request: DirectMailV1.PutObjectionsRequest, _ call: ServerCall
  ) throws -> Reply<DirectMailV1.PutObjectionsResponse> {
    later { try await objections.put(request) }
  }

  func object(
    _ request: DirectMailV1.ObjectRequest, _ call: ServerCall
  ) throws -> Reply<DirectMailV1.PutObjectionsResponse> {
    later { try await objections.object(request) }
  }

  func listObjections(
    _ request: DirectMailV1.ListObjectionsRequest, _ call: ServerCall
  ) throws -> Reply<DirectMailV1.ListObjectionsResponse> {
    later { try await objections.list(request) }
  }

  func resolveLink(
    _ request: DirectMailV1.ResolveLinkRequest, _ call: ServerCall
  ) throws -> Reply<DirectMailV1.ResolveLinkResponse> { later { try await scans.resolve(request) } }

  // MARK: - Templates

  func putTemplate(
    _ request: DirectMailV1.PutTemplateRequest, _ call: ServerCall
  ) throws -> Reply<DirectMailV1.Template> {
    later { try await templates.put(request, by: call.identity.uri) }
  }

  func getTemplate(
    _ request: DirectMailV1.GetTemplateRequest, _ call: ServerCall
  ) throws -> Reply<DirectMailV1.Template> { later { try await templates.get(request) } }

  func listTemplates(
    _ request: DirectMailV1.ListTemplatesRequest, _ call: ServerCall
  ) throws -> Reply<DirectMailV1.ListTemplatesResponse> { .now(try templates.list(request)) }

  func renderPreview(
    _ request: DirectMailV1.RenderPreviewRequest,
    _ responses: ResponseWriter<DirectMailV1.Chunk>, _ call: ServerCall
  ) async throws {
    try await edge { try await templates.preview(request, responses) }
  }
}

extension DirectMailHandler {
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
