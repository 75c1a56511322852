internal import Descriptors
package import Messages
internal import Stubs
package import Transport
internal import Wire

/// Serves `homing.reflection.v1.Reflection`: the services given, and the files that declare them.
package struct ReflectionHandler: ReflectionV1.ReflectionService {
  private let services: [String]
  private let pool: DescriptorPool

  /// - Throws: `DescriptorError` where the descriptors built into this program cannot be read.
  package init(services: [String]) throws {
    let files = FileDescriptors.names.compactMap { FileDescriptors.file(named: $0) }
    let known = try DescriptorPool(files: files.map { try FileDescriptor(serialized: $0) })
    let all = Set(services).union(["homing.reflection.v1.Reflection"])
    // Only what is served, and what that needs, is told.
    let served = all.compactMap { known.file(declaring: $0)?.name }
    let names = ReflectionHandler.closure(of: served)
    pool = try DescriptorPool(files: known.files.filter { names.contains($0.name) })
    self.services = all.sorted()
  }

  package func listServices(
    _ request: ReflectionV1.ListServicesRequest, _ call: ServerCall
  ) throws -> Reply<ReflectionV1.ListServicesResponse> {
    .now(ReflectionV1.ListServicesResponse(services: services))
  }

  package func describe(
    _ request: ReflectionV1.DescribeRequest, _ call: ServerCall
  ) throws -> Reply<ReflectionV1.DescribeResponse> {
    guard let file = pool.file(declaring: request.symbol) else {
      throw RPCError(.notFound, "no served file declares the symbol")
    }
    let names = ReflectionHandler.closure(of: [file.name])
    let files = FileDescriptors.names.filter { names.contains($0) }.compactMap {
      FileDescriptors.file(named: $0)
    }
    return .now(ReflectionV1.DescribeResponse(files: files))
  }

  /// The files with everything they import, directly or not.
  private static func closure(of files: [String]) -> Set<String> {
    var found: Set<String> = []
    var open = files
    while let name = open.popLast() {
      if found.insert(name).inserted { open += FileDescriptors.imports(of: name) ?? [] }
    }
    return found
  }
}
