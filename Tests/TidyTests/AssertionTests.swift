internal import Testing

/// Tests that could not fail, and tests that wait for the clock.
enum Assertions {
  private static var assertion: Regex<Substring> {
    #/#(?:expect|require)\b|Issue\.record\b|\b(?:confirmation|expectNone)\(/#
  }
  private static var tautology: Regex<Substring> { #/#expect\((?:Bool\()?(?:true|false)\)/# }
  private static var sleep: Regex<Substring> {
    #/Task\.sleep|Thread\.sleep|(?:^|[^.\w])(?:usleep|nanosleep|sleep)\(/#
  }

  /// - Parameter files: of one test target, with their paths.
  static func findings(_ files: [(path: String, text: String)]) -> [Finding] {
    let sources = files.map { ($0.path, SwiftSource.of($0.text)) }
    let asserting = assertingNames(sources.flatMap { $1.functions })
    return sources.flatMap { path, source in
      let silent = tests(source).filter { !asserts($0.body, asserting) }
        .map { Finding(path, $0.line, "\($0.name) asserts nothing") }
      let always = source.lines(matching: tautology)
        .map { Finding(path, $0, "cannot fail") }
      let sleeping = source.lines(matching: sleep).map { Finding(path, $0, "sleeps") }
      return silent + always + sleeping
    }
  }

  /// The functions that a `@Test` stands before.
  static func tests(_ source: SwiftSource) -> [SwiftSource.Function] {
    source.functions.filter { function in
      let above = source.code[..<(function.line - 1)].reversed()
      let isMarked = source.code[function.line - 1].contains("@Test")
      // The attribute with its title and arguments ends where the declaration begins.
      let attribute = above.prefix { line in
        !line.isEmpty && !line.hasPrefix("  }") && !line.hasSuffix("{") && !line.contains("func ")
      }
      return isMarked || attribute.contains { $0.contains("@Test") }
    }
  }

  /// Names of functions that assert, or call one that does.
  private static func assertingNames(_ functions: [SwiftSource.Function]) -> Set<String> {
    var names: Set<String> = []
    while true {
      let more = functions.filter { asserts($0.body, names) }.map(\.name)
      let all = names.union(more).subtracting(["", "init"])
      if all == names { return names }
      names = all
    }
  }

  private static func asserts(_ body: String, _ names: Set<String>) -> Bool {
    body.contains(assertion)
      || body.drop { $0 != "{" }.matches(of: #/(\w+)\(/#).contains { names.contains(String($0.1)) }
  }
}

@Suite struct AssertionTests {
  @Test("Every test asserts something that can fail, and none sleeps")
  func holds() throws {
    let files = try Repository.handWritten.filter { $0.path.hasPrefix("Tests/") }
    let targets = Dictionary(grouping: files) { $0.path.split(separator: "/")[1] }
    #expect(targets.count >= 5)
    for (_, files) in targets.sorted(by: { $0.key < $1.key }) {
      expectNone(Assertions.findings(files.map { ($0.path, $0.text) }))
    }
  }

  @Test("Tests are recognised by the attribute before them")
  func recognises() {
    let source = SwiftSource(
      """
      @Suite struct ATests {
        @Test func one() {}

        @Test(
          "A title", arguments: [
            1, 2,
          ])
        func two(a: Int) throws {
        }
        func none() {
        }
        @Test("A title")
        func three() {}
      }
      """)
    #expect(Assertions.tests(source).map(\.name) == ["one", "two", "three"])
  }

  @Test("A test that asserts nothing, cannot fail or sleeps is found")
  func finds() {
    let text = """
      @Test func silent() { print("#expect(a)") }

      @Test func called() { check() }

      @Test func direct() throws { #expect(a == b) }

      @Test func always() { #expect(Bool(true)) }

      @Test func sleeps() async throws { try await Task.sleep(for: .seconds(1)); #expect(a) }

      func check() { deeper() }

      func deeper() { Issue.record() }
      """
    #expect(Assertions.findings([("A.swift", text)]).map(\.line) == [1, 7, 9])
  }
}
