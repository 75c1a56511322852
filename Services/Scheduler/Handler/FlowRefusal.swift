internal import Messages
internal import Wire

/// How flows that cannot be used are refused.
enum FlowRefusal {
  static let notFound = RPCError(.notFound, "the store has no such flow, or no such version of it")

  /// INVALID_ARGUMENT, each violation naming `line:column field`.
  static func error(_ problems: [SchedulerV1.Problem]) -> RPCError {
    let first = problems.first.map(FlowRefusal.text) ?? ""
    return RPCError(
      .invalidArgument, "the flow has \(problems.count) faults; the first: \(first)",
      fieldViolations: problems.prefix(32).map { problem in
        .init(field: "\(problem.line):\(problem.column) \(problem.field)", detail: problem.problem)
      })
  }

  private static func text(_ problem: SchedulerV1.Problem) -> String {
    "\(problem.line):\(problem.column) \(problem.field): \(problem.problem)"
  }
}
