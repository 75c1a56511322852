/// What the reference flow of `TestFlows` does, written down once more and differently: one person,
/// one event after the other. Times in microseconds.
struct ReferenceModel {
  struct Entry: Hashable, CustomStringConvertible {
    let what: String
    let at: Int64
    var description: String { "\(what) @\(at)" }
  }

  enum Wait: Equatable {
    case first(until: Int64)
    case response(until: Int64)
    case afterOpen(until: Int64)
    case last(until: Int64)
    case over
    case refused
  }

  struct Way {
    let cart: String
    let anchor: Int64
    var enteredAt: Int64?
    var wait = Wait.refused
    var isOpened = false
    var log: [Entry] = []
    var end = ""
    var orders: [Int64] = []
  }

  static let day: Int64 = 86_400_000_000
  private(set) var ways: [Way] = []

  /// Lets time pass, up to and with the instant.
  mutating func pass(until now: Int64) {
    for index in ways.indices {
      while let due = due(ways[index].wait), due <= now { decide(&ways[index], due) }
    }
  }

  private func due(_ wait: Wait) -> Int64? {
    switch wait {
    case .first(let until), .response(let until), .afterOpen(let until), .last(let until): until
    case .over, .refused: nil
    }
  }

  private func decide(_ way: inout Way, _ at: Int64) {
    switch way.wait {
    case .first:
      way.log += [
        Entry(what: "first-pause PASSED", at: at), Entry(what: "check PASSED", at: at),
        Entry(what: "first-mail SENT", at: at),
      ]
      way.orders.append(at)
      way.wait = .response(until: at + Self.day)
    case .response where way.isOpened:
      way.log.append(Entry(what: "response PASSED", at: at))
      way.wait = .afterOpen(until: at + Self.day)
    case .response:
      way.log += [
        Entry(what: "response PASSED", at: at), Entry(what: "sms-without-open SENT", at: at),
      ]
      way.orders.append(at)
      way.wait = .last(until: at + 2 * Self.day)
    case .afterOpen:
      way.log += [
        Entry(what: "opened-pause PASSED", at: at), Entry(what: "sms-after-open SENT", at: at),
        Entry(what: "exit ENDED", at: at),
      ]
      way.orders.append(at)
      (way.wait, way.end) = (.over, "FLOW_ENDED")
    case .last:
      way.log += [
        Entry(what: "last-pause PASSED", at: at), Entry(what: "tagged PASSED", at: at),
      ]
      (way.wait, way.end) = (.over, "FLOW_ENDED")
    case .over, .refused: break
    }
  }

  private var running: Int? { ways.firstIndex { due($0.wait) != nil } }

  mutating func giveUp(_ cart: String, at now: Int64) {
    var way = Way(cart: cart, anchor: now - 3_600_000_000)
    let latest = ways.compactMap(\.enteredAt).max()
    if running != nil {
      way.end = "MERGED"
    } else if let latest, now < latest + 7 * Self.day {
      way.end = "RE_ENTRY"
    } else {
      way.enteredAt = now
      way.wait = .first(until: now + Self.day)
    }
    ways.append(way)
  }

  /// Something ends what runs.
  mutating func stop(_ reason: String, at now: Int64, where matches: (Way) -> Bool) {
    guard let index = running, matches(ways[index]) else { return }
    let step =
      switch ways[index].wait {
      case .first: "first-pause"
      case .response: "response"
      case .afterOpen: "opened-pause"
      default: "last-pause"
      }
    ways[index].log.append(Entry(what: "\(step) ENDED", at: now))
    (ways[index].wait, ways[index].end) = (.over, reason)
  }

  /// Whether there is a first message to open or click.
  mutating func open() {
    if let index = running, case .response = ways[index].wait { ways[index].isOpened = true }
  }

  mutating func click(at now: Int64) {
    guard let index = running, case .response = ways[index].wait else { return }
    ways[index].log += [
      Entry(what: "response PASSED", at: now), Entry(what: "help-mail SENT", at: now),
      Entry(what: "exit ENDED", at: now),
    ]
    ways[index].orders.append(now)
    (ways[index].wait, ways[index].end) = (.over, "FLOW_ENDED")
  }
}
