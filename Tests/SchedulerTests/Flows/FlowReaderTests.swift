internal import Foundation
internal import Messages
internal import Testing

@testable internal import Scheduler

@Suite struct FlowReaderTests {
  /// A text that is right, as a base of faulty ones.
  static let small = """
    flow: small
    start: cart abandoned
    steps:
      - pause: 1 day
      - send e-mail: hello
        name: mail

    """

  static func read(_ text: String) throws -> FlowDefinition { try FlowReader.read(text) }

  static func problems(_ text: String) -> [FlowProblem] {
    do {
      _ = try FlowReader.read(text)
      return []
    } catch {
      return error.list
    }
  }

  @Test("F14 A flow is read with its name, start, rules and steps")
  func whole() throws {
    let flow = try Self.read(
      """
      flow: whole
      start: { tag added: AB CART }
      when: cart.total >= 20 EUR and not bought
      re-entry: 2 weeks
      max age: 12 hours
      steps:
        - pause: { for: 1 day, until: monday 09:00 }
        - send e-mail:
            template: hello
            expires: 3 days
            purpose: feedback
            parameters: { headline: "10", discount: 10, big: yes, price: 9.50 EUR, name: x y }
            copies: [a@b.example]
            if not sent: exit
          name: mail
        - tag: { add: [A, B], remove: C }
        - incentive: { give: 12.5 %, code: SAVE, valid for: 14 days }
        - send webhook: { template: hook, to: crm }
        - exit

      """)
    #expect(flow.name == "whole")
    #expect(flow.start == .tagAdded("AB CART"))
    #expect(flow.reEntry == 14 * PlainValues.day)
    #expect(flow.maxAge == 12 * PlainValues.hour)
    #expect(flow.first == 0)
    #expect(
      flow.steps.map(\.name)
        == ["pause-1", "mail", "exit-2.else.1", "tag-3", "incentive-4", "webhook-5", "exit-6"])
    #expect(flow.steps.map(\.line) == [7, 8, 14, 16, 17, 18, 19])
    #expect(flow.steps.map(\.next) == [1, 3, nil, 4, 5, 6, nil])
    guard case .pause(let pause) = flow.steps[0].action,
      case .send(let send) = flow.steps[1].action
    else { throw Unexpected() }
    #expect(
      pause == Pause(period: .span(PlainValues.day), until: .init(minute: 540, weekday: 1)))
    #expect(send.expires == 3 * PlainValues.day)
    #expect(send.purpose == "feedback")
    #expect(send.fallback?.then == 2)
    #expect(
      send.parameters == [
        .init(name: "headline", value: .text("10")), .init(name: "discount", value: .number(10)),
        .init(name: "big", value: .flag(true)),
        .init(
          name: "price",
          value: .money(.init(currencyCode: "EUR", units: 9, nanos: 500_000_000))),
        .init(name: "name", value: .text("x y")),
      ])
  }

  struct Unexpected: Error {}

  @Test(
    "F01 A flow starts from an abandoned cart, a tag, a profile change, a signal or a schedule",
    arguments: [
      ("cart abandoned", FlowDefinition.Start.cartAbandoned),
      ("{ tag added: AB CART }", .tagAdded("AB CART")), ("profile changed", .profileChanged([])),
      ("{ profile changed: [segment, locale] }", .profileChanged(["segment", "locale"])),
      ("{ signal: back-in-stock }", .signal("back-in-stock")),
      (
        "{ schedule: { first: 2026-12-01T09:00:00+01:00, every: 1 month } }",
        .schedule(.init(firstAt: 1_796_112_000_000_000, period: .months(1)))
      ),
    ])
  func starts(text: String, start: FlowDefinition.Start) throws {
    let flow = try Self.read(
      Self.small.replacing("start: cart abandoned", with: "start: \(text)"))
    #expect(flow.start == start)
  }

  @Test("F02 After a branch the way leads to the step below, unless it goes elsewhere")
  func ways() throws {
    let flow = try Self.read(
      """
      flow: ways
      start: cart abandoned
      steps:
        - evaluate data:
            - when: bought
              then: exit
            - when: has phone
              then:
                - pause: 1 hour
            - none matched: go on
        - send sms: one
          name: one
        - evaluate event:
            of: one
            within: 1 hour
            clicked: go on
            delivered:
              - go to: last
        - pause: 2 hours
        - send sms: two
          name: last

      """)
    let names = flow.steps.map(\.name)
    func name(_ index: Int?) -> String { index.map { names[$0] } ?? "end" }
    guard case .evaluateData(let data) = flow.steps[0].action,
      case .evaluateEvent(let event) = flow.steps[4].action
    else { throw Unexpected() }
    #expect(data.map { name($0.then) } == ["exit-1.1.1", "pause-1.2.1"])
    #expect(data.map(\.label) == ["bought", "has phone"])
    #expect(name(flow.steps[0].next) == "one")
    #expect(name(flow.steps[2].next) == "one")
    #expect(name(event.of) == "one")
    #expect(event.branches.map(\.outcome) == [.clicked, .delivered])
    #expect(event.branches.map { name($0.then) } == ["pause-4", "last"])
    #expect(name(flow.steps[4].next) == "pause-4")
    #expect(name(flow.steps[6].next) == "end")
  }

  @Test("F14 The same text gives the same names, and a step deep down has a short one")
  func names() throws {
    var text = "flow: deep\nstart: cart abandoned\nsteps:\n"
    for depth in 0..<15 {
      let space = String(repeating: "      ", count: depth)
      text += "\(space)  - evaluate data:\n\(space)      - when: bought\n\(space)        then:\n"
    }
    text += String(repeating: "      ", count: 15) + "  - pause: 1 day\n"
    let first = try Self.read(text).steps.map(\.name)
    #expect(first == (try Self.read(text).steps.map(\.name)))
    #expect(first.allSatisfy { $0.utf8.count <= 64 })
    #expect(Set(first).count == 16)
    #expect(first[1] == "data-1.1.1")
  }

  @Test("F14 A file of another system, with its line ends and its mark, is the same flow")
  func systems() throws {
    let text = Self.small.replacing("1 day", with: "1 dy")
    let problem = Self.problems(text).map(\.description)
    #expect(Self.problems(text.replacing("\n", with: "\r\n")).map(\.description) == problem)
    #expect(Self.problems("\u{FEFF}" + text).map(\.description) == problem)
    #expect(try Self.read("\u{FEFF}" + Self.small.replacing("\n", with: "\r\n")).steps.count == 2)
  }

  @Test("F14 Text is never read as something else: times, yes and numbers are what the field says")
  func plainWords() throws {
    let flow = try Self.read(
      """
      flow: 2026
      start: { tag added: yes }
      steps:
        - pause: { until: 09:00 }
        - tag: { add: [1e3, null, 0x10] }

      """)
    #expect(flow.name == "2026")
    #expect(flow.start == .tagAdded("yes"))
    guard case .tag(let added, _) = flow.steps[1].action else { throw Unexpected() }
    #expect(added == ["1e3", "null", "0x10"])
  }

  @Test("F14 A file may be 256 KiB, 500 steps and 16 levels large, and no larger")
  func limits() throws {
    func flow(_ count: Int) -> String {
      Self.small + String(repeating: "  - pause: 1 day\n", count: count - 2)
    }
    #expect(try Self.read(flow(500)).steps.count == 500)
    let many = Self.problems(flow(501))
    #expect(many.map(\.problem) == ["the flow has more than 500 steps"])
    #expect(many.map(\.line) == [505])
    let padded = Self.small + "#" + String(repeating: "x", count: 256 << 10)
    #expect(Self.problems(padded).first?.problem.hasSuffix("the limit is 262144") == true)
    var deep = "flow: deep\nstart: cart abandoned\nsteps:\n"
    for depth in 0..<16 {
      let space = String(repeating: "      ", count: depth)
      deep += "\(space)  - evaluate data:\n\(space)      - when: bought\n\(space)        then:\n"
    }
    deep += String(repeating: "      ", count: 16) + "  - pause: 1 day\n"
    #expect(Self.problems(deep).first?.problem == "steps are nested more than 16 levels deep")
  }

  @Test(
    "F14 Nesting that is meant to harm ends quickly",
    arguments: ["[", "{a: ", "- ", "? ", "[{a: "])
  func bombs(part: String) {
    let text = String(repeating: part, count: (200 << 10) / part.utf8.count)
    #expect(!Self.problems(text).isEmpty)
  }

  @Test("F14 The largest file of faults is read soon")
  func largest() {
    for part in ["  - pause: 1 dy\n", "  x: *\n", "a: [b, c, {d: e}]\n", "- when: (not x or y\n"] {
      let text = "flow: x\nsteps:\n" + String(repeating: part, count: (255 << 10) / part.utf8.count)
      let start = ContinuousClock().now
      #expect(!Self.problems(text).isEmpty)
      #expect(start.duration(to: ContinuousClock().now) < .seconds(60))
    }
  }

  @Test("F14 A text that grows by aliases is refused before it is followed")
  func laughs() {
    var text = "a0: &a0 [x, x]\n"
    for level in 1..<40 {
      let before = "*a\(level - 1)"
      text += "a\(level): &a\(level) [\(before), \(before), \(before)]\n? \(before)\n: x\n"
    }
    let problems = Self.problems(text)
    #expect(problems.count == 1)
    #expect(problems.first?.problem.contains("alias") == true)
  }

  @Test("F14 At most 100 problems are told, in the order of the text")
  func many() {
    let wrong = (0..<300).map { "  - pase: \($0)\n" }.joined()
    let problems = Self.problems("flow: x\nstart: cart abandoned\nsteps:\n" + wrong)
    #expect(problems.count == 100)
    #expect(problems.map(\.line) == problems.map(\.line).sorted())
    #expect(problems.first?.problem.hasSuffix("did you mean \"pause\"?") == true)
  }

  @Test("F14 All problems are found in one go")
  func all() {
    let problems = Self.problems(
      """
      flow: my flow
      start: cart abandonned
      when: cart.totl > 5
      re-entry: 1 month
      steps:
        - pause: 1 dya
        - send e-mail:
            tmplate: x
        - evaluate event:
            of: nothing
            within: 1 s
            seen: exit
        - go to: nowhere

      """)
    #expect(
      problems.map { "\($0.line):\($0.column) \($0.field)" } == [
        "1:7 flow", "2:8 start", "3:7 when", "4:11 re-entry", "6:12 steps[0].pause",
        "8:7 steps[1].send e-mail.tmplate", "8:7 steps[1].send e-mail.template",
        "10:7 steps[2].evaluate event", "10:11 steps[2].evaluate event.of",
        "11:15 steps[2].evaluate event.within", "12:7 steps[2].evaluate event.seen",
        "13:12 steps[3].go to",
      ])
  }
}
