internal import ArgumentParser
internal import Descriptors
internal import DynamicMessages
internal import Transport

/// `homing list`: what a server serves.
struct ListCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List services, or the methods of one.",
    discussion: "Ends with 0, 1 (usage), 2 (no connection) or 64 + the status' number.")

  @Argument(help: "HOST:PORT.") var target: String
  @Argument(help: "A service; without it, the services are listed.") var service: String?

  @Option(help: ArgumentHelp("Time for each question (default: 10s).", valueName: "span"))
  var deadline: TimeSpan?

  @OptionGroup var connection: ConnectionOptions
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    let client = try connection.client(target, timeout: deadline?.duration)
    let reflection = Reflection(client, target: target, timeout: deadline?.duration)
    if let service {
      let (descriptor, _) = try await reflection.service(named: service)
      printMethods(descriptor)
    } else {
      var services: [(name: String, descriptor: ServiceDescriptor?)] = []
      for name in try await reflection.services() {
        let schema = try await reflection.schema(declaring: name)
        services.append((name, schema?.pool.service(named: name)))
      }
      printServices(services)
    }
    client.close()
  }

  /// A service that the server lists and does not describe has a name and nothing else.
  private func printServices(_ services: [(name: String, descriptor: ServiceDescriptor?)]) {
    if output.isJSON {
      for (name, descriptor) in services {
        let methods = descriptor?.methods.map { JSONValue.string($0.name) }
        output.printObject([
          "service": .string(name), "methods": methods.map { .array($0) } ?? .null,
          "about": .string(SymbolText.summary(descriptor?.comment ?? "")),
        ])
      }
      return
    }
    var table = Table([("SERVICE", .left), ("METHODS", .right), ("ABOUT", .left)])
    for (name, descriptor) in services {
      table.add([
        name, descriptor.map { "\($0.methods.count)" } ?? "?",
        SymbolText.summary(descriptor?.comment ?? ""),
      ])
    }
    table.print()
  }

  private func printMethods(_ service: ServiceDescriptor) {
    if output.isJSON {
      for method in service.methods { output.printObject(SymbolText.json(method)) }
      return
    }
    var table = Table([
      ("METHOD", .left), ("KIND", .left), ("REQUEST", .left), ("ANSWER", .left),
      ("REPEAT", .left), ("ROLES", .left),
    ])
    for method in service.methods {
      table.add([
        method.name, method.kind.text, SymbolText.short(method.inputType, near: service.fullName),
        SymbolText.short(method.outputType, near: service.fullName), method.idempotency.text,
        method.roles.isEmpty ? "nobody" : method.roles.joined(separator: ", "),
      ])
    }
    table.print()
  }
}
