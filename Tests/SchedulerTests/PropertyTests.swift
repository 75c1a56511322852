internal import Messages
internal import ServiceKit
internal import Storage
internal import TestSupport
internal import Testing

@testable internal import Scheduler

@Suite struct PropertyTests {
  private static let day = SchedulerFixture.day
  private static let contacts = ["ann", "bob", "cy", "dee", "eve"]

  enum Happening {
    case giveUp(cart: String)
    case reopen
    case buy
    case open
    case click
    case handOver
  }

  struct Event {
    let at: Int64
    let contact: String
    let what: Happening
  }

  /// Thirty days of five people.
  private static func script(_ chance: inout SplitMix64) -> [Event] {
    let times = Set((0..<150).map { _ in Int64.random(in: 1...(30 * day), using: &chance) })
      .sorted()
    return times.enumerated().map { index, at in
      let contact = contacts[Int.random(in: 0..<contacts.count, using: &chance)]
      let what: Happening =
        switch Int.random(in: 0..<12, using: &chance) {
        case 0...4: .giveUp(cart: "c\(index)")
        case 5: .reopen
        case 6: .buy
        case 7, 8: .open
        case 9: .click
        default: .handOver
        }
      return Event(at: SchedulerFixture.start + at, contact: contact, what: what)
    }
  }

  /// Plays a script; what a happening is about depends on what was made so far.
  private static func play(_ script: [Event], _ fixture: SchedulerFixture) throws {
    for event in script {
      try fixture.advance(to: event.at)
      let latest = try fixture.enrolments.last {
        $0.contact == event.contact && $0.phase == .waiting
      }
      let order = try fixture.orders.last {
        $0.enrolment == latest?.id.text && $0.step == "first-mail"
      }
      switch event.what {
      case .giveUp(let cart): try fixture.take([fixture.episode(event.contact, cart: cart)])
      case .reopen:
        guard let latest else { continue }
        try fixture.take([
          fixture.episode(event.contact, cart: latest.cart, state: .reopened, revision: 2)
        ])
      case .buy: try fixture.take([fixture.purchase(event.contact, order: "o\(event.at)")])
      case .open: if let order { try fixture.tell(.opened, of: order) }
      case .click: if let order { try fixture.tell(.clicked, of: order) }
      case .handOver: if let order { try fixture.tell(.handedOver, of: order) }
      }
      try fixture.settle()
    }
    try fixture.advance(to: SchedulerFixture.start + 45 * day)
  }

  private static func expected(_ script: [Event]) -> [String: ReferenceModel] {
    var models = Dictionary(uniqueKeysWithValues: contacts.map { ($0, ReferenceModel()) })
    for event in script {
      var model = models[event.contact] ?? ReferenceModel()
      model.pass(until: event.at)
      switch event.what {
      case .giveUp(let cart): model.giveUp(cart, at: event.at)
      case .reopen: model.stop("CART_ACTIVE", at: event.at) { _ in true }
      case .buy: model.stop("PURCHASED", at: event.at) { $0.anchor < event.at }
      case .open: model.open()
      case .click: model.click(at: event.at)
      case .handOver: break
      }
      models[event.contact] = model
    }
    for contact in contacts { models[contact]?.pass(until: SchedulerFixture.start + 45 * day) }
    return models
  }

  @Test("Thirty days of random events end as a small model says, step by step", arguments: 0..<12)
  func model(seed: UInt64) throws {
    var chance = SplitMix64(seed: seed)
    let script = Self.script(&chance)
    let folder = try TemporaryFolder()
    var options = SQLiteOptions()
    options.flushes = false
    let engine =
      seed % 2 == 0
      ? try SQLiteEngine.inMemory() : try SQLiteEngine.file(folder.file("s.db"), options)
    defer { engine.close() }
    let fixture = try SchedulerFixture(engine: engine, rowsMax: [1, 5, 4096][Int(seed % 3)])
    try fixture.apply(TestFlows.reference)
    try Self.play(script, fixture)
    let models = Self.expected(script)
    let version = try #require(fixture.flows.newest("reference", in: "shop")).version
    for contact in Self.contacts {
      let ways = models[contact]?.ways ?? []
      let enrolments = try fixture.enrolments.filter { $0.contact == contact }
      #expect(enrolments.map(\.cart) == ways.map(\.cart))
      for (enrolment, way) in zip(enrolments, ways) {
        let log = enrolment.visits.map { visit in
          let name = version.name(of: visit.step)
          let step = name.hasPrefix("exit") || name.contains("exit") ? "exit" : name
          let verdict = "\(visit.verdict)".replacing("VERDICT_", with: "")
          return ReferenceModel.Entry(what: "\(step) \(verdict)", at: visit.decidedAt)
        }
        #expect(log == way.log, "\(contact) \(way.cart)")
        let reason = "\(enrolment.reason)".replacing("REASON_CODE_", with: "")
        #expect(reason == (way.end.isEmpty ? "UNSPECIFIED" : way.end))
      }
    }
    try Self.checkInvariants(fixture)
  }

  /// What holds whatever happened.
  private static func checkInvariants(_ fixture: SchedulerFixture) throws {
    let enrolments = try fixture.enrolments
    let decisions = Dictionary(grouping: try fixture.decisions, by: \.enrolment)
    for enrolment in enrolments {
      let own = decisions[enrolment.id.text] ?? []
      #expect(own.count == enrolment.visits.count, "one record for each step met (F19)")
      #expect(Set(own.map(\.step)).count == own.count)
      #expect(Set(own.map(\.id)).count == own.count)
    }
    let orders = try fixture.orders
    #expect(Set(orders.map(\.id)).count == orders.count)
    #expect(orders.count == decisions.values.joined().count { $0.verdict == .sent })
  }

  @Test("The same rows in any split of calls and batches give the same decisions", arguments: 0..<8)
  func splits(seed: UInt64) throws {
    var results: [[String]] = []
    for run in 0..<3 {
      var chance = SplitMix64(seed: seed)
      let fixture = try SchedulerFixture(rowsMax: [4096, 1, 3][run])
      try fixture.apply(TestFlows.reference)
      for _ in 0..<20 {
        var changes: [CartTrackerV1.Change] = []
        for contact in Self.contacts {
          switch Int.random(in: 0..<6, using: &chance) {
          case 0, 1: changes.append(fixture.episode(contact, cart: "c\(fixture.now)"))
          case 2: changes.append(fixture.purchase(contact, order: "o\(fixture.now)"))
          case 3: changes.append(fixture.link(contact, "\(contact)2"))
          default: break
          }
        }
        switch run {
        case 0: try fixture.take(changes)
        case 1: for change in changes { try fixture.take([change]) }
        default:
          try fixture.take(Array(changes.prefix(2)))
          try fixture.take(Array(changes.dropFirst(2)))
        }
        try fixture.advance(by: Int64.random(in: 1...(3 * Self.day), using: &chance))
      }
      results.append(
        try fixture.decisions.map {
          "\($0.id) \($0.step) \($0.verdict) \($0.reason) \($0.decidedAt?.seconds ?? 0)"
        })
    }
    #expect(results[0] == results[1])
    #expect(results[0] == results[2])
    #expect(!results[0].isEmpty)
  }
}
