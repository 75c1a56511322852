internal import Messages
internal import Stubs
package import Transport

extension MethodTable {
  /// Adds what every Homing server serves: health of each service so far in the table, and
  /// reflection.
  ///
  /// - Returns: the registry that health answers from, the one given by default a new one; every
  ///   service is set to SERVING.
  @discardableResult
  package mutating func addStandardServices(
    _ registry: HealthRegistry = HealthRegistry()
  ) throws -> HealthRegistry {
    let names = Set(services).union(["homing.health.v1.Health", "homing.reflection.v1.Reflection"])
    for name in names { registry.set(name, .serving) }
    HealthHandler(registry).register(in: &self)
    try ReflectionHandler(services: Array(names)).register(in: &self)
    return registry
  }
}
