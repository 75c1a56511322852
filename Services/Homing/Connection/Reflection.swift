internal import Descriptors
internal import DynamicMessages
internal import Messages
internal import Stubs
internal import Transport
internal import Wire

/// What a server says about its services.
struct Reflection: Sendable {
  /// A server that answers at all answers this in milliseconds; longer means that something is
  /// wrong.
  static let timeoutDefault = Duration.seconds(10)

  private let client: ReflectionV1.ReflectionClient
  private let target: String
  private let options: CallOptions

  init(_ channel: any Channel, target: String, timeout: Duration?) {
    client = ReflectionV1.ReflectionClient(channel)
    self.target = target
    options = CallOptions(timeout: timeout ?? Reflection.timeoutDefault)
  }

  /// Full names, in order.
  func services() async throws -> [String] {
    try await told { try await client.listServices(.init(), options: options).services }
  }

  /// The declarations of the file that declares a symbol, with all it imports; nil where the server
  /// knows no such symbol.
  func schema(declaring symbol: String) async throws -> Schema? {
    let files: [[UInt8]]
    do {
      files = try await told {
        try await client.describe(.init(symbol: symbol), options: options).files
      }
    } catch let error as CommandError where error.status?.code == .notFound {
      return nil
    }
    do {
      return try Schema(serializedFiles: files)
    } catch {
      throw brokenAnswer(error)
    }
  }

  /// A service with the declarations around it, or an error that names the nearest.
  func service(named name: String) async throws -> (ServiceDescriptor, Schema) {
    if let schema = try await schema(declaring: name),
      let service = schema.pool.service(named: name)
    {
      return (service, schema)
    }
    let hint = NearestName.hint(for: name, in: try await services())
    throw CommandError.usage(Printable.text("\(target) serves no service \"\(name)\"\(hint)"))
  }

  /// A method, named as `package.Service/Method` or `package.Service.Method`.
  func method(named name: String) async throws -> DynamicMethod {
    guard let slash = name.lastIndex(of: "/") ?? name.lastIndex(of: "."),
      slash != name.startIndex, name.index(after: slash) != name.endIndex
    else {
      throw CommandError.usage(
        "the method must be SERVICE/METHOD, such as homing.echo.v1.Echo/Unary, is "
          + "\"\(Printable.text(name))\"")
    }
    let (service, schema) = try await service(named: String(name[..<slash]))
    let own = String(name[name.index(after: slash)...])
    guard let method = service.methods.first(where: { $0.name == own }) else {
      let hint = NearestName.hint(for: own, in: service.methods.map(\.name))
      throw CommandError.usage(
        Printable.text("\(service.fullName) has no method \"\(own)\"\(hint)"))
    }
    do {
      return try DynamicMethod(method, schema)
    } catch {
      throw brokenAnswer(error)
    }
  }

  /// Any declared symbol with the declarations around it.
  func symbol(named name: String) async throws -> Schema {
    if let schema = try await schema(declaring: name) { return schema }
    let hint = NearestName.hint(for: name, in: try await services())
    throw CommandError.usage(
      Printable.text("\(target) knows no service, method, message or enum \"\(name)\"\(hint)"))
  }

  private func told<Answer>(_ body: () async throws -> Answer) async throws -> Answer {
    do {
      return try await body()
    } catch let error as RPCError {
      throw CommandError.call(error, target)
    } catch let error as MessageError {
      throw brokenAnswer(error)
    }
  }

  private func brokenAnswer(_ error: any Error) -> CommandError {
    .call(RPCError(.internalError, "the server's reflection cannot be used: \(error)"), target)
  }
}

/// A method whose messages became known at run time.
struct DynamicMethod: Sendable {
  let descriptor: MethodDescriptor
  let request: MessageType
  let answer: MessageType
  let schema: Schema

  init(_ descriptor: MethodDescriptor, _ schema: Schema) throws(DynamicError) {
    self.descriptor = descriptor
    self.schema = schema
    request = try schema.message(named: descriptor.inputType)
    answer = try schema.message(named: descriptor.outputType)
  }

  var kind: RPCMethod.Kind {
    switch descriptor.kind {
    case .unary: .unary
    case .clientStreaming: .clientStreaming
    case .serverStreaming: .serverStreaming
    case .bidirectional: .bidirectional
    }
  }

  var rpc: RPCMethod {
    RPCMethod(
      descriptor.path, kind, isIdempotent: descriptor.idempotency != .unknown,
      roles: descriptor.roles)
  }
}
