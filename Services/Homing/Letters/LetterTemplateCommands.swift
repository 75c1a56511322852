internal import ArgumentParser
internal import DynamicMessages
internal import Messages
internal import Stubs
internal import Transport
internal import Wire

/// `homing letters template`: what letters say, as a folder of YAML files (D09).
struct LettersTemplateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "template", abstract: "Check, apply, list and show letter templates.",
    discussion: """
      A folder holds one file NAME.LOCALE.yaml for each template and locale; without LOCALE for \
      recipients of any.
      """,
    subcommands: [
      LettersTemplateCheckCommand.self, LettersTemplateApplyCommand.self,
      LettersTemplateListCommand.self, LettersTemplateShowCommand.self,
    ])
}

/// Which letter templates of this machine, for which paper.
struct LetterSource: ParsableArguments {
  @Argument(help: "The folder.") var folder: String?
  @Flag(help: "The letters that come with this program, instead of a folder.")
  var shipped = false
  @Option(help: "Only the template of this name.") var name: String?
  @Option(help: "Paper: a4_form_a or a4_form_b, the place of the address in DIN 5008.")
  var format = "a4_form_b"

  func validate() throws {
    if shipped == (folder != nil) {
      throw ValidationError("A folder or --shipped is needed, not both.")
    }
  }

  func letters() async throws -> [LetterFile] {
    let (folder, shipped) = (folder, shipped)
    let all =
      shipped
      ? try LetterFiles.parse(ShippedFiles.letters)
      : try await BlockingWork.run { try LetterFiles.read(folder ?? ".") }
    guard let name else { return all }
    let wanted = all.filter { $0.name == name }
    if wanted.isEmpty {
      throw CommandError.usage(
        "there is no letter \"\(Printable.text(name))\""
          + NearestName.hint(for: name, in: Set(all.map(\.name)).sorted()))
    }
    return wanted
  }
}

/// `homing letters template check`: whether files are right; changes nothing.
struct LettersTemplateCheckCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Check letters and tell every fault with file and line.",
    discussion: "Faults are printed as FILE:LINE:COLUMN FIELD: PROBLEM, and the exit code is 1.")

  @OptionGroup var at: LetterStore
  @OptionGroup var source: LetterSource
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    let letters = try await source.letters()
    try await at.call { try await check($0, letters) { Terminal.print($0) } }
  }

  func check(
    _ caller: LetterCaller, _ letters: [LetterFile], _ print: (String) -> Void
  ) async throws {
    let checks = LetterChecks(
      store: at.store, format: try LetterTexts.format(source.format), output: output)
    if try await checks.faults(caller, letters, tellsGood: true, print) > 0 {
      throw ExitCode(ExitStatus.usage)
    }
  }
}

/// Asks whether letters are right, by having a sample of each drawn.
struct LetterChecks {
  let store: String
  let format: DirectMailV1.Format
  let output: OutputOptions

  /// How many faults there are; each is printed.
  ///
  /// - Parameter tellsGood: whether also those without a fault are named.
  func faults(
    _ caller: LetterCaller, _ letters: [LetterFile], tellsGood: Bool, _ print: (String) -> Void
  ) async throws -> Int {
    var count = 0
    for letter in letters {
      do {
        let call = try await caller.client.renderPreview(
          .init(store: store, text: letter.text, format: format, locale: letter.locale))
        while try await call.next() != nil {}
        if tellsGood { tell(letter, "", "right", print) }
      } catch let error as RPCError where error.code == .failedPrecondition {
        // The text is right; what the sample lacks a real cart may have.
        let lacks = error.fieldViolations.map(\.field).joined(separator: ", ")
        if tellsGood { tell(letter, "", "right; the sample has no \(lacks)", print) }
      } catch let error as RPCError
        where error.code == .invalidArgument && !error.fieldViolations.isEmpty
      {
        count += error.fieldViolations.count
        for fault in error.fieldViolations { tell(letter, fault.field, fault.detail, print) }
      }
    }
    return count
  }

  private func tell(
    _ letter: LetterFile, _ field: String, _ text: String, _ print: (String) -> Void
  ) {
    if output.isJSON {
      let members = [
        JSONMember("file", .string(letter.file)), JSONMember("field", .string(field)),
        JSONMember("problem", .string(field.isEmpty ? "" : text)),
      ]
      return print(output.line(.object(members)))
    }
    print(
      Printable.text(
        field.isEmpty ? "\(letter.title): \(text)" : "\(letter.file):\(field): \(text)"))
  }
}

/// `homing letters template apply`: makes files the newest versions of their templates.
struct LettersTemplateApplyCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "apply", abstract: "Make letters the newest versions of a store.",
    discussion: """
      All are checked first, and where one has a fault none is applied. What a store has already \
      is left as it is. Letters that are not cut off yet use the new versions.
      """)

  @OptionGroup var at: LetterStore
  @OptionGroup var source: LetterSource
  @Option(help: "Idempotency key, to repeat a call safely.") var idempotencyKey: String?
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    let letters = try await source.letters()
    try await at.call { try await apply($0, letters) { Terminal.print($0) } }
  }

  func apply(
    _ caller: LetterCaller, _ letters: [LetterFile], _ print: (String) -> Void
  ) async throws {
    let format = try LetterTexts.format(source.format)
    let checks = LetterChecks(store: at.store, format: format, output: output)
    var faults: [String] = []
    if try await checks.faults(caller, letters, tellsGood: false, { faults.append($0) }) > 0 {
      faults.forEach(print)
      throw ExitCode(ExitStatus.usage)
    }
    let key = IdempotencyKey.make(idempotencyKey)
    for (index, letter) in letters.enumerated() {
      let present = try await RPCError.unlessFound {
        try await caller.client.getTemplate(
          .init(store: at.store, template: letter.name, locale: letter.locale),
          options: caller.options)
      }
      if let present, present.text == letter.text, present.format == format {
        try tell(present, "is in force already", print)
        continue
      }
      let put = try await caller.client.putTemplate(
        .init(
          store: at.store, idempotencyKey: "\(key)-\(index)".suffix(64).description,
          template: letter.name, locale: letter.locale, format: format, text: letter.text,
          version: present?.version ?? 0),
        options: caller.options)
      try tell(put, "applied", print)
    }
  }

  private func tell(
    _ template: DirectMailV1.Template, _ what: String, _ print: (String) -> Void
  ) throws {
    if output.isJSON { return print(output.line(try ContractJSON().value(template))) }
    let locale = template.locale.isEmpty ? "" : " \(template.locale)"
    print(Printable.text("\(template.name)\(locale): version \(template.version) \(what)"))
  }
}

/// `homing letters template list`: the letters that a flow can name.
struct LettersTemplateListCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List a store's letter templates by name and locale.")

  @OptionGroup var at: LetterStore
  @Option(help: "Templates to show, at most; 0 shows all.") var limit = 0
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await at.call { try await list($0) { Terminal.print($0) } }
  }

  func list(_ caller: LetterCaller, _ print: (String) -> Void) async throws {
    let headings: [(heading: String, alignment: Table.Alignment)] = [
      ("TEMPLATE", .left), ("LOCALE", .left), ("FORMAT", .left), ("VERSION", .right),
      ("CHANGED", .left), ("AUTHOR", .left), ("PARAMETERS", .left),
    ]
    try await caller.list(
      limit: limit, headings, output, print,
      row: { (template: DirectMailV1.Template) in
        [
          template.name, template.locale, LetterTexts.format.name(template.format),
          "\(template.version)", ValueText.text(template.changedAt), template.author,
          template.parameters.joined(separator: " "),
        ]
      },
      page: { page in
        let answer = try await caller.client.listTemplates(
          .init(store: at.store, page: page), options: caller.options)
        return (answer.templates, answer.next)
      })
  }
}

/// `homing letters template show`: one version of one letter in one locale.
struct LettersTemplateShowCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Print a letter template as the file it was made from.")

  @OptionGroup var at: LetterStore
  @Argument(help: "The template's name.") var name: String
  @Option(help: "Its locale, such as de; exactly this one.") var locale = ""
  @Option(help: "Its version; 0 is the newest.") var version: UInt32 = 0
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await at.call { try await show($0) { Terminal.print($0) } }
  }

  func show(_ caller: LetterCaller, _ print: (String) -> Void) async throws {
    let template = try await caller.client.getTemplate(
      .init(store: at.store, template: name, locale: locale, version: version),
      options: caller.options)
    if output.isJSON { return print(output.line(try ContractJSON().value(template))) }
    PrintedText.lines(template.text).forEach(print)
  }
}
