internal import ArgumentParser
internal import DynamicMessages
internal import Messages
internal import ServiceKit
internal import Stubs
internal import Transport
internal import Wire

/// `homing persons`: what is known of one person in all services, and forgetting it (P10).
struct PersonsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "persons",
    abstract: "Export everything that is known of a person, or erase it, in all services.",
    subcommands: [
      PersonsExportCommand.self, PersonsEraseCommand.self, PersonsReceiptCommand.self,
    ])
}

/// `homing persons erase`: forgets a person, and shows the receipt.
struct PersonsEraseCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "erase",
    abstract: "Erase one person, and all identities linked with them, in all services.",
    discussion: """
      Names, addresses, what was written and to where, texts and attributes are overwritten \
      where they stand; nothing is sent to the person from then on, nor when they are imported \
      again. Ids of the shop, amounts, times and reasons stay. It cannot be taken back. The \
      command waits until every service has answered its part of the receipt, and ends with an \
      error where one has not by then; `homing persons receipt` asks again.
      """)

  @OptionGroup var of: PersonServices
  @Option(help: "The contact's id.") var contact: String?
  @Option(help: "The guest's id, for one who is no contact.") var guest: String?
  @Option(help: ArgumentHelp("How long to wait for the other services.", valueName: "span"))
  var wait = TimeSpan(.seconds(30))
  @Option(help: "Idempotency key: the same again erases nothing twice.") var idempotencyKey: String?
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if (contact == nil) == (guest == nil) {
      throw ValidationError("Give --contact or --guest.")
    }
  }

  func perform() async throws {
    try await of.call { callers in
      let erasure = try await callers.tracker.erase(
        .init(
          store: of.store, idempotencyKey: IdempotencyKey.make(idempotencyKey),
          contact: contact ?? "",
          guest: guest ?? ""), options: callers.options)
      try await ErasureReceipts(callers: callers, id: erasure.id)
        .show(within: wait.duration, output) { Terminal.print($0) }
    }
  }
}

/// `homing persons receipt`: what each service has redacted.
struct PersonsReceiptCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "receipt", abstract: "Show what each service has redacted in an erasure.")

  @OptionGroup var of: PersonServices
  @Option(help: "The erasure's id.") var erasure: String
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await of.call { callers in
      try await ErasureReceipts(callers: callers, id: erasure)
        .show(within: .zero, output) { Terminal.print($0) }
    }
  }
}

/// The parts of a receipt, of all services that are told of the erasure.
struct ErasureReceipts {
  let callers: PersonCallers
  let id: String

  private static let askedEvery = Duration.milliseconds(200)

  /// Asks until every part is complete, and prints them.
  ///
  /// - Throws: where one is not by then.
  func show(
    within time: Duration, _ output: OutputOptions, _ print: (String) -> Void
  ) async throws {
    let end = ContinuousClock.now + time
    var parts = try await parts()
    while !parts.allSatisfy(\.isComplete), ContinuousClock.now < end {
      try await callers.pause(Self.askedEvery)
      parts = try await self.parts()
    }
    for line in try lines(parts, output) { print(line) }
    let missing = parts.filter { !$0.isComplete }.map(\.service)
    if !missing.isEmpty {
      throw CommandError.usage(
        "erasure \(id) is not complete: " + missing.joined(separator: ", ") + " will go on")
    }
  }

  /// One service's answer.
  struct Part {
    let service: String
    /// How many identities it is told of.
    let expected: UInt32
    /// Nil while it has not heard.
    let erasure: CommonV1.Erasure?

    var isComplete: Bool { erasure?.done ?? 0 >= expected }
  }

  private func parts() async throws -> [Part] {
    let request = CommonV1.GetErasureRequest(store: callers.store, erasure: id)
    let own = try await callers.tracker.getErasure(request, options: callers.options)
    var parts = [
      Part(service: "cart-tracker", expected: own.identities, erasure: own),
      Part(
        service: "scheduler", expected: own.identities,
        erasure: try await known {
          try await callers.scheduler.getErasure(request, options: callers.options)
        }),
    ]
    if own.contacts == 0 { return parts }
    parts.append(
      Part(
        service: "notifier", expected: own.contacts,
        erasure: try await known {
          try await callers.notifier.getErasure(request, options: callers.options)
        }))
    if let directMail = callers.directMail {
      parts.append(
        Part(
          service: "direct-mail", expected: own.contacts,
          erasure: try await known {
            try await directMail.getErasure(request, options: callers.options)
          }))
    }
    return parts
  }

  private func known(
    _ call: () async throws -> CommonV1.Erasure
  ) async throws -> CommonV1.Erasure? {
    do {
      return try await call()
    } catch let error as RPCError where error.code == .notFound { return nil }
  }

  private func lines(_ parts: [Part], _ output: OutputOptions) throws -> [String] {
    if output.isJSON {
      let json = try ContractJSON()
      return try parts.compactMap(\.erasure).map { output.line(try json.value($0)) }
    }
    let own = parts[0].erasure ?? .init()
    var table = Table([
      ("SERVICE", .left), ("DONE", .left), ("IDENTITIES", .right), ("REDACTED", .left),
    ])
    for part in parts {
      let done = part.erasure?.done ?? 0
      let redacted = (part.erasure?.redacted ?? []).map { "\($0.what) \($0.rows)" }
      table.add([
        part.service, part.isComplete ? ValueText.text(part.erasure?.doneAt) : "not yet",
        "\(done) of \(part.expected)", redacted.joined(separator: ", "),
      ])
    }
    return [
      "erasure \(own.id)",
      "asked for \(ValueText.text(own.requestedAt)) by \(own.requestedBy)", "",
    ] + table.lines(style: Terminal.heading)
  }
}
