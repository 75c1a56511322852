internal import DynamicMessages
internal import Messages
internal import ServiceKit

/// What a replay prints at its end.
struct ReplayCounts: Hashable, Sendable {
  /// Of the file, readable or not.
  var rows: UInt64 = 0
  var refused: UInt64 = 0
  var carts: UInt64 = 0
  var episodes: UInt64 = 0
  var abandonedCarts: UInt64 = 0
  var reopened: UInt64 = 0
  var recovered: UInt64 = 0
  var purchased: UInt64 = 0
  var emptied: UInt64 = 0
  var openAtEnd: UInt64 = 0
  var digest = ""
  /// What a flow has done; nil without one.
  var flow: FlowCounts?

  mutating func add(_ counts: CartTrackerV1.CartCounts) {
    carts += counts.carts
    episodes += counts.episodes
    abandonedCarts += counts.abandonedCarts
    reopened += counts.reopened
    recovered += counts.recovered
    purchased += counts.purchased
    emptied += counts.emptied
    openAtEnd += counts.open
  }

  private var named: [(name: String, count: UInt64)] {
    [
      ("rows", rows), ("refused", refused), ("carts", carts), ("episodes", episodes),
      ("abandoned_carts", abandonedCarts), ("reopened", reopened), ("recovered", recovered),
      ("purchased", purchased), ("emptied", emptied), ("open_at_end", openAtEnd),
    ]
  }

  var json: JSONValue {
    let members = named.map { JSONMember($0.name, .number("\($0.count)")) }
    let flow = flow ?? FlowCounts()
    let others = [
      JSONMember("digest", .string(digest)),
      JSONMember("messages", ReplayCounts.object(flow.messages)),
      JSONMember("letters", .number("\(flow.letters)")),
      JSONMember("reasons", ReplayCounts.object(flow.reasons)),
    ]
    return .object(members + others)
  }

  private static func object(_ counts: [String: [String: UInt64]]) -> JSONValue {
    .object(
      counts.sorted { $0.key < $1.key }.map { name, inner in
        JSONMember(
          name,
          .object(
            inner.sorted { $0.key < $1.key }.map { JSONMember($0.key, .number("\($0.value)")) }))
      })
  }

  var table: Table {
    var table = Table([("WHAT", .left), ("COUNT", .right)])
    for (name, count) in named {
      table.add([String(name.map { $0 == "_" ? " " : $0 }), "\(count)"])
    }
    table.add(["digest", digest])
    guard let flow else { return table }
    for (channel, templates) in flow.messages.sorted(by: { $0.key < $1.key }) {
      for (template, count) in templates.sorted(by: { $0.key < $1.key }) {
        table.add(["\(channel) \(template)", "\(count)"])
      }
    }
    table.add(["letters", "\(flow.letters)"])
    for (step, reasons) in flow.reasons.sorted(by: { $0.key < $1.key }) {
      for (reason, count) in reasons.sorted(by: { $0.key < $1.key }) {
        table.add(["\(step): \(String(reason.map { $0 == "_" ? " " : $0 }))", "\(count)"])
      }
    }
    return table
  }
}

/// The episodes of several stores in order of time, page by page.
struct EpisodeReader {
  private struct Lane {
    let store: String
    var episodes: ArraySlice<CartTrackerV1.Episode> = []
    var after = ""
    var isAtEnd = false
  }

  private let services: any ReplayServices
  private var lanes: [Lane]

  init(_ services: any ReplayServices, stores: [String]) {
    self.services = services
    lanes = stores.map { Lane(store: $0) }
  }

  mutating func next() async throws -> CartTrackerV1.Episode? {
    var earliest: (index: Int, at: Int64)?
    for index in lanes.indices {
      try await fill(index)
      guard let at = lanes[index].episodes.first?.abandonedAt?.microseconds else { continue }
      if at < earliest?.at ?? .max { earliest = (index, at) }
    }
    guard let earliest else { return nil }
    return lanes[earliest.index].episodes.removeFirst()
  }

  private mutating func fill(_ index: Int) async throws {
    while lanes[index].episodes.isEmpty && !lanes[index].isAtEnd {
      let lane = lanes[index]
      let answer = try await services.listEpisodes(
        .init(store: lane.store, page: .init(limit: 1000, after: lane.after), query: .init()))
      // An episode without its instant would stand before all others for ever.
      lanes[index].episodes = answer.episodes.filter { $0.abandonedAt != nil }[...]
      lanes[index].after = answer.next
      lanes[index].isAtEnd = answer.next.isEmpty
    }
  }
}

/// The digest of all episodes: the first 16 hexadecimal digits of SHA-256 over the lines
/// `SECOND,PERSON\n`, in order of second and person's text.
struct EpisodeDigest: ~Copyable {
  private var hash = SHA256()
  private var second = Int64.min
  /// Of that second, not yet hashed.
  private var people: [String] = []

  init() {}

  /// - Parameter episode: not earlier than the one before.
  mutating func add(_ episode: CartTrackerV1.Episode) {
    guard let at = episode.abandonedAt, episode.state != .withdrawn else { return }
    if at.seconds != second {
      flush()
      second = at.seconds
    }
    people.append(episode.contact.isEmpty ? episode.guest : episode.contact)
  }

  consuming func finish() -> String {
    flush()
    return HexText.text(hash.finish().prefix(8))
  }

  private mutating func flush() {
    people.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    for person in people { hash.update(Array("\(second),\(person)\n".utf8)) }
    people.removeAll(keepingCapacity: true)
  }
}

extension ReplayCounts {
  /// Asks the services for everything that the replay has left behind.
  static func read(
    _ services: any ReplayServices, _ survey: FileSurvey, _ progress: ReplayProgress
  ) async throws -> ReplayCounts {
    var counts = ReplayCounts()
    counts.rows = survey.rowCount
    counts.refused = survey.refusedCount + UInt64(progress.refusedRows.count)
    for store in survey.stores { counts.add(try await services.countCarts(store)) }
    var reader = EpisodeReader(services, stores: survey.stores)
    var digest = EpisodeDigest()
    while let episode = try await reader.next() { digest.add(episode) }
    counts.digest = digest.finish()
    if let flows = services.flows {
      counts.flow = try await FlowCounts.read(flows, stores: survey.stores)
    }
    return counts
  }
}
