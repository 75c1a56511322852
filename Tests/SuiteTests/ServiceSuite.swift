internal import Foundation
internal import Messages
internal import Stubs
internal import TestSupport
internal import Transport
internal import Wire

/// All services as real processes that know each other, on a virtual clock, with a mail server and
/// a provider of SMS that keep what they get.
final class ServiceSuite {
  typealias Failure = ServiceProcess.Failure

  let cartTracker: ServiceProcess
  let scheduler: ServiceProcess
  let notifier: ServiceProcess
  let directMail: ServiceProcess
  let gateway: ServiceProcess
  let smtp: SMTPSink
  let sms: HTTPSink
  let httpPort: Int
  private let authority: TestAuthority
  private let files: TemporaryFolder
  /// Where the clocks stand, in microseconds since 1970.
  private(set) var now: Int64 = 0

  /// - Parameters:
  ///   - mail: what the mail server does at each stage.
  ///   - retryFirst: of the mail provider, such as `5s`.
  ///   - authority: nil: one of its own.
  init(
    retryFirst: String = "5s", authority given: TestAuthority? = nil,
    mail: @escaping @Sendable (SMTPSink.Moment) -> SMTPSink.Action = { _ in .accept }
  ) throws {
    authority = try given ?? TestAuthority()
    files = try TemporaryFolder()
    smtp = try SMTPSink(script: mail)
    sms = try HTTPSink()
    let ports = try LoopbackListener.freePorts(6)
    httpPort = ports[4]
    let providers = """
      [mail]
      kind = smtp
      channels = email
      address = 127.0.0.1:\(smtp.port)
      tls = off
      connections = 4
      retry-first = \(retryFirst)
      [texts]
      kind = http
      channels = sms
      url = \(sms.url)/sms
      """
    try files.write(Array(providers.utf8), to: "providers")
    try files.write(Array(repeating: 0x42, count: 32), to: "link.key")
    let caller = try authority.issue("you")
    let authority = authority
    let address: (Int) -> String = { "127.0.0.1:\(ports[$0])" }
    let start: (String, Int, [String: String]) throws -> ServiceProcess = { name, index, settings in
      try ServiceProcess(
        name, authority: authority, caller: caller, port: ports[index], hasData: name != "gateway",
        settings: settings)
    }
    cartTracker = try start("cart-tracker", 0, ["HOMING_SCHEDULER": address(1)])
    scheduler = try start(
      "scheduler", 1,
      [
        "HOMING_CART_TRACKER": address(0), "HOMING_NOTIFIER": address(2),
        "HOMING_DIRECT_MAIL": address(5),
      ])
    let sender = [
      "HOMING_CART_TRACKER": address(0), "HOMING_SCHEDULER": address(1),
      "HOMING_LINK_KEYS": "1=" + files.file("link.key"),
      "HOMING_PUBLIC_URL": "http://" + address(4),
    ]
    let own = ["HOMING_PROVIDERS": files.file("providers")]
    notifier = try start("notifier", 2, sender.merging(own) { $1 })
    directMail = try start(
      "direct-mail", 5, sender.merging(["HOMING_LETTERS": files.file("letters")]) { $1 })
    gateway = try start(
      "gateway", 3,
      [
        "HOMING_NOTIFIER": address(2), "HOMING_DIRECT_MAIL": address(5),
        "HOMING_HTTP_LISTEN": address(4),
      ])
  }

  var services: [ServiceProcess] { [cartTracker, scheduler, notifier, directMail, gateway] }

  /// Where print runs are handed over.
  var letterFolder: String { files.file("letters") }

  var tracker: CartTrackerV1.CartTrackerClient {
    get throws { CartTrackerV1.CartTrackerClient(try cartTracker.connected()) }
  }

  var flows: SchedulerV1.SchedulerClient {
    get throws { SchedulerV1.SchedulerClient(try scheduler.connected()) }
  }

  var incentives: SchedulerV1.IncentivesClient {
    get throws { SchedulerV1.IncentivesClient(try scheduler.connected()) }
  }

  var messages: NotifierV1.NotifierClient {
    get throws { NotifierV1.NotifierClient(try notifier.connected()) }
  }

  var letters: DirectMailV1.DirectMailClient {
    get throws { DirectMailV1.DirectMailClient(try directMail.connected()) }
  }

  // MARK: - Life

  /// Starts all, at an instant, and waits until all are ready.
  ///
  /// - Parameter more: settings of the scheduler.
  func start(
    at second: Int64 = TrackerProcess.morning, scheduler more: [String: String] = [:]
  ) async throws {
    for service in services { try service.launch(service === scheduler ? more : [:]) }
    for service in services { try await service.waitUntilServing() }
    now = second * 1_000_000
    try await moveClocks()
  }

  /// Starts one anew on its folder, brings it to the present instant, and waits until it is ready.
  func restart(_ service: ServiceProcess) async throws {
    try await service.start()
    _ = try await service.clock.advance(.init(to: Self.timestamp(now)))
  }

  // MARK: - Time

  private static func timestamp(_ microseconds: Int64) -> Protobuf.Timestamp {
    .init(seconds: microseconds / 1_000_000, nanos: Int32(microseconds % 1_000_000) * 1000)
  }

  /// Who receives before who sends, so that nobody hears of what lies ahead of him.
  private func moveClocks() async throws {
    for service in services.reversed() where service.isRunning {
      _ = try await service.clock.advance(.init(to: Self.timestamp(now)))
    }
  }

  /// Moves the clocks of those that run, and waits for nothing.
  func move(to second: Int64) async throws {
    now = second * 1_000_000
    try await moveClocks()
  }

  /// Lets time run on to an instant, from one due time to the next, everything done at each.
  func run(to second: Int64) async throws {
    let end = second * 1_000_000
    while let due = try await settle(), due <= end {
      now = due
      try await moveClocks()
    }
    if end > now {
      now = end
      try await moveClocks()
      try await settle()
    }
  }

  /// Waits until nothing is left to do at the present instant, which two equal rounds of all that
  /// run show; the next instant at which something is due, in microseconds.
  @discardableResult
  func settle() async throws -> Int64? {
    var previous: [ClockV1.StatusResponse]?
    while true {
      var statuses: [ClockV1.StatusResponse] = []
      for service in services where service.isRunning {
        statuses.append(try await service.clock.status(.init()))
      }
      let sent = statuses.reduce(0) { $0 + $1.sent }
      let isQuiet = statuses.allSatisfy(\.idle) && sent == statuses.reduce(0) { $0 + $1.received }
      if isQuiet, previous == statuses {
        return statuses.compactMap { status in
          status.nextDue.map { $0.seconds * 1_000_000 + Int64($0.nanos / 1000) }
        }.min()
      }
      previous = isQuiet ? statuses : nil
      await Task.yield()
    }
  }
}

/// What journeys do again and again.
extension ServiceSuite {
  static let minute: Int64 = 60
  static let hour: Int64 = 3600
  static let day: Int64 = 86_400

  /// A store with a window of an hour, the shipped templates, the reference flow and test mode.
  func openShop(_ id: String = "shop", flow: String? = nil) async throws {
    let settings = CartTrackerV1.StoreSettings(
      name: "Müllers Lädchen", controller: "Shop GmbH", timeZone: "Europe/Berlin", locale: "de-DE",
      countryCode: "DE", detection: true, window: .init(length: .span(.init(seconds: 3600))),
      feedLimit: .init(),
      imprint: .init(
        legalName: "Shop GmbH",
        address: .init(
          countryCode: "DE", streetLines: ["Weg 1"], postalCode: "12345", locality: "Köln"),
        senderName: "Müllers Lädchen", senderEmail: "shop@replay.invalid",
        supportEmail: "help@replay.invalid", website: "https://shop.invalid/"))
    _ = try await tracker.putStore(
      .init(store: id, idempotencyKey: "put-\(id)", settings: settings))
    for template in try ShippedContent.templates() {
      _ = try await messages.putTemplate(
        .init(
          store: id, idempotencyKey: "t-\(template.name)-\(template.locale)",
          template: template.name, channel: template.channel, locale: template.locale,
          parts: template.parts))
    }
    for letter in try ShippedContent.letters() {
      _ = try await letters.putTemplate(
        .init(
          store: id, idempotencyKey: "l-\(letter.name)-\(letter.locale)", template: letter.name,
          locale: letter.locale, format: .a4FormB, text: letter.text))
    }
    let name = try await apply(flow ?? ShippedContent.flow("cart-recovery"), store: id)
    for flow in ["", name] {
      _ = try await flows.setMode(
        .init(
          store: id, idempotencyKey: "mode-\(flow)", flow: flow, mode: .test,
          testAddresses: ["@replay.invalid", "+999*", "post:*"]))
    }
  }

  /// Applies a flow's text as its next version; the flow's name.
  @discardableResult
  func apply(_ text: String, store: String = "shop", version: UInt32 = 0) async throws -> String {
    let check = try await flows.checkFlow(.init(store: store, text: text))
    guard let flow = check.flow else { throw Failure(what: "\(check.problems)") }
    return try await flows.applyFlow(
      .init(
        store: store, idempotencyKey: "apply-\(flow.name)-\(version)", text: text, version: version)
    ).name
  }

  func record(_ events: [CartTrackerV1.Event], store: String = "shop") async throws {
    let answer = try await tracker.record(.init(store: store, events: events))
    guard answer.stored == UInt32(events.count) else {
      throw Failure(what: "\(answer.stored) of \(events.count) events were stored")
    }
  }

  /// A contact with an e-mail address, a number and consent to both.
  func meet(
    _ contact: String, number: String = "+999123456789", zone: String = "", at second: Int64
  ) async throws {
    let at = Protobuf.Timestamp(seconds: second)
    let profile = CartTrackerV1.ContactProfile(
      givenName: "Änne", familyName: "Ó Súilleabháin", locale: "de", timeZone: zone,
      destinations: [
        .init(channel: .email, address: "\(contact)@replay.invalid", confirmedAt: at),
        .init(channel: .sms, address: number, confirmedAt: at),
      ],
      consents: [CommonV1.Channel.email, .sms].flatMap { channel in
        ["recovery", "tracking"].map {
          .init(channel: channel, purpose: $0, source: "test", givenAt: at, confirmedAt: at)
        }
      })
    try await record([
      Make.event(
        "meet-\(contact)", second, contact: contact, .contactUpserted(.init(profile: profile)))
    ])
  }

  /// What the notifier knows about a contact's messages, oldest first.
  func sent(to contact: String) async throws -> [NotifierV1.OutboundMessage] {
    try await messages.listMessages(.init(store: "shop", contact: contact)).messages.reversed()
  }

  /// The contact's enrolments with their decisions, oldest first.
  func enrolments(of contact: String) async throws -> [SchedulerV1.GetEnrolmentResponse] {
    let list = try await flows.listEnrolments(.init(store: "shop", contact: contact))
    var found: [SchedulerV1.GetEnrolmentResponse] = []
    for enrolment in list.enrolments.reversed() {
      found.append(try await flows.getEnrolment(.init(store: "shop", enrolment: enrolment.id)))
    }
    return found
  }

  /// The contact's only enrolment.
  func enrolment(of contact: String) async throws -> SchedulerV1.GetEnrolmentResponse {
    let found = try await enrolments(of: contact)
    guard let first = found.first, found.count == 1 else {
      throw Failure(what: "\(found.count) enrolments of \(contact)")
    }
    return first
  }
}
