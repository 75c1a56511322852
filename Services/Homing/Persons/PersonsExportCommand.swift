internal import ArgumentParser
internal import DynamicMessages
internal import Messages
internal import Stubs
internal import Transport
internal import Wire

/// `homing persons export`: everything that is known of a person, one JSON object a line (P10).
struct PersonsExportCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write everything that is known of one person.",
    discussion: """
      One JSON object a line: `service`, `kind`, and `record` as the contract has it. Messages \
      come with what was handed over, where it is still kept.
      """)

  @OptionGroup var of: PersonServices
  @Option(help: "The contact's id; linked identities are included.") var contact: String
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await of.call { callers in
      let json = try ContractJSON()
      try await PersonExport(callers: callers, contact: contact).each { service, kind, record in
        Terminal.print(
          JSONWriter.text(
            .object([
              .init("service", .string(service)),
              .init("kind", .string(kind)),
              .init("record", try json.value(record)),
            ])))
      }
    }
  }
}

/// Reads what each service has of a person.
struct PersonExport {
  let callers: PersonCallers
  let contact: String

  typealias Show = (_ service: String, _ kind: String, _ record: any Message) throws -> Void

  private var store: String { callers.store }

  func each(_ show: Show) async throws {
    let known = try await callers.tracker.getContact(
      .init(store: store, contact: contact), options: callers.options)
    try show("cart-tracker", "contact", known)
    try await events(show)
    try await consents(show)
    try await enrolments(show)
    var addresses = PersonExport.addresses(of: known)
    for id in known.linked { addresses.formUnion(try await linked(id, show)) }
    // Enrolments and messages name linked contacts by their own ids.
    for id in [contact] + known.linked {
      addresses.formUnion(try await messages(of: id, show))
      try await letters(of: id, show)
    }
    try await suppressions(of: addresses, show)
  }

  private struct Address: Hashable {
    let channel: CommonV1.Channel
    let text: String
  }

  private static func addresses(of contact: CartTrackerV1.Contact) -> Set<Address> {
    Set(
      (contact.profile?.destinations ?? []).map { Address(channel: $0.channel, text: $0.address) })
  }

  /// A linked contact; of a guest there is nothing but events.
  private func linked(_ id: String, _ show: Show) async throws -> Set<Address> {
    do {
      let contact = try await callers.tracker.getContact(
        .init(store: store, contact: id), options: callers.options)
      try show("cart-tracker", "contact", contact)
      return PersonExport.addresses(of: contact)
    } catch let error as RPCError where error.code == .notFound { return [] }
  }

  private func events(_ show: Show) async throws {
    try await ListPages.each(limit: 0) { page in
      let answer = try await callers.tracker.listEvents(
        .init(store: store, page: page, contact: contact), options: callers.options)
      return (answer.events, answer.next)
    } _: {
      for event in $0 { try show("cart-tracker", "event", event) }
    }
  }

  private func consents(_ show: Show) async throws {
    // Without a time-out, as long as it takes.
    let call = try await callers.tracker.exportConsents(.init(store: store, contact: contact))
    while let answer = try await call.next() {
      for proof in answer.proofs { try show("cart-tracker", "consent", proof) }
    }
  }

  private func enrolments(_ show: Show) async throws {
    var ids: [String] = []
    try await ListPages.each(limit: 0) { page in
      let answer = try await callers.scheduler.listEnrolments(
        .init(store: store, page: page, contact: contact), options: callers.options)
      return (answer.enrolments, answer.next)
    } _: {
      ids += $0.map(\.id)
    }
    for id in ids {
      try show(
        "scheduler", "enrolment",
        try await callers.scheduler.getEnrolment(
          .init(store: store, enrolment: id), options: callers.options))
    }
    let given = try await callers.incentives.listGiven(
      .init(store: store, contact: contact), options: callers.options)
    for gift in given.given { try show("scheduler", "incentive", gift) }
  }

  /// - Returns: where they went.
  private func messages(of contact: String, _ show: Show) async throws -> Set<Address> {
    var addresses: Set<Address> = []
    var ids: [String] = []
    try await ListPages.each(limit: 0) { page in
      let answer = try await callers.notifier.listMessages(
        .init(store: store, page: page, contact: contact), options: callers.options)
      return (answer.messages, answer.next)
    } _: { messages in
      for message in messages {
        ids.append(message.order?.id ?? "")
        let channel = message.order?.channel ?? .unspecified
        if !message.recipient.isEmpty && channel != .internal && channel != .webhook {
          addresses.insert(Address(channel: channel, text: message.recipient))
        }
      }
    }
    for id in ids {
      try show(
        "notifier", "message",
        try await callers.notifier.getMessage(
          .init(store: store, message: id, withContent: true), options: callers.options))
    }
    return addresses
  }

  private func letters(of contact: String, _ show: Show) async throws {
    guard let directMail = callers.directMail else { return }
    try await ListPages.each(limit: 0) { page in
      let answer = try await directMail.listMailPieces(
        .init(store: store, page: page, contact: contact), options: callers.options)
      return (answer.pieces, answer.next)
    } _: {
      for piece in $0 { try show("direct-mail", "mail piece", piece) }
    }
    try await ListPages.each(limit: 0) { page in
      let answer = try await directMail.listObjections(
        .init(store: store, page: page, contact: contact), options: callers.options)
      return (answer.objections, answer.next)
    } _: {
      for objection in $0 { try show("direct-mail", "objection", objection) }
    }
  }

  private func suppressions(of addresses: Set<Address>, _ show: Show) async throws {
    for address in addresses.sorted(by: { $0.text < $1.text }) {
      try await ListPages.each(limit: 0) { page in
        let answer = try await callers.notifier.listSuppressions(
          .init(store: store, page: page, channel: address.channel, address: address.text),
          options: callers.options)
        return (answer.suppressions, answer.next)
      } _: {
        for one in $0 { try show("notifier", "suppression", one) }
      }
    }
  }
}
