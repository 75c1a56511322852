internal import Messages
internal import Synchronization
internal import Wire

@testable internal import Homing

/// Scheduler, notifier and direct-mail as far as a replay's preparation and counts ask them.
final class FakeFlows: FlowServices {
  struct State {
    /// What was asked, in order.
    var journal: [String] = []
    var flows: [String: SchedulerV1.Flow] = [:]
    var templates: [String: NotifierV1.Template] = [:]
    var letters: [String: DirectMailV1.Template] = [:]
    var printsLetters = false
    var modes: [SchedulerV1.SetModeRequest] = []
    var keys: Set<String> = []
    var report = SchedulerV1.ReportResponse()
    /// Faults that the next check finds.
    var problems: [SchedulerV1.Problem] = []
    var start = SchedulerV1.FlowStart.cartAbandoned
    /// Calls that are answered with UNAVAILABLE first.
    var failures = 0
  }

  let state = Mutex(State())

  func checkFlow(
    _ request: SchedulerV1.CheckFlowRequest
  ) async throws -> SchedulerV1.CheckFlowResponse {
    state.withLock { state in
      state.journal.append("check \(request.store)")
      if !state.problems.isEmpty { return .init(problems: state.problems) }
      return .init(flow: .init(store: request.store, name: "recovery", start: state.start))
    }
  }

  func flow(_ store: String, _ name: String) async throws -> SchedulerV1.Flow? {
    state.withLock { $0.flows[store + "/" + name] }
  }

  func applyFlow(_ request: SchedulerV1.ApplyFlowRequest) async throws -> SchedulerV1.Flow {
    try state.withLock { state in
      state.journal.append("apply \(request.store) on \(request.version)")
      if state.failures > 0 {
        state.failures -= 1
        throw RPCError(.unavailable, "gone")
      }
      state.keys.insert(request.idempotencyKey)
      let flow = SchedulerV1.Flow(
        store: request.store, name: "recovery", version: request.version + 1, text: request.text)
      state.flows[request.store + "/recovery"] = flow
      return flow
    }
  }

  func setMode(_ request: SchedulerV1.SetModeRequest) async throws {
    state.withLock { state in
      state.journal.append("mode \(request.store) \(request.flow)")
      state.keys.insert(request.idempotencyKey)
      state.modes.append(request)
    }
  }

  func report(_ request: SchedulerV1.ReportRequest) async throws -> SchedulerV1.ReportResponse {
    state.withLock { $0.report }
  }

  func template(
    _ store: String, _ name: String, _ locale: String
  ) async throws -> NotifierV1.Template? {
    state.withLock { $0.templates["\(store)/\(name)/\(locale)"] }
  }

  func putTemplate(_ request: NotifierV1.PutTemplateRequest) async throws {
    state.withLock { state in
      state.journal.append("template \(request.store) \(request.template) \(request.locale)")
      state.keys.insert(request.idempotencyKey)
      state.templates["\(request.store)/\(request.template)/\(request.locale)"] =
        NotifierV1.Template(store: request.store, name: request.template)
    }
  }

  var printsLetters: Bool { state.withLock { $0.printsLetters } }

  func letter(
    _ store: String, _ name: String, _ locale: String
  ) async throws -> DirectMailV1.Template? {
    state.withLock { $0.letters["\(store)/\(name)/\(locale)"] }
  }

  func putLetter(_ request: DirectMailV1.PutTemplateRequest) async throws {
    state.withLock { state in
      state.journal.append("letter \(request.store) \(request.template) \(request.locale)")
      state.keys.insert(request.idempotencyKey)
      state.letters["\(request.store)/\(request.template)/\(request.locale)"] =
        DirectMailV1.Template(
          store: request.store, name: request.template, format: request.format,
          text: request.text)
    }
  }
}
