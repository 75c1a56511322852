internal import Messages
internal import ServiceKit
internal import Wire

/// The flow that a replay runs, with what its messages are made of.
struct ReplayFlow: Sendable {
  /// For people: the file, or the name of a flow that came with us.
  var origin: String
  /// As it is applied.
  var text: String
  /// Put into each store that has none of their name and locale.
  var templates: [ShippedTemplate]
  /// Likewise, where letters are printed.
  var letters: [LetterFile] = []
  /// Whole ranges of addresses that reach nobody.
  var testAddresses: [String]
}

/// Brings a flow into stores: templates, letters, the flow, test mode.
struct FlowSetup {
  private let flow: ReplayFlow
  private let services: any FlowServices
  private let sender: RecordSender
  private let idPrefix: String
  /// Whether the flow starts with rows themselves, such as a tag.
  private(set) var startsAtRows = false

  init(
    _ flow: ReplayFlow, _ services: any FlowServices, _ sender: RecordSender, idPrefix: String
  ) {
    self.flow = flow
    self.services = services
    self.sender = sender
    self.idPrefix = idPrefix
  }

  /// - Throws: `CommandError` for a flow with faults, each named by line and field.
  mutating func prepare(_ store: String) async throws {
    let (services, flow) = (services, flow)
    for template in flow.templates { try await put(template, store) }
    if services.printsLetters {
      for letter in flow.letters { try await put(letter, store) }
    }
    let check = try await sender.patiently {
      try await services.checkFlow(.init(store: store, text: flow.text))
    }
    guard let checked = check.flow, check.problems.isEmpty else {
      let lines = check.problems.map { problem in
        "\(problem.line):\(problem.column) \(problem.field): \(problem.problem)"
      }
      throw CommandError.usage(
        Printable.text("the flow \(flow.origin) has faults: " + lines.joined(separator: "; ")))
    }
    if checked.start != .cartAbandoned { startsAtRows = true }
    let present = try await sender.patiently { try await services.flow(store, checked.name) }
    if present?.text != flow.text {
      let request = SchedulerV1.ApplyFlowRequest(
        store: store, idempotencyKey: key("flow", store, flow.text, "\(present?.version ?? 0)"),
        text: flow.text, version: present?.version ?? 0)
      _ = try await sender.patiently { try await services.applyFlow(request) }
    }
    for name in ["", checked.name] {
      let request = SchedulerV1.SetModeRequest(
        store: store, idempotencyKey: key("mode", store, name, "\(flow.testAddresses)"),
        flow: name, mode: .test, testAddresses: flow.testAddresses)
      try await sender.patiently { try await services.setMode(request) }
    }
  }

  private func put(_ template: ShippedTemplate, _ store: String) async throws {
    let services = services
    let present = try await sender.patiently {
      try await services.template(store, template.name, template.locale)
    }
    if present != nil { return }
    let request = NotifierV1.PutTemplateRequest(
      store: store, idempotencyKey: key("template", store, template.name, template.locale),
      template: template.name, channel: template.channel, locale: template.locale,
      parts: template.parts)
    try await sender.patiently { try await services.putTemplate(request) }
  }

  private func put(_ letter: LetterFile, _ store: String) async throws {
    let services = services
    let present = try await sender.patiently {
      try await services.letter(store, letter.name, letter.locale)
    }
    if present != nil { return }
    let request = DirectMailV1.PutTemplateRequest(
      store: store, idempotencyKey: key("letter", store, letter.name, letter.locale),
      template: letter.name, locale: letter.locale, format: .a4FormB, text: letter.text)
    try await sender.patiently { try await services.putLetter(request) }
  }

  /// The same for the same request.
  private func key(_ parts: String...) -> String {
    let text = parts.map { "\($0.utf8.count):\($0)" }.joined()
    return "replay-\(idPrefix)-"
      + HexText.text(SHA256.hash(Array((idPrefix + text).utf8)).prefix(8))
  }
}
