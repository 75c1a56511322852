internal import ArgumentParser
internal import Descriptors
internal import DynamicMessages
internal import Transport

/// `homing describe`: a declaration as proto source.
struct DescribeCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "describe",
    abstract: "Print the declaration of a service, method, message or enum.",
    discussion: """
      For a method also its messages and a template of the request as JSON.

      Ends with 0, 1 (usage), 2 (no connection) or 64 + the status' number.
      """)

  @Argument(help: "HOST:PORT.") var target: String

  @Argument(help: "Full name, such as homing.echo.v1.Echo or homing.echo.v1.Echo/Unary.")
  var symbol: String

  @Option(help: ArgumentHelp("Time for each question (default: 10s).", valueName: "span"))
  var deadline: TimeSpan?

  @OptionGroup var connection: ConnectionOptions
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    let client = try connection.client(target, timeout: deadline?.duration)
    let reflection = Reflection(client, target: target, timeout: deadline?.duration)
    let description = try await Description.of(symbol, by: reflection)
    client.close()
    if output.isJSON {
      output.printObject(description.json)
    } else {
      for line in description.lines { Terminal.print(line) }
    }
  }
}

/// What there is to say about one symbol.
struct Description {
  let symbol: String
  /// `service`, `method`, `message` or `enum`.
  let kind: String
  let file: String
  /// Proto source.
  private(set) var source: [String]
  /// Only for a method.
  private(set) var method: DynamicMethod?

  static func of(_ symbol: String, by reflection: Reflection) async throws -> Description {
    // A method is looked up by its service, so that a misspelt one is answered with the nearest.
    if symbol.contains("/") { return try Description(await reflection.method(named: symbol)) }
    let schema = try await reflection.symbol(named: symbol)
    if let method = schema.pool.method(named: symbol) {
      return try Description(DynamicMethod(method, schema))
    }
    guard let description = Description(symbol, schema) else {
      throw CommandError.usage(Printable.text("\(symbol) is not declared where the server says"))
    }
    return description
  }

  private init?(_ symbol: String, _ schema: Schema) {
    let file = schema.pool.file(declaring: symbol)
    var text = ProtoText(packageName: file?.packageName ?? "")
    if let service = schema.pool.service(named: symbol) {
      kind = "service"
      text.add(service)
    } else if let message = schema.pool.message(named: symbol) {
      kind = "message"
      text.add(message)
    } else if let declaration = schema.pool.enumeration(named: symbol) {
      kind = "enum"
      text.add(declaration)
    } else {
      return nil
    }
    self.symbol = symbol
    self.file = file?.name ?? ""
    source = text.lines
  }

  init(_ method: DynamicMethod) throws {
    let file = method.schema.pool.file(declaring: method.descriptor.fullName)
    var text = ProtoText(packageName: file?.packageName ?? "")
    text.add(method.descriptor)
    text.add("")
    text.add(method.request.descriptor)
    if method.answer.fullName != method.request.fullName {
      text.add("")
      text.add(method.answer.descriptor)
    }
    symbol = method.descriptor.path
    kind = "method"
    self.file = file?.name ?? ""
    source = text.lines
    self.method = method
  }

  /// For people: where it stands, the source, and for a method how to call it.
  var lines: [String] {
    var lines = [Printable.text("// \(symbol), \(kind) in \(file)"), ""] + source
    if let template {
      lines += ["", "// Request as JSON, for homing call:"]
      lines += JSONWriter.text(template, .indented).split(separator: "\n").map(String.init)
    }
    return lines
  }

  var json: JSONValue {
    var members = [
      JSONMember("symbol", .string(symbol)), JSONMember("kind", .string(kind)),
      JSONMember("file", .string(file)),
      JSONMember("source", .string(source.joined(separator: "\n"))),
    ]
    if let method, let template {
      members.append(JSONMember("method", SymbolText.json(method.descriptor)))
      members.append(JSONMember("template", template))
    }
    return .object(members)
  }

  private var template: JSONValue? {
    method.map { RequestTemplate.json($0.request, $0.schema) }
  }
}
