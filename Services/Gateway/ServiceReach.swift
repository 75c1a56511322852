internal import Logging
internal import Synchronization
internal import Wire

/// Logs when calls of a service begin to fail and when they go well again, once each: not a
/// line for each request, of which there may be many.
final class ServiceReach: Sendable {
  private let service: String
  private let log: Logger
  private let isAway = Mutex(false)

  init(_ service: String, log: Logger) {
    self.service = service
    self.log = log
  }

  /// The answer's code; nil: it went well.
  func note(_ code: RPCError.Code?) {
    let isFailure = code.map(ServiceReach.failures.contains) ?? false
    let hasChanged = isAway.withLock { isAway in
      defer { isAway = isFailure }
      return isAway != isFailure
    }
    guard hasChanged else { return }
    if isFailure {
      log.warning("\(service) fails", metadata: ["code": "\(code?.description ?? "")"])
    } else {
      log.notice("\(service) answers again")
    }
  }

  /// What no request can be blamed for.
  private static let failures: Set<RPCError.Code> = [
    .unavailable, .deadlineExceeded, .permissionDenied, .unimplemented, .internalError,
    .resourceExhausted, .unknown, .dataLoss,
  ]
}
