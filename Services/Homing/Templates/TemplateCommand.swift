internal import ArgumentParser
internal import DynamicMessages
internal import Messages
internal import Stubs
internal import Wire

/// `homing template`: what messages say, as folders of text files (M05).
struct TemplateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "template", abstract: "Check, apply, preview, list and show templates.",
    discussion: """
      A folder holds, side by side, NAME.template with lines `channel: email` and `required: \
      cart_link, lines`, and the parts NAME.LOCALE.subject.txt, NAME.LOCALE.html and \
      NAME.LOCALE.txt; without LOCALE for recipients of any. Only e-mail has subject and HTML.
      """,
    subcommands: [
      TemplateCheckCommand.self, TemplateApplyCommand.self, TemplatePreviewCommand.self,
      TemplateListCommand.self, TemplateShowCommand.self,
    ])
}

/// Which templates of this machine.
struct TemplateSource: ParsableArguments {
  @Argument(help: "The folder.") var folder: String?
  @Flag(help: "The templates that come with this program, instead of a folder.")
  var shipped = false
  @Option(help: "Only the template of this name.") var name: String?

  func validate() throws {
    if shipped == (folder != nil) {
      throw ValidationError("A folder or --shipped is needed, not both.")
    }
  }

  func templates() async throws -> [ShippedTemplate] {
    let (folder, shipped) = (folder, shipped)
    let all =
      shipped
      ? try TemplateFiles.parse(ShippedFiles.templates)
      : try await BlockingWork.run { try TemplateFolder.read(folder ?? ".") }
    guard let name else { return all }
    let wanted = all.filter { $0.name == name }
    if wanted.isEmpty {
      throw CommandError.usage(
        "there is no template \"\(Printable.text(name))\""
          + NearestName.hint(for: name, in: Set(all.map(\.name)).sorted()))
    }
    return wanted
  }
}

/// `homing template check`: whether files are right; changes nothing.
struct TemplateCheckCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Check templates and tell every fault with file and line.",
    discussion: "Faults are printed as FILE:LINE: PROBLEM, and the exit code is 1.")

  @OptionGroup var at: NotifierStore
  @OptionGroup var source: TemplateSource
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    let templates = try await source.templates()
    try await at.call { try await check($0, templates) { Terminal.print($0) } }
  }

  func check(
    _ caller: NotifierCaller, _ templates: [ShippedTemplate], _ print: (String) -> Void
  ) async throws {
    let checks = TemplateChecks(store: at.store, output: output)
    if try await checks.faults(caller, templates, tellsGood: true, print) > 0 {
      throw ExitCode(ExitStatus.usage)
    }
  }
}

/// Asks whether templates are right.
struct TemplateChecks {
  let store: String
  let output: OutputOptions

  /// How many faults there are; each is printed.
  ///
  /// - Parameter tellsGood: whether also those without a fault are named.
  func faults(
    _ caller: NotifierCaller, _ templates: [ShippedTemplate], tellsGood: Bool,
    _ print: (String) -> Void
  ) async throws -> Int {
    var count = 0
    for template in templates {
      let answer = try await caller.client.checkTemplate(
        .init(store: store, channel: template.channel, parts: template.parts),
        options: caller.options)
      count += answer.problems.count
      if output.isJSON {
        print(output.line(try ContractJSON().value(answer)))
        continue
      }
      for problem in answer.problems {
        let file = TemplateFolder.file(template.name, template.locale, part: problem.part)
        let line = problem.line == 0 ? "" : ":\(problem.line)"
        print(Printable.text("\(file)\(line): \(problem.problem)"))
      }
      if answer.problems.isEmpty && tellsGood {
        print(
          Printable.text(
            "\(template.title): right; uses \(answer.parameters.joined(separator: ", "))"))
      }
    }
    return count
  }
}

extension ShippedTemplate {
  /// Such as `cart-reminder de`.
  var title: String { locale.isEmpty ? name : "\(name) \(locale)" }
}

/// `homing template apply`: makes files the newest versions of their templates.
struct TemplateApplyCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "apply", abstract: "Make templates the newest versions of a store.",
    discussion: """
      All are checked first, and where one has a fault none is applied. What a store has already \
      is left as it is. Messages not yet rendered use the new versions.
      """)

  @OptionGroup var at: NotifierStore
  @OptionGroup var source: TemplateSource
  @Option(help: "Idempotency key, to repeat a call safely.") var idempotencyKey: String?
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    let templates = try await source.templates()
    try await at.call { try await apply($0, templates) { Terminal.print($0) } }
  }

  func apply(
    _ caller: NotifierCaller, _ templates: [ShippedTemplate], _ print: (String) -> Void
  ) async throws {
    let checks = TemplateChecks(store: at.store, output: output)
    // Faults are told; of templates without one nothing is printed before they are applied.
    var faults: [String] = []
    if try await checks.faults(caller, templates, tellsGood: false, { faults.append($0) }) > 0 {
      faults.forEach(print)
      throw ExitCode(ExitStatus.usage)
    }
    let key = IdempotencyKey.make(idempotencyKey)
    for (index, template) in templates.enumerated() {
      let present = try await present(caller, template)
      if let present, present.parts == template.parts, present.channel == template.channel {
        try tell(present, "is in force already", print)
        continue
      }
      let put = try await caller.client.putTemplate(
        .init(
          store: at.store, idempotencyKey: "\(key)-\(index)".suffix(64).description,
          template: template.name, channel: template.channel, locale: template.locale,
          parts: template.parts, version: present?.version ?? 0),
        options: caller.options)
      try tell(put, "applied", print)
    }
  }

  private func present(
    _ caller: NotifierCaller, _ template: ShippedTemplate
  ) async throws -> NotifierV1.Template? {
    do {
      return try await caller.client.getTemplate(
        .init(store: at.store, template: template.name, locale: template.locale),
        options: caller.options)
    } catch let error as RPCError where error.code == .notFound {
      return nil
    }
  }

  private func tell(
    _ template: NotifierV1.Template, _ what: String, _ print: (String) -> Void
  ) throws {
    if output.isJSON { return print(output.line(try ContractJSON().value(template))) }
    let locale = template.locale.isEmpty ? "" : " \(template.locale)"
    print(Printable.text("\(template.name)\(locale): version \(template.version) \(what)"))
  }
}

/// `homing template list`: the templates that a flow can name.
struct TemplateListCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List a store's templates in order of name and locale.")

  @OptionGroup var at: NotifierStore
  @Option(help: "Only this channel's.") var channel: String?
  @Option(help: "Templates to show, at most; 0 shows all.") var limit = 0
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await at.call { try await list($0) { Terminal.print($0) } }
  }

  func list(_ caller: NotifierCaller, _ print: (String) -> Void) async throws {
    let channels = try EnumOption.values(channel, "--channel", MessageTexts.channel)
    var printer = ListPrinter([
      ("TEMPLATE", .left), ("LOCALE", .left), ("CHANNEL", .left), ("VERSION", .right),
      ("CHANGED", .left), ("AUTHOR", .left), ("PARAMETERS", .left),
    ])
    let json = output.isJSON ? try ContractJSON() : nil
    try await caller.pages(limit: limit) { page in
      let answer = try await caller.client.listTemplates(
        .init(store: at.store, page: page, channel: channels.first ?? .unspecified),
        options: caller.options)
      return (answer.templates, answer.next)
    } _: { templates in
      if let json {
        for template in templates { print(output.line(try json.value(template))) }
        return
      }
      let rows = templates.map { template in
        [
          template.name, template.locale, MessageTexts.channel.name(template.channel),
          "\(template.version)", ValueText.text(template.changedAt), template.author,
          template.parameters.joined(separator: " "),
        ]
      }
      for line in printer.lines(rows) { print(line) }
    }
  }
}

/// `homing template show`: one version of one template in one locale.
struct TemplateShowCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show a template, or write its files into a folder.")

  @OptionGroup var at: NotifierStore
  @Argument(help: "The template's name.") var name: String
  @Option(help: "Its locale, such as de; exactly this one.") var locale = ""
  @Option(help: "Its version; 0 is the newest.") var version: UInt32 = 0
  @Option(help: ArgumentHelp("Write its files into this folder.", valueName: "folder"))
  var out: String?
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await at.call { try await show($0) { Terminal.print($0) } }
  }

  func show(_ caller: NotifierCaller, _ print: (String) -> Void) async throws {
    let template = try await caller.client.getTemplate(
      .init(store: at.store, template: name, locale: locale, version: version),
      options: caller.options)
    if let out { try TemplateFolder.write(template, to: out) }
    if output.isJSON { return print(output.line(try ContractJSON().value(template))) }
    let parts = template.parts ?? .init()
    let facts: [(String, String)] = [
      ("template", template.name), ("locale", template.locale),
      ("channel", MessageTexts.channel.name(template.channel)),
      ("version", "\(template.version)"), ("changed", ValueText.text(template.changedAt)),
      ("author", template.author), ("required", parts.required.joined(separator: ", ")),
      ("uses", template.parameters.joined(separator: ", ")), ("subject", parts.subject),
    ]
    var table = Table([("WHAT", .left), ("VALUE", .left)])
    for (name, value) in facts where !value.isEmpty { table.add([name, value]) }
    for line in table.lines().dropFirst() { print(line) }
    if out != nil { return }
    for (heading, text) in [("text", parts.text), ("html", parts.html)] where !text.isEmpty {
      print("")
      print(Terminal.heading(heading))
      PrintedText.lines(text).forEach(print)
    }
  }
}

/// Text of several lines, made safe for a terminal.
enum PrintedText {
  static func lines(_ text: String) -> [String] {
    var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    if lines.last?.isEmpty == true { lines.removeLast() }
    return lines.map { Printable.text(String($0)) }
  }
}
