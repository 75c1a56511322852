internal import ArgumentParser
internal import DynamicMessages
internal import Messages
internal import Stubs
internal import Transport
internal import Wire

/// `homing audit records`: every episode has exactly one enrolment in each flow, and every step met
/// exactly one record (F19, X01).
struct AuditRecordsCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "records",
    abstract: "Check that every episode and every step met has exactly one record.",
    discussion: """
      Reads every episode of the store from cart-tracker, every enrolment and every decision from \
      the scheduler. Missing or double ones are named; the command \
      then ends with an error. To be run when nothing is under way, as after a replay.
      """)

  @OptionGroup var of: AuditedStore
  @Option(help: "The flow, which starts from abandoned carts.") var flow: String
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    let found = try await of.call { try await check($0, $1) }
    if output.isJSON {
      Terminal.print(output.line(found.json))
    } else {
      for line in found.lines { Terminal.print(Printable.text(line)) }
    }
    if !found.faults.isEmpty {
      throw CommandError.usage("\(found.faultCount) records are missing or there twice")
    }
  }

  func check(
    _ scheduler: SchedulerCaller, _ tracker: TrackerCaller
  ) async throws -> RecordCheck {
    var check = RecordCheck()
    try await ListPages.each(limit: 0) { page in
      let answer = try await tracker.client.listEpisodes(
        .init(store: of.at.store, page: page), options: tracker.options)
      return (answer.episodes, answer.next)
    } _: { episodes in
      for episode in episodes where !episode.contact.isEmpty { check.add(episode) }
    }
    try await ListPages.each(limit: 0) { page in
      let answer = try await scheduler.client.listEnrolments(
        .init(store: of.at.store, page: page, flow: flow), options: scheduler.options)
      return (answer.enrolments, answer.next)
    } _: { enrolments in
      for enrolment in enrolments { check.add(enrolment) }
    }
    try await ListPages.each(limit: 0) { page in
      let answer = try await scheduler.client.listDecisions(
        .init(store: of.at.store, page: page, flow: flow), options: scheduler.options)
      return (answer.decisions, answer.next)
    } _: { decisions in
      for decision in decisions { check.add(decision) }
    }
    check.finish()
    return check
  }
}
