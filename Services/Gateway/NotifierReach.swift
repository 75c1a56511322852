internal import Logging
internal import Synchronization
internal import Wire

/// Logs when calls of the notifier begin to fail and when they go well again, once each: not a
/// line for each request, of which there may be many.
final class NotifierReach: Sendable {
  private let log: Logger
  private let isAway = Mutex(false)

  init(log: Logger) { self.log = log }

  /// The answer's code; nil: it went well.
  func note(_ code: RPCError.Code?) {
    let isFailure = code.map(NotifierReach.failures.contains) ?? false
    let hasChanged = isAway.withLock { isAway in
      defer { isAway = isFailure }
      return isAway != isFailure
    }
    guard hasChanged else { return }
    if isFailure {
      log.warning("the notifier fails", metadata: ["code": "\(code?.description ?? "")"])
    } else {
      log.notice("the notifier answers again")
    }
  }

  /// What no request can be blamed for.
  private static let failures: Set<RPCError.Code> = [
    .unavailable, .deadlineExceeded, .permissionDenied, .unimplemented, .internalError,
    .resourceExhausted, .unknown, .dataLoss,
  ]
}
