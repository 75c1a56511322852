internal import DynamicMessages
internal import Messages
internal import Synchronization
internal import Testing
internal import Wire

@testable internal import Homing

/// What a replay does for the flow that it runs.
@Suite struct FlowReplayTests {
  private let services = FakeFlows()

  private func setup(
    text: String = "flow: recovery", templates: [ShippedTemplate] = [],
    letters: [LetterFile] = []
  ) -> FlowSetup {
    let flow = ReplayFlow(
      origin: "a.yaml", text: text, templates: templates, letters: letters,
      testAddresses: ["@replay.invalid", "+999*"])
    let sender = RecordSender(services: FakeTracker(), pause: { _ in })
    return FlowSetup(flow, services, sender, idPrefix: "f")
  }

  private static let reminder = ShippedTemplate(
    name: "reminder", locale: "de", channel: .email, parts: .init(subject: "S"))

  @Test("A store gets templates, the flow and test mode, for itself and for the flow")
  func prepares() async throws {
    var setup = setup(templates: [Self.reminder])
    try await setup.prepare("shop")
    #expect(
      services.state.withLock { $0.journal } == [
        "template shop reminder de", "check shop", "apply shop on 0", "mode shop ",
        "mode shop recovery",
      ])
    let modes = services.state.withLock { $0.modes }
    #expect(modes.map(\.mode) == [.test, .test])
    #expect(modes.allSatisfy { $0.testAddresses == ["@replay.invalid", "+999*"] })
    #expect(services.state.withLock { $0.keys.count } == 4)
    #expect(services.state.withLock { $0.keys.allSatisfy { $0.utf8.count <= 64 } })
    #expect(!setup.startsAtRows)
  }

  @Test("D09 Letters are put before the flow where they are printed, and else left out")
  func letters() async throws {
    let letter = LetterFile(name: "paper", locale: "de", text: "- text: Guten Tag")
    var without = setup(letters: [letter])
    try await without.prepare("shop")
    #expect(!services.state.withLock { $0.journal }.contains { $0.hasPrefix("letter") })
    services.state.withLock {
      $0.journal = []
      $0.printsLetters = true
    }
    var with = setup(letters: [letter])
    try await with.prepare("other")
    try await with.prepare("other")
    let journal = services.state.withLock { $0.journal }
    #expect(journal.prefix(2) == ["letter other paper de", "check other"])
    #expect(journal.count { $0.hasPrefix("letter") } == 1)
    let put = services.state.withLock { $0.letters["other/paper/de"] }
    #expect(put?.format == .a4FormB)
    #expect(put?.text == letter.text)
  }

  @Test("A template that the store has is kept, a flow that is there is not applied again")
  func keeps() async throws {
    var setup = setup(templates: [Self.reminder])
    try await setup.prepare("shop")
    services.state.withLock { $0.journal = [] }
    try await setup.prepare("shop")
    #expect(
      services.state.withLock { $0.journal } == ["check shop", "mode shop ", "mode shop recovery"])
    var other = self.setup(text: "flow: recovery # new")
    try await other.prepare("shop")
    #expect(services.state.withLock { $0.journal }.contains("apply shop on 1"))
  }

  @Test("A flow with faults names line, column and field, and nothing is applied")
  func faults() async throws {
    services.state.withLock {
      $0.problems = [
        .init(line: 3, column: 7, field: "steps[0].pause", problem: "is no span")
      ]
    }
    var setup = setup()
    let error = await #expect(throws: CommandError.self) { try await setup.prepare("shop") }
    #expect(error?.message == "the flow a.yaml has faults: 3:7 steps[0].pause: is no span")
    #expect(services.state.withLock { $0.flows.isEmpty })
  }

  @Test("A service that is being started is waited for")
  func patient() async throws {
    services.state.withLock { $0.failures = 3 }
    var setup = setup()
    try await setup.prepare("shop")
    #expect(services.state.withLock { $0.flows.count } == 1)
  }

  @Test("A flow that a tag starts is told apart from one that silence starts")
  func startsAtRows() async throws {
    services.state.withLock { $0.start = .tagAdded }
    var setup = setup()
    try await setup.prepare("shop")
    #expect(setup.startsAtRows)
  }

  @Test("Counts hold messages by channel and template, letters, and reasons by step")
  func counts() async throws {
    services.state.withLock { state in
      state.report = .init(
        rows: [
          .init(flow: "f", channel: .letter, sent: 100),
          .init(flow: "f", step: "letter", channel: .letter, template: "paper", sent: 3),
          .init(flow: "f", step: "a", channel: .email, template: "reminder", sent: 3, unknown: 1),
          .init(flow: "f", step: "a", channel: .email, template: "reminder", variant: "x", sent: 2),
          .init(flow: "f", step: "b", channel: .email, template: "reminder", sent: 2),
          .init(flow: "f", step: "c", channel: .sms, template: "text"),
        ],
        reasons: [
          .init(reason: .purchased, count: 2),
          .init(reason: .noDestination, step: "mail", count: 1),
        ])
    }
    let counts = try await FlowCounts.read(services, stores: ["shop"])
    #expect(counts.messages == ["email": ["reminder": 6], "letter": ["paper": 3]])
    #expect(counts.letters == 3)
    #expect(counts.reasons == ["enrolment": ["purchased": 2], "mail": ["no_destination": 1]])
  }

  @Test("The counts of a replay without a flow have the same keys, empty")
  func keys() {
    let names: (ReplayCounts) -> [String] = { counts in
      guard case .object(let members) = counts.json else { return [] }
      return members.map(\.name)
    }
    var counts = ReplayCounts()
    let without = names(counts)
    #expect(without.suffix(4) == ["digest", "messages", "letters", "reasons"])
    counts.flow = FlowCounts(messages: ["email": ["reminder": 2]], letters: 1, reasons: [:])
    #expect(names(counts) == without)
  }
}

/// Addresses that nobody has.
@Suite struct ContactTemplatesTests {
  private let at = Protobuf.Timestamp(seconds: 1000)

  @Test("Ids that cannot stand before the @ are exchanged for what follows from them")
  func mailboxes() {
    let templates = ContactTemplates.unreachable
    let address: (String) -> String? = { contact in
      templates.profile(contact, at: at).destinations.first?.address
    }
    #expect(address("ann") == "ann@replay.invalid")
    #expect(address("a b@c")?.hasPrefix("c-") == true)
    #expect(address("a b@c") == address("a b@c"))
    #expect(address("a b@c") != address("a b@d"))
    #expect(address(String(repeating: "x", count: 200))?.utf8.count == 33)
  }

  @Test("A number is the id where that is one, else twelve digits that follow from it")
  func numbers() {
    let number: (String) -> String? = { contact in
      ContactTemplates.unreachable.profile(contact, at: at).destinations.last?.address
    }
    #expect(number("4711") == "+9994711")
    #expect(number("ann")?.utf8.count == 16)
    #expect(number("ann") == number("ann"))
    #expect(number("12345678901234567890")?.utf8.count == 16)
  }

  @Test("A flow is given ranges that reach nobody, and refused addresses that may be somebody's")
  func testAddresses() throws {
    #expect(
      try ContactTemplates.unreachable.testAddresses() == ["@replay.invalid", "+999*", "post:*"])
    #expect(try ContactTemplates(email: "a@b.test").testAddresses() == ["@b.test"])
    for email in ["{contact}@gmail.com", "{contact}@{contact}.invalid", "nobody"] {
      #expect(throws: CommandError.self) { try ContactTemplates(email: email).testAddresses() }
    }
    #expect(throws: CommandError.self) {
      try ContactTemplates(phone: "+49{contact}").testAddresses()
    }
  }

  @Test("D04 A postal address has a name and all that a letter needs, and follows from the id")
  func postal() throws {
    let address = try #require(ContactTemplates.unreachable.profile("ann", at: at).address)
    #expect(address.person == "Contact ann")
    #expect(address.countryCode == "DE")
    #expect(address.postalCode == "12345")
    #expect(address.locality == "Musterstadt")
    #expect(address.streetLines.count == 1)
    let other = ContactTemplates.unreachable.profile("bob", at: at).address
    #expect(other?.streetLines != address.streetLines)
    #expect(ContactTemplates(email: "a@b.test").profile("ann", at: at).address == nil)
    #expect(throws: CommandError.self) { try ContactTemplates(address: "Weg 1, Ort").check() }
  }

  @Test("Addresses of the file are exchanged for ours, names stay")
  func rewrite() throws {
    let profile = CartTrackerV1.ContactProfile(
      givenName: "Ann", destinations: [.init(channel: .email, address: "ann@gmail.com")])
    var event = CartTrackerV1.Event(
      id: "e", at: at, contact: "ann", kind: .contactUpserted(.init(profile: profile)))
    ContactTemplates.unreachable.rewrite(&event)
    guard case .contactUpserted(let upserted) = event.kind else {
      Issue.record("another kind")
      return
    }
    #expect(upserted.profile?.givenName == "Ann")
    #expect(
      upserted.profile?.destinations.map(\.address) == [
        "ann@replay.invalid",
        upserted.profile?
          .destinations.last?.address ?? "",
      ])
    #expect(upserted.profile?.consents.isEmpty == false)
    // The letter is addressed to the name.
    #expect(upserted.profile?.address?.locality == "Musterstadt")
    #expect(upserted.profile?.address?.person == "")
  }
}

/// Templates in files.
@Suite struct TemplateFilesTests {
  private static func bytes(_ files: [String: String]) -> [String: [UInt8]] {
    files.mapValues { Array($0.utf8) }
  }

  @Test("A template has the locales that any of its parts is there for")
  func locales() throws {
    let templates = try TemplateFiles.parse(
      Self.bytes([
        "a.template": "channel: email\nrequired: lines, cart_link\n", "a.de.html": "<p>",
        "a.de.txt": "x", "a.de.subject.txt": "S\n", "a.txt": "y", "ab.en.txt": "other",
        "b.template": "channel: sms", "b.en.txt": "z",
      ]))
    #expect(templates.map { "\($0.name) \($0.locale)" } == ["a ", "a de", "b en"])
    #expect(templates[1].parts.subject == "S")
    #expect(templates[1].parts.html == "<p>")
    #expect(templates[1].parts.required == ["lines", "cart_link"])
    #expect(templates[2].channel == .sms)
  }

  @Test(
    "What is wrong is told with the file's name",
    arguments: [
      ("channel: fax", "the channel \"fax\""), ("chanel: sms", "the key \"chanel\""),
      ("", "does not say its channel"), ("channel", "a line is `key: value`"),
    ])
  func faults(heading: String, problem: String) {
    let error = #expect(throws: CommandError.self) {
      try TemplateFiles.parse(Self.bytes(["a.template": heading]))
    }
    #expect(error?.message.contains(problem) == true)
    #expect(error?.message.contains("a.template") == true)
  }

  @Test("What comes with the program can be read, the reference flow's templates among it")
  func shipped() throws {
    let templates = try TemplateFiles.parse(ShippedFiles.templates)
    for name in ["cart-reminder", "cart-help", "cart-sms"] {
      #expect(templates.filter { $0.name == name }.map(\.locale) == ["de", "en"])
    }
    let letters = try LetterFiles.parse(ShippedFiles.letters)
    for name in ["cart-letter", "quote-letter"] {
      #expect(letters.filter { $0.name == name }.map(\.locale) == ["de", "en"])
    }
    let flow = try ShippedFiles.flow(nil, testAddresses: [])
    #expect(flow.text.contains("flow: cart-recovery"))
    #expect(flow.letters == letters)
    #expect(throws: CommandError.self) { try ShippedFiles.flow("/nowhere", testAddresses: []) }
  }
}
