internal import Descriptors

/// The Swift files of one package's services: what clients need, which is public, and what servers
/// need.
func stubFiles(_ package: Contract.Package, _ contract: Contract) -> [OutputFile] {
  func files(
    _ name: String, imports: [String], _ write: (ServiceWriter) -> [SourceText]
  ) -> [OutputFile] {
    let sections = package.files.map { file in
      Section(
        source: file.name,
        declarations: file.services.flatMap { write(ServiceWriter($0, package, contract)) })
    }
    return swiftFiles(
      "Shared/Stubs/Generated", package.name + "." + name, imports: imports, sections)
  }
  let client = ["public import Messages", "public import Transport", "public import Wire"]
  let server = ["package import Messages", "package import Transport"]
  return files("client", imports: client) { $0.client() }
    + files("server", imports: server) { [$0.server()] }
}

/// A service as a list of methods, a client struct and a server protocol.
struct ServiceWriter {
  private let service: ServiceDescriptor
  private let package: Contract.Package
  private let contract: Contract
  private let stores: [String: String]

  init(_ service: ServiceDescriptor, _ package: Contract.Package, _ contract: Contract) {
    self.service = service
    self.package = package
    self.contract = contract
    var stores: [String: String] = [:]
    for method in service.methods {
      let request = contract.pool.message(named: method.inputType)
      if let field = request?.fields.first(where: \.options.isStore) {
        stores[method.inputType] = Names.quoted(Names.lowerCamel(field.name))
      }
    }
    self.stores = stores
  }

  func client() -> [SourceText] {
    [writeMethods, writeClient].map { write in
      var text = SourceText()
      text.block("extension \(package.namespace)") { write(&$0) }
      return text
    }
  }

  func server() -> SourceText {
    var text = SourceText()
    text.block("extension \(package.namespace)") { writeProtocol(&$0) }
    text.line()
    text.block("extension \(package.namespace).\(service.name)Service") {
      writeRegistration(&$0)
    }
    return text
  }

  private func name(_ method: MethodDescriptor) -> String {
    Names.quoted(Names.lowerFirst(method.name))
  }

  private func request(_ method: MethodDescriptor) -> String {
    contract.relative(method.inputType, in: package)
  }

  private func answer(_ method: MethodDescriptor) -> String {
    contract.relative(method.outputType, in: package)
  }

  private func wire(_ type: String) -> String { package.outside(type, from: "Wire") }

  private func transport(_ type: String) -> String { package.outside(type, from: "Transport") }

  private func writeMethods(_ text: inout SourceText) {
    text.doc(["The methods of `\(service.fullName)`."])
    text.block("public enum \(service.name)Methods") { text in
      for method in service.methods {
        let kind =
          switch method.kind {
          case .unary: ".unary"
          case .clientStreaming: ".clientStreaming"
          case .serverStreaming: ".serverStreaming"
          case .bidirectional: ".bidirectional"
          }
        let roles = method.roles.map { "\"\($0)\"" }.joined(separator: ", ")
        text.list(
          "public static let \(name(method)) = \(wire("RPCMethod"))(",
          [
            "\"\(method.path)\"", kind, "isIdempotent: \(method.idempotency != .unknown)",
            "roles: [\(roles)]",
          ], ")")
      }
      text.line()
      text.doc(["In the order of the proto file."])
      text.list(
        "public static let all: [\(wire("RPCMethod"))] = [", service.methods.map(name), "]")
    }
  }

  private func writeClient(_ text: inout SourceText) {
    text.doc(["Calls `\(service.fullName)`." + prefixed(service.comment)])
    text.block("public struct \(service.name)Client: Sendable") { text in
      text.line("private let channel: any \(transport("Channel"))")
      text.line()
      text.line(
        "public init(_ channel: any \(transport("Channel"))) { self.channel = channel }")
      for method in service.methods {
        text.line()
        text.doc([method.comment])
        writeCall(method, &text)
      }
    }
  }

  private func prefixed(_ comment: String) -> String { comment.isEmpty ? "" : "\n" + comment }

  private func writeCall(_ method: MethodDescriptor, _ text: inout SourceText) {
    let options = transport("CallOptions")
    let request = request(method)
    let answer = answer(method)
    let call = transport("StreamingCall")
    let constant = "\(service.name)Methods.\(name(method))"
    var parameters = ["options: \(options) = \(options)()"]
    if method.kind == .unary || method.kind == .serverStreaming {
      parameters.insert("_ request: \(request)", at: 0)
    }
    let result = method.kind == .unary ? answer : "\(call)<\(request), \(answer)>"
    text.function(
      "public func \(name(method))(", parameters, ") async throws -> \(result)"
    ) { text in
      switch method.kind {
      case .unary: text.line("try await channel.call(\(constant), request, options)")
      case .serverStreaming:
        text.list(
          "try await channel.stream(",
          [constant, "request", "options", "\(answer).self"], ")")
      default:
        text.list(
          "try await channel.stream(",
          [constant, "options", "\(request).self", "\(answer).self"], ")")
      }
    }
  }

  private func writeProtocol(_ text: inout SourceText) {
    text.doc([
      "Serves `\(service.fullName)`." + prefixed(service.comment),
      """
      A unary method that answers `.now` runs inside the connection's loop and must not block; \
      one that has to wait answers `.later`.
      """,
    ])
    text.block("package protocol \(service.name)Service: Sendable") { text in
      for (index, method) in service.methods.enumerated() {
        if index > 0 { text.line() }
        text.doc([method.comment])
        let requests = "_ requests: \(transport("RequestStream"))<\(request(method))>"
        let responses = "_ responses: \(transport("ResponseWriter"))<\(answer(method))>"
        let call = "_ call: \(transport("ServerCall"))"
        let reply = "\(transport("Reply"))<\(answer(method))>"
        let parts: ([String], String) =
          switch method.kind {
          case .unary: (["_ request: \(request(method))", call], ") throws -> \(reply)")
          case .clientStreaming: ([requests, call], ") async throws -> \(reply)")
          case .serverStreaming:
            (["_ request: \(request(method))", responses, call], ") async throws")
          case .bidirectional: ([requests, responses, call], ") async throws")
          }
        text.list("func \(name(method))(", parts.0, parts.1)
      }
    }
  }

  private func writeRegistration(_ text: inout SourceText) {
    text.doc(["Adds every method of the service to a server's table."])
    text.block("package func register(in table: inout \(transport("MethodTable")))") { text in
      for method in service.methods {
        if method.kind == .unary {
          writeUnary(method, &text)
        } else {
          writeStreaming(method, &text)
        }
      }
    }
  }

  /// Written out for these very types: generic code over messages would cost the common path
  /// look-ups of their metadata.
  private func writeUnary(_ method: MethodDescriptor, _ text: inout SourceText) {
    let type = contract.absolute(method.inputType)
    text.block("table.unary(\(methodConstant(method)))") { text in
      text.line("let request = try \(type).decode($0.message, in: $0.arena)")
      if let store = stores[method.inputType] {
        text.line("try $0.call.authorize(store: request.\(store))")
      }
      text.line("switch try self.\(name(method))(request, $0.call) {")
      text.line("case .now(let answer, let metadata, let trailers):")
      text.line("  try $0.answer(metadata, trailers) {")
      text.line("    (arena, destination) throws(MessageError) in")
      text.line("    try answer.encode(in: arena, into: destination)")
      text.line("  }")
      text.line("case .later(let work): try $0.answer(later: work)")
      text.line("}")
    }
  }

  private func writeStreaming(_ method: MethodDescriptor, _ text: inout SourceText) {
    let (entry, arguments) =
      switch method.kind {
      case .clientStreaming: ("clientStreaming", "$0, $1")
      case .serverStreaming: ("serverStreaming", "$0, $1, $2")
      case .unary, .bidirectional: ("bidirectional", "$0, $1, $2")
      }
    var first = [methodConstant(method)]
    if let store = stores[method.inputType] { first.append("store: { $0.\(store) }") }
    text.function("table.\(entry)(", first, ")") {
      $0.line("try await self.\(name(method))(\(arguments))")
    }
  }

  private func methodConstant(_ method: MethodDescriptor) -> String {
    "\(package.namespace).\(service.name)Methods.\(name(method))"
  }
}
