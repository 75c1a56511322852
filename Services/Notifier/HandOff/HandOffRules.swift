internal import Messages
internal import ServiceKit

/// What becomes of a message after a call of its provider. Pure.
enum HandOffRules {
  /// - Parameters:
  ///   - message: with the attempt; counts it.
  ///   - now: microseconds.
  static func change(
    _ message: inout DueMessage, _ result: ProviderResult, isIdempotent: Bool, _ rule: RetryRule,
    now: Int64, _ chance: inout SplitMix64
  ) -> MessageLog.Change {
    switch result.fate {
    case .taken: return .end(.handedOver, .unspecified)
    case .refused:
      // Refused now says nothing of a call before whose fate nobody knows.
      return .end(message.isUnsure ? .unknown : .failed, .providerRefused)
    case .unsure:
      message.isUnsure = true
      message.failures += 1
      if !isIdempotent || message.failures >= rule.callsMax {
        return .end(.unknown, .unspecified)
      }
      return wait(&message, .providerUnreachable, asked: nil, rule, now, &chance)
    case .later(let reason, let asked):
      message.failures += 1
      let answered = message.attempts.count { $0.status != 0 }
      if result.status != 0 && answered >= rule.callsMax {
        return .end(message.isUnsure ? .unknown : .failed, reason)
      }
      return wait(&message, reason, asked: asked, rule, now, &chance)
    }
  }

  private static func wait(
    _ message: inout DueMessage, _ reason: CommonV1.ReasonCode, asked: Duration?,
    _ rule: RetryRule, _ now: Int64, _ chance: inout SplitMix64
  ) -> MessageLog.Change {
    let delay = rule.delay(failures: message.failures, asked: asked, &chance)
    let isNews = message.reason != reason
    message.reason = reason
    let until = (Instant(microseconds: now) + delay).microseconds
    return .wait(reason, until: min(until, message.expiresAt), isNews: isNews)
  }
}
