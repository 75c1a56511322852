package import Messages
internal import Stubs
package import Transport
internal import Wire

/// Serves `homing.health.v1.Health` from a registry.
package struct HealthHandler: HealthV1.HealthService {
  private let registry: HealthRegistry

  package init(_ registry: HealthRegistry) { self.registry = registry }

  package func check(
    _ request: HealthV1.CheckRequest, _ call: ServerCall
  ) throws -> Reply<HealthV1.CheckResponse> {
    guard let status = registry.status(of: request.service) else {
      throw RPCError(.notFound, "there is no service \(request.service) here")
    }
    return .now(HealthV1.CheckResponse(status: status))
  }

  package func watch(
    _ request: HealthV1.CheckRequest, _ responses: ResponseWriter<HealthV1.CheckResponse>,
    _ call: ServerCall
  ) async throws {
    for await status in registry.watch(request.service) {
      try await responses.send(HealthV1.CheckResponse(status: status))
    }
  }

  package func list(
    _ request: HealthV1.ListRequest, _ call: ServerCall
  ) throws -> Reply<HealthV1.ListResponse> {
    let services = registry.all.map {
      HealthV1.ServiceHealth(service: $0.service, status: $0.status)
    }
    return .now(HealthV1.ListResponse(services: services))
  }
}
