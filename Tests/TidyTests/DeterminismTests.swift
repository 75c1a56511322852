internal import Testing

/// What a service must be given instead of taking it: time, chance, identity, threads.
///
/// A simulation can then run all services in one process and repeat a run from its seed.
enum Determinism {
  /// A pattern with the reason why code does without it.
  private static var banned: [(Regex<Substring>, String)] {
    [
      (#/(?:^|[^A-Za-z_])Task(?:<[^>]*>)?\s*(?:\([^)]*\)\s*)?\{/#, "a task outside any scope"),
      (#/Task\.(?:detached|init)\b/#, "a task outside any scope"),
      (#/Task\.sleep|\b(?:usleep|nanosleep)\(/#, "a clock that nobody passed in"),
      (#/\bDate\(\)|\bDate\.now\b/#, "a clock that nobody passed in"),
      (#/\bUUID\(\)/#, "chance that nobody passed in"),
      (
        #/\.random\(|\.(?:randomElement|shuffled|shuffle)\(\)|SystemRandomNumberGenerator/#,
        "chance that nobody passed in"
      ),
      (
        #/\bDispatch(?:Queue|Source|Group|Semaphore)\b|import Dispatch\b/#,
        "threads beside the loops"
      ),
    ]
  }

  /// Uses that are as they must be: a path with the text of the line, and why.
  static let allowed: [(path: String, line: String, why: String)] = []

  static func findings(_ path: String, _ text: String) -> [Finding] {
    if path.hasPrefix("Shared/ServiceKit/") { return [] }
    if !path.hasPrefix("Shared/") && !path.hasPrefix("Services/") { return [] }
    let source = SwiftSource.of(text)
    return banned.flatMap { pattern, reason in
      source.lines(matching: pattern).map { ($0, reason) }
    }.filter { line, _ in
      !allowed.contains { $0.path == path && source.lines[line - 1].contains($0.line) }
    }.map { Finding(path, $0, "\($1): \(source.lines[$0 - 1].drop { $0 == " " })") }
  }
}

@Suite struct DeterminismTests {
  @Test("Nothing in Shared and Services takes time, chance or threads that it was not given")
  func holds() throws {
    let files = try Repository.files.filter { $0.path.hasSuffix(".swift") }
    expectNone(files.flatMap { Determinism.findings($0.path, $0.text) })
  }

  @Test("Each allowed use still stands where it is said to stand")
  func allowedAreInUse() throws {
    let files = try Repository.files
    for use in Determinism.allowed {
      let file = files.first { $0.path == use.path }
      #expect(file?.text.contains(use.line) == true, "\(use.path): \(use.line)")
      #expect(!use.why.isEmpty)
    }
    #expect(Determinism.allowed.count < 5)
  }

  @Test(
    "Each banned use is found",
    arguments: [
      "Task {", "  let a = Task { b }", "Task(priority: .high) {", "Task<Void, Never> {",
      "Task.detached {", "try await Task.sleep(for: a)", "let now = Date()", "Date.now", "UUID()",
      "Int.random(in: a)", "list.shuffled()", "SystemRandomNumberGenerator()",
      "DispatchQueue.main", "internal import Dispatch", "usleep(1)",
    ])
  func finds(line: String) {
    #expect(Determinism.findings("Shared/Wire/A.swift", "\n\(line)\n").map(\.line) == [2])
    #expect(Determinism.findings("Shared/ServiceKit/A.swift", line) == [])
    #expect(Determinism.findings("Tests/WireTests/A.swift", line) == [])
  }

  @Test(
    "What only looks like a banned use is left alone",
    arguments: [
      "group.addTask { a }", "Task.immediate { a }", "// Task {", "\"Date()\"", "Task.isCancelled",
      "list.shuffled(using: &random)", "struct UUIDText {}",
    ])
  func leavesAlone(line: String) {
    #expect(Determinism.findings("Services/Homing/A.swift", line) == [])
  }
}
