internal import ArgumentParser
internal import Messages
internal import Stubs
internal import Transport
internal import Wire

/// `homing contacts`: who may be written to.
struct ContactsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "contacts", abstract: "List, show, change, tag and link contacts.",
    subcommands: [
      ContactsListCommand.self, ContactsShowCommand.self, ContactsUpsertCommand.self,
      ContactsTagCommand.self, ContactsLinkCommand.self, ContactsUnlinkCommand.self,
    ])
}

/// `homing contacts list`: all, those that a search finds, or those with a tag (P04).
struct ContactsListCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List contacts in order of their ids.")

  @OptionGroup var at: StoreConnection
  @Option(help: "Part of a name, an address or a company.") var search = ""
  @Option(help: "Only those with this tag.") var tag: String?
  @Option(help: "Contacts to show, at most; 0 shows all.") var limit = 0
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if tag != nil && !search.isEmpty {
      throw ValidationError("--search and --tag exclude each other.")
    }
  }

  func perform() async throws {
    try await at.tracker.call(at.target) { try await list($0) { Terminal.print($0) } }
  }

  func list(_ caller: TrackerCaller, _ print: (String) -> Void) async throws {
    var printer = ListPrinter(ContactCells.headings)
    let json = output.isJSON ? try ContractJSON() : nil
    try await caller.pages(limit: limit) { page in
      let answer =
        if let tag {
          try await caller.client.listTagged(
            .init(store: at.store, page: page, tag: tag), options: caller.options)
        } else {
          try await caller.client.listContacts(
            .init(store: at.store, page: page, search: search), options: caller.options)
        }
      return (answer.contacts, answer.next)
    } _: { contacts in
      if let json {
        for contact in contacts { print(output.line(try json.value(contact))) }
      } else {
        for line in printer.lines(contacts.map(ContactCells.row)) { print(line) }
      }
    }
  }
}

/// `homing contacts show`: one contact with everything known of it.
struct ContactsShowCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show one contact.")

  @OptionGroup var at: StoreConnection
  @Option(help: "The contact's id.") var contact: String
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await at.tracker.call(at.target) { try await show($0) { Terminal.print($0) } }
  }

  func show(_ caller: TrackerCaller, _ print: (String) -> Void) async throws {
    let contact = try await caller.client.getContact(
      .init(store: at.store, contact: contact), options: caller.options)
    try ContactCells.print(contact, output, print)
  }
}

/// A contact as a person reads it.
enum ContactCells {
  static let headings: [(heading: String, alignment: Table.Alignment)] = [
    ("CONTACT", .left), ("NAME", .left), ("COMPANY", .left), ("ADDRESS", .left), ("TAGS", .left),
    ("ORDERS", .right),
  ]

  static func row(_ contact: CartTrackerV1.Contact) -> [String] {
    let profile = contact.profile ?? .init()
    return [
      contact.id, name(profile),
      profile.companyName.isEmpty ? profile.company : profile.companyName,
      profile.destinations.first?.address ?? "", contact.tags.joined(separator: ", "),
      "\(contact.history?.orders ?? 0)",
    ]
  }

  /// The one contact that a call has answered.
  static func print(
    _ contact: CartTrackerV1.Contact, _ output: OutputOptions, _ print: (String) -> Void
  ) throws {
    if output.isJSON { return print(output.line(try ContractJSON().value(contact))) }
    var table = Table([("WHAT", .left), ("VALUE", .left)])
    for (name, value) in facts(contact) where !value.isEmpty { table.add([name, value]) }
    for line in table.lines().dropFirst() { print(line) }
  }

  private static func facts(_ contact: CartTrackerV1.Contact) -> [(String, String)] {
    let profile = contact.profile ?? .init()
    let history = contact.history ?? .init()
    let destinations = profile.destinations.map { destination in
      let kind = CartTexts.channel.name(destination.channel)
      return "\(kind) \(destination.address)\(destination.confirmedAt == nil ? "" : " (confirmed)")"
    }
    let consents = profile.consents.filter { $0.withdrawnAt == nil }.map {
      "\(CartTexts.channel.name($0.channel)) \($0.purpose)"
    }
    return [
      ("contact", contact.id), ("name", name(profile)), ("company", profile.company),
      ("company name", profile.companyName), ("locale", profile.locale),
      ("time zone", profile.timeZone), ("reached by", destinations.joined(separator: ", ")),
      ("address", profile.address.map(address) ?? ""),
      ("consents", consents.joined(separator: ", ")),
      ("tags", contact.tags.joined(separator: ", ")),
      ("linked", contact.linked.joined(separator: ", ")), ("orders", "\(history.orders)"),
      ("bought for", history.totals.map { ValueText.text($0) }.joined(separator: ", ")),
      ("last order", ValueText.text(history.lastAt)),
      ("known since", ValueText.text(contact.knownSince)),
      ("changed", ValueText.text(contact.changedAt)),
      ("erased", ValueText.text(contact.erasedAt)),
    ]
  }

  private static func name(_ profile: CartTrackerV1.ContactProfile) -> String {
    [profile.title, profile.givenName, profile.familyName].filter { !$0.isEmpty }
      .joined(separator: " ")
  }

  private static func address(_ address: CommonV1.Address) -> String {
    let town = [address.postalCode, address.locality].filter { !$0.isEmpty }.joined(separator: " ")
    let parts =
      [address.company, address.person] + address.streetLines + [town, address.countryCode]
    return parts.filter { !$0.isEmpty }.joined(separator: ", ")
  }
}
