internal import Messages
internal import Storage
internal import Synchronization

/// Versions of flows as they were applied, ready to be followed. The newest of each is read at the
/// start, older ones when an enrolment needs them.
final class FlowRegistry: Sendable {
  struct Name: Hashable, Comparable, Sendable {
    let store: String
    let flow: String

    static func < (left: Name, right: Name) -> Bool {
      left.store != right.store ? left.store < right.store : left.flow < right.flow
    }
  }

  /// A version with what is known about its file.
  struct Entry: Sendable {
    let version: FlowVersion
    let text: String
    let author: String
    let appliedAt: Int64
  }

  /// That a version may go live (F21).
  struct Approval: Sendable {
    let approver: String
    let at: Int64
  }

  private struct State {
    var approvals: [Name: [UInt32: Approval]] = [:]
    var newest: [Name: Entry] = [:]
    var older: [Name: [UInt32: Entry]] = [:]
  }

  private let state = Mutex(State())

  /// Reads the newest versions and every approval; before anything else. Blocks.
  func load(_ engine: any StorageEngine) throws {
    let entries = try engine.read { session in
      try session.rows(BrakeStatements.approvals, []) { row in
        approve(
          try row.text(1), UInt32(truncatingIfNeeded: try row.integer(2)), in: try row.text(0),
          Approval(approver: try row.text(3), at: try row.integer(4)))
        return true
      }
      return try session.all(SchedulerStatements.newestFlows) { try FlowRegistry.entry($0) }
    }
    for entry in entries { put(entry) }
  }

  /// A version may go live, as was just stored.
  func approve(_ flow: String, _ number: UInt32, in store: String, _ approval: Approval) {
    state.withLock { state in
      state.approvals[Name(store: store, flow: flow), default: [:]][number] = approval
    }
  }

  /// Nil: the version cannot go live.
  func approval(_ flow: String, _ number: UInt32, in store: String) -> Approval? {
    state.withLock { $0.approvals[Name(store: store, flow: flow)]?[number] }
  }

  /// A version that was just stored.
  func put(_ entry: Entry) {
    let name = Name(store: entry.version.store, flow: entry.version.name)
    state.withLock { state in
      if let before = state.newest[name], before.version.number != entry.version.number {
        state.older[name, default: [:]][before.version.number] = before
      }
      state.newest[name] = entry
    }
  }

  func newest(_ flow: String, in store: String) -> Entry? {
    state.withLock { $0.newest[Name(store: store, flow: flow)] }
  }

  /// The newest version of each flow of a store, by name.
  func all(in store: String) -> [Entry] {
    state.withLock { state in
      state.newest.filter { $0.key.store == store }.sorted { $0.key < $1.key }.map(\.value)
    }
  }

  /// One version; nil where it does not exist. Reads it from the table where it is not known.
  func entry(
    _ flow: String, _ number: UInt32, in store: String, _ session: any StorageSession
  ) throws -> Entry? {
    let name = Name(store: store, flow: flow)
    let known = state.withLock { state -> Entry? in
      if let newest = state.newest[name], newest.version.number == number { return newest }
      return state.older[name]?[number]
    }
    if let known { return known }
    let values: [SQLValue] = [.text(store), .text(flow), .integer(number)]
    let entry = try session.first(SchedulerStatements.flow, values) { try FlowRegistry.entry($0) }
    if let entry { state.withLock { $0.older[name, default: [:]][number] = entry } }
    return entry
  }

  /// The newest version as the table has it.
  func newest(
    _ flow: String, in store: String, _ session: any StorageSession
  ) throws -> Entry? {
    try session.first(SchedulerStatements.newestFlow, [.text(store), .text(flow)]) {
      try FlowRegistry.entry($0)
    }
  }

  /// The version that an enrolment is in.
  func version(
    of enrolment: Enrolment, _ session: any StorageSession
  ) throws -> FlowVersion {
    let entry = try entry(enrolment.flow, enrolment.version, in: enrolment.store, session)
    guard let entry else {
      throw StorageError(
        .corrupt, "an enrolment is in version \(enrolment.version) of a flow without that version")
    }
    return entry.version
  }

  private static func entry(_ row: Row) throws -> Entry {
    let (store, author, text) = (try row.text(0), try row.text(3), try row.text(5))
    let appliedAt = try row.integer(4)
    guard let number = UInt32(exactly: try row.integer(2)) else {
      throw StorageError(.corrupt, "a row of flow_version is out of range")
    }
    do throws(FlowProblems) {
      return Entry(
        version: FlowVersion(
          store: store, number: number, definition: try FlowReader.read(text)),
        text: text, author: author, appliedAt: appliedAt)
    } catch {
      throw StorageError(
        .newer, "version \(number) of a flow that was applied is no flow to this program: \(error)")
    }
  }
}
