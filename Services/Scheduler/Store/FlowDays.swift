internal import Delivery
internal import Messages
internal import Storage

/// Days of flows as one transaction has them: read once, written at its end.
struct FlowDays {
  private var days: [FlowRegistry.Name: FlowDay] = [:]
  private var changed: Set<FlowRegistry.Name> = []

  mutating func day(
    of name: FlowRegistry.Name, _ session: any StorageSession
  ) throws -> FlowDay {
    if let known = days[name] { return known }
    let day =
      try session.first(LimitStatements.flowDay, FlowDays.key(name)) {
        FlowDay(day: try $0.integer(0), sent: try $0.integer(1), isHalted: try $0.integer(2) == 1)
      } ?? FlowDay()
    days[name] = day
    return day
  }

  mutating func put(_ day: FlowDay, of name: FlowRegistry.Name) {
    days[name] = day
    changed.insert(name)
  }

  /// Begins the count anew, as somebody resumed the flow.
  mutating func end(of name: FlowRegistry.Name, _ session: any StorageSession) throws {
    days[name] = nil
    changed.remove(name)
    try session.execute(LimitStatements.endFlowDay, FlowDays.key(name))
  }

  func write(_ session: any StorageSession) throws {
    for name in changed.sorted() {
      guard let day = days[name] else { continue }
      try session.execute(
        LimitStatements.putFlowDay,
        FlowDays.key(name) + [.integer(day.day), .integer(day.sent), .flag(day.isHalted)])
    }
  }

  /// Buckets that `write` writes to.
  var buckets: Set<UInt8> { Set(changed.map { FlowDays.owner($0).bucket }) }

  static func owner(_ name: FlowRegistry.Name) -> OwnerKey {
    OwnerKey(scope: name.store, kind: .flow, id: name.flow)
  }

  private static func key(_ name: FlowRegistry.Name) -> [SQLValue] {
    [owner(name).bucketValue, .text(name.store), .text(name.flow)]
  }
}

/// A flow that reached its ceiling, and is paused.
struct HaltedFlow: Sendable, Equatable {
  let name: FlowRegistry.Name
  let ceiling: Int64
  let pause: CommonV1.Pause
}

extension Writing {
  /// Pauses a flow that has ordered as much as it may in a day; somebody has to resume it (F20).
  func halt(_ name: FlowRegistry.Name, ceiling: Int64) throws {
    var day = try days.day(of: name, session)
    if day.isHalted { return }
    day.isHalted = true
    days.put(day, of: name)
    let request = SchedulerV1.PauseRequest(
      idempotencyKey: "ceiling", store: name.store, flow: name.flow,
      note: "the ceiling of \(ceiling) orders a day was reached")
    let pause = try PauseStore.hold(
      PauseScope(request), request, by: PauseStore.automatic, self)
    halted.append(HaltedFlow(name: name, ceiling: ceiling, pause: pause))
  }

  /// Somebody resumed exactly this flow: it may order as much as in a day once more.
  func resumeDay(of name: FlowRegistry.Name) throws {
    try fence(FlowDays.owner(name).bucket)
    try days.end(of: name, session)
  }
}
