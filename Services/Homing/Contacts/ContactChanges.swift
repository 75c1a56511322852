internal import ArgumentParser
internal import DynamicMessages
internal import Messages
internal import Stubs
internal import Transport
internal import Wire

/// `homing contacts upsert`: what a source knows of a contact (P06).
struct ContactsUpsertCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "upsert", abstract: "Make or change a contact.",
    discussion: """
      The profile is --data in protobuf's JSON mapping (homing.cart_tracker.v1.ContactProfile), \
      the options, or both; an option wins over the same field of --data. A list that is given \
      replaces the whole list.
      """)

  @OptionGroup var at: StoreConnection
  @Option(help: "The contact's id.") var contact: String
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("JSON, @FILE, or - for standard input.", valueName: "json"))
  var data: String?
  @Option(help: "Given name.") var givenName: String?
  @Option(help: "Family name.") var familyName: String?
  @Option(help: "The shop's id of the company.") var company: String?
  @Option(help: "The company's name.") var companyName: String?
  @Option(help: "Language, such as de-CH.") var locale: String?
  @Option(help: "E-mail address; replaces all destinations.") var email: String?
  @Option(help: "Phone number, such as +4930231250; replaces all destinations.") var phone: String?
  @Option(help: "When it was so at the source (default: now).") var sourceAt: String?
  @Option(help: "Fields to empty, by comma, such as address.") var clear: String?
  @Option(help: "Idempotency key, to repeat a call safely.") var idempotencyKey: String?
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await at.tracker.call(at.target) { try await upsert($0) { Terminal.print($0) } }
  }

  func upsert(_ caller: TrackerCaller, _ print: (String) -> Void) async throws {
    let request = CartTrackerV1.UpsertContactsRequest(
      store: at.store, idempotencyKey: IdempotencyKey.make(idempotencyKey),
      entries: [.init(contact: contact, profile: try await profile())])
    let answer = try await caller.client.upsertContacts(request, options: caller.options)
    if output.isJSON { return print(output.line(try ContractJSON().value(answer))) }
    print(
      answer.created > 0 ? "created" : answer.changed > 0 ? "changed" : "older than what is known")
  }

  private func profile() async throws -> CartTrackerV1.ContactProfile {
    var profile = CartTrackerV1.ContactProfile()
    if let data { profile = try await ContractJSON().message(data) }
    if let givenName { profile.givenName = givenName }
    if let familyName { profile.familyName = familyName }
    if let company { profile.company = company }
    if let companyName { profile.companyName = companyName }
    if let locale { profile.locale = locale }
    let channels: [(address: String?, channel: CommonV1.Channel)] = [
      (email, .email), (phone, .sms),
    ]
    let destinations = channels.compactMap { address, channel in
      address.map { CartTrackerV1.Destination(channel: channel, address: $0) }
    }
    if !destinations.isEmpty { profile.destinations = destinations }
    if let time = try TimeOption.time(sourceAt, "--source-at") { profile.sourceAt = time }
    profile.cleared += (clear ?? "").split(separator: ",").map(String.init)
    return profile
  }
}

/// `homing contacts tag`: adds and removes tags (P02).
struct ContactsTagCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "tag", abstract: "Add tags to a contact and remove some.")

  @OptionGroup var at: StoreConnection
  @Option(help: "The contact's id.") var contact: String
  @Option(name: .customLong("add"), parsing: .singleValue, help: "A tag to add; may be repeated.")
  var added: [String] = []
  @Option(
    name: .customLong("remove"), parsing: .singleValue, help: "A tag to remove; may be repeated.")
  var removed: [String] = []
  @Option(help: "Idempotency key, to repeat a call safely.") var idempotencyKey: String?
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if added.isEmpty && removed.isEmpty { throw ValidationError("Give --add or --remove.") }
  }

  func perform() async throws {
    try await at.tracker.call(at.target) { try await tag($0) { Terminal.print($0) } }
  }

  func tag(_ caller: TrackerCaller, _ print: (String) -> Void) async throws {
    let request = CartTrackerV1.TagContactRequest(
      store: at.store, idempotencyKey: IdempotencyKey.make(idempotencyKey), contact: contact,
      added: added,
      removed: removed)
    let answer = try await caller.client.tagContact(request, options: caller.options)
    try ContactCells.print(answer, output, print)
  }
}

/// `homing contacts link`: says that two identities are one person (P09).
struct ContactsLinkCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "link", abstract: "Say that two identities are one person.")

  @OptionGroup var at: StoreConnection
  @Option(help: "The contact's id.") var contact: String
  @Option(help: "The other contact's id, or the guest's.") var other: String
  @Option(help: "What proves it: \(CartTexts.evidence.names.joined(separator: " or ")).")
  var evidence: String
  @Option(help: "The login or the confirmed address, for the audit.") var proof = ""
  @Option(help: "Idempotency key, to repeat a call safely.") var idempotencyKey: String?
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await at.tracker.call(at.target) { try await link($0) { Terminal.print($0) } }
  }

  func link(_ caller: TrackerCaller, _ print: (String) -> Void) async throws {
    let evidence = try EnumOption.values(evidence, "--evidence", CartTexts.evidence)
    guard let evidence = evidence.first else {
      throw CommandError.usage(
        "--evidence must be \(CartTexts.evidence.names.joined(separator: " or "))")
    }
    let request = CartTrackerV1.LinkRequest(
      store: at.store, idempotencyKey: IdempotencyKey.make(idempotencyKey), contact: contact,
      other: other,
      evidence: evidence, proof: proof)
    let answer = try await caller.client.link(request, options: caller.options)
    try ContactCells.print(answer, output, print)
  }
}

/// `homing contacts unlink`: takes a link back (P09).
struct ContactsUnlinkCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "unlink", abstract: "Take a link of two identities back.")

  @OptionGroup var at: StoreConnection
  @Option(help: "The contact's id.") var contact: String
  @Option(help: "The other contact's id, or the guest's.") var other: String
  @Option(help: "Why, for the audit.") var note = ""
  @Option(help: "Idempotency key, to repeat a call safely.") var idempotencyKey: String?
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await at.tracker.call(at.target) { try await unlink($0) { Terminal.print($0) } }
  }

  func unlink(_ caller: TrackerCaller, _ print: (String) -> Void) async throws {
    let request = CartTrackerV1.UnlinkRequest(
      store: at.store, idempotencyKey: IdempotencyKey.make(idempotencyKey), contact: contact,
      other: other,
      note: note)
    let answer = try await caller.client.unlink(request, options: caller.options)
    try ContactCells.print(answer, output, print)
  }
}
