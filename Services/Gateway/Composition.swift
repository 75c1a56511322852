internal import Messages
internal import ServiceKit
internal import Stubs
internal import Transport

/// Puts the gateway together from its parts.
enum Composition {
  static func compose(
    _ context: ServiceContext, _ configuration: GatewayConfiguration
  ) throws -> ServiceParts {
    func client(_ target: Target) throws -> Client {
      try Client(
        target, tls: context.configuration.tls, configuration: ClientConfiguration(),
        group: context.group)
    }
    let notifier = try client(configuration.notifier)
    let directMail = try configuration.directMail.map(client)
    let edge = Edge(
      notifier: NotifierV1.NotifierClient(notifier),
      letters: directMail.map { DirectMailV1.DirectMailClient($0) },
      clients: ClientAddress(trusted: configuration.trustedProxies),
      limits: configuration.limits, clock: context.clock,
      notifierReach: ServiceReach("the notifier", log: context.log),
      lettersReach: ServiceReach("direct-mail", log: context.log),
      isServing: { context.health.status(of: "") == .serving })
    let exchange = HTTPExchange(
      edge: edge, budget: BodyBudget(bytes: configuration.limits.bodyBytesMax), log: context.log,
      sleep: { try await context.group.loops[0].sleep(for: $0) })
    let front = HTTPFront(
      exchange, host: configuration.listen.host, port: configuration.listen.port,
      seed: context.seed(for: "http"), threads: context.configuration.threads ?? 2,
      drainTime: min(context.configuration.drainTime, context.configuration.stopTime / 2),
      log: context.log)
    return ServiceParts(
      parts: [
        SimplePart(
          "clients",
          stop: {
            notifier.close()
            directMail?.close()
          }), front,
      ],
      virtualTime: GatewayTime(), register: { _ in })
  }
}

/// What a virtual clock asks of the gateway: nothing waits here, and nothing is ever due.
private struct GatewayTime: VirtualTimeSubject {
  var isIdle: Bool { true }
  var sent: UInt64 { 0 }
  var received: UInt64 { 0 }

  func nextDue(after instant: Instant) -> Instant? { nil }

  func advanced(to instant: Instant) {}
}
