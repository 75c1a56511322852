internal import Delivery
internal import Messages
internal import Transport
internal import Wire

extension SchedulerHandler {
  /// This service's part of a receipt (P10).
  func getErasure(
    _ request: CommonV1.GetErasureRequest, _ call: ServerCall
  ) throws -> Reply<CommonV1.Erasure> {
    .later {
      try await store(request.store)
      let receipt = try await reading { session in
        try ErasedBook(Stored.self, service: PersonEraser.service, session)
          .receipt(of: request.erasure, store: request.store)
      }
      guard let receipt else {
        throw RPCError(.notFound, "no such erasure has come here")
      }
      return .now(receipt)
    }
  }
}
