internal import Synchronization
internal import Transport
internal import Wire

/// Turns calls away until the service has started; health and reflection are answered.
final class StartGate: ServerInterceptor {
  private static let open: Set = ["homing.health.v1.Health", "homing.reflection.v1.Reflection"]
  private static let retryAfter = Duration.milliseconds(250)

  private let isOpen = Atomic<Bool>(false)

  func openForAll() { isOpen.store(true, ordering: .releasing) }

  func willHandle(_ call: ServerCall) throws {
    if isOpen.load(ordering: .acquiring) || StartGate.open.contains(call.method.service) { return }
    throw RPCError(
      .unavailable, "the service is starting", retryAfter: StartGate.retryAfter)
  }

  func didFinish(_ call: ServerCall, _ error: RPCError?) {}
}
