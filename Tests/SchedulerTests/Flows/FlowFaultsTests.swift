internal import Testing

@testable internal import Scheduler

/// Faulty files with the place and the words of each fault.
@Suite struct FlowFaultsTests {
  /// A text in which `§` marks where the fault is.
  struct Fault: Sendable, CustomTestStringConvertible {
    var text: String
    var field: String
    var words: String
    var testDescription: String { words }
  }

  private static func head(_ fields: String) -> String {
    fields + "steps:\n  - pause: 1 day\n"
  }

  private static func step(_ text: String) -> String {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    return "flow: x\nstart: cart abandoned\nsteps:\n  - send e-mail: one\n    name: one\n"
      + lines.map { "  \($0)\n" }.joined()
  }

  static let heads: [Fault] = [
    .init(text: "§start: cart abandoned\nsteps: exit\n", field: "flow", words: "is missing"),
    .init(text: "§flow: x\nstart: cart abandoned\n", field: "steps", words: "is missing"),
    .init(
      text: head("flow: §my flow\nstart: cart abandoned\n"), field: "flow", words: "is no name"),
    .init(text: head("flow:§ \nstart: cart abandoned\n"), field: "flow", words: "is missing"),
    .init(
      text: head("flow: x\nstart: §cart abandond\n"), field: "start",
      words: "starts no flow; did you mean \"cart abandoned\"?"),
    .init(text: head("flow: x\nstart: §tag added\n"), field: "start", words: "which one?"),
    .init(
      text: head("flow: x\nstart: { §tag addded: A }\n"), field: "start",
      words: "did you mean \"tag added\"?"),
    .init(
      text: head("flow: x\nstart: { schedule: { first: §2026-13-01, every: 1 day } }\n"),
      field: "start.schedule.first", words: "is a time with its offset"),
    .init(
      text: head("flow: x\nstart: cart abandoned\n§wehn: bought\n"), field: "wehn",
      words: "did you mean \"when\"?"),
    .init(
      text: head("flow: x\nstart: cart abandoned\nre-entry: §800 days\n"), field: "re-entry",
      words: "is not 0 seconds to 730 days"),
    .init(
      text: head("flow: x\nstart: cart abandoned\nre-entry: §1 month\n"), field: "re-entry",
      words: "has no calendar months"),
    .init(
      text: head("flow: x\nstart: cart abandoned\nholdout: §60 %\n"), field: "holdout",
      words: "is no share from 0 % to 50 %"),
    .init(
      text: head("flow: x\nstart: cart abandoned\nholdout: { share: 5 %, period: §1 hour }\n"),
      field: "holdout.period", words: "is not 1 day to 730 days"),
    .init(
      text: head("flow: x\nstart: cart abandoned\nceiling: §0\n"), field: "ceiling",
      words: "is no number of orders from 1 to"),
    .init(
      text: "flow: x\nstart: cart abandoned\nsteps: §[]\n", field: "steps", words: "holds no step"),
    .init(
      text: "flow: x\nstart: cart abandoned\n§start: cart abandoned\nsteps: exit\n",
      field: "start", words: "stands twice in the same place, first in line 2"),
    .init(text: "§- flow: x\n", field: "", words: "wants fields"),
    .init(text: "§", field: "", words: "the file is empty"),
    .init(text: "flow: §&a x\n", field: "flow", words: "anchors"),
    .init(text: "flow: x\n§---\nflow: y\n", field: "", words: "more than one document"),
    .init(text: "flow: §!!int 5\n", field: "flow", words: "tags (!)"),
    .init(text: "flow: x\n§<<: { a: b }\n", field: "", words: "merge keys"),
    .init(text: "flow: §\u{1}x\n", field: "", words: "the character U+1"),
    .init(text: "flow: §*x\n", field: "", words: "alias"),
    .init(text: "flow: x\nstart: cart abandoned\nsteps: a§: b\n", field: "", words: "second colon"),
  ]

  static let conditions: [Fault] = [
    .init(
      text: head("flow: x\nstart: cart abandoned\nwhen: bought and §cart.totl > 5 EUR\n"),
      field: "when", words: "did you mean \"cart.total\"?"),
    .init(
      text: head("flow: x\nstart: cart abandoned\nwhen: \"bought or §foo\"\n"), field: "when",
      words: "there is no fact \"foo\""),
    .init(
      text: head("flow: x\nstart: cart abandoned\nwhen: >\n  bought\n  and cart.total > §5\n"),
      field: "when", words: "write its currency"),
    .init(
      text: head("flow: x\nstart: cart abandoned\nwhen: |\n  bought and\n    score = §high\n"),
      field: "when", words: "score is a number"),
    .init(
      text: head("flow: x\nstart: cart abandoned\nwhen: bought\n  and §!score\n"), field: "when",
      words: "write not"),
    .init(
      text: head("flow: x\nstart: cart abandoned\nwhen: 'company = ''a b'' and §score'\n"),
      field: "when", words: "alone says nothing"),
    .init(
      text: head("flow: x\nstart: cart abandoned\nwhen: \"§\"\n"), field: "when",
      words: "says nothing"),
    .init(
      text: step("- evaluate data:\n    - when: tag is §AB CART\n      then: exit"),
      field: "steps[1].evaluate data[0].when", words: "write quotation marks"),
  ]

  static let steps: [Fault] = [
    .init(text: step("- §pase: 1 day"), field: "steps[1].pase", words: "did you mean \"pause\"?"),
    .init(text: step("- §wait: 1 day"), field: "steps[1].wait", words: "did you mean \"pause\"?"),
    .init(
      text: step("- §send email: x"), field: "steps[1].send email",
      words: "did you mean \"send e-mail\"?"),
    .init(text: step("- §foo"), field: "steps[1]", words: "\"foo\" is no step"),
    .init(text: step("- §name: x"), field: "steps[1]", words: "says nothing to do"),
    .init(
      text: step("- pause: 1 day\n  §exit:"), field: "steps[1].exit",
      words: "the step is pause already"),
    .init(text: step("- pause:§"), field: "steps[1].pause", words: "its value is missing"),
    .init(text: step("- pause: §soon"), field: "steps[1].pause", words: "is no span of time"),
    .init(
      text: step("- pause: §3 dyas"), field: "steps[1].pause", words: "did you mean \"days\"?"),
    .init(
      text: step("- pause: §0 days"), field: "steps[1].pause",
      words: "is not 1 second to 730 days or 24 months"),
    .init(
      text: step("- pause: §25 months"), field: "steps[1].pause",
      words: "is not 1 second to 730 days or 24 months"),
    .init(
      text: step("- pause: §1 month 2 days"), field: "steps[1].pause", words: "stand alone"),
    .init(
      text: step("- pause: { until: §mondy 09:00 }"), field: "steps[1].pause.until",
      words: "did you mean \"monday\"?"),
    .init(
      text: step("- pause: { until: §25:00 }"), field: "steps[1].pause.until",
      words: "is no time such as 09:00"),
    .init(
      text: step("- pause: 1 day\n  name: §one"), field: "steps[1].name",
      words: "is the name of the step in line 4 too"),
    .init(
      text: step("- pause: 1 day\n  name: §a b"), field: "steps[1].name", words: "is no name"),
    .init(
      text: step("- send e-mail:\n    template: x\n    §expire: 1 day"),
      field: "steps[1].send e-mail.expire", words: "did you mean \"expires\"?"),
    .init(
      text: step("- send e-mail:\n    template: x\n    expires: §40 days"),
      field: "steps[1].send e-mail.expires", words: "is not 1 minute to 30 days"),
    .init(
      text: step("- send e-mail:\n    template: x\n    copies: §a.example"),
      field: "steps[1].send e-mail.copies", words: "is no e-mail address"),
    .init(
      text: step("- send webhook: §x"), field: "steps[1].send webhook", words: "endpoint's name"),
    .init(
      text: step("- send sms:\n    template: x\n    window: §9-17"),
      field: "steps[1].send sms.window", words: "are no hours such as 09:00-17:00"),
    .init(
      text: step("- send sms:\n    template: x\n    window: §mondey-fri 09:00-17:00"),
      field: "steps[1].send sms.window",
      words: "is no day of the week; did you mean \"monday\"?"),
    .init(
      text: step("- send letter:\n    template: x\n    §window: 09:00-17:00"),
      field: "steps[1].send letter.window", words: "there is no such field here"),
    .init(
      text: step("- send sms:\n    template: x\n    §copies: a@b.example"),
      field: "steps[1].send sms.copies", words: "there is no such field here"),
    .init(
      text: step("- incentive: §101 %"), field: "steps[1].incentive", words: "is none of: 10 %"),
    .init(
      text: step("- incentive: { give: free shipping, item: §x }"),
      field: "steps[1].incentive.item", words: "belongs to a sample"),
    .init(
      text: step("- incentive: { give: resource, item: §http://x }"),
      field: "steps[1].incentive.item", words: "begins with https://"),
    .init(
      text: step("- give incentive: §[a]"), field: "steps[1].give incentive", words: "list"),
    .init(
      text: step("- give incentive: { incentive: a, §else: exit }"),
      field: "steps[1].give incentive.else", words: "there is no such field here"),
    .init(
      text: step("- give incentive: §{ otherwise: exit }"),
      field: "steps[1].give incentive.incentive", words: "is missing"),
    .init(text: step("- tag: §X"), field: "steps[1].tag", words: "wants fields (add, remove)"),
    .init(
      text: step("- tag: §{ add: A, remove: [B, A] }"), field: "steps[1].tag",
      words: "both added and removed"),
  ]

  static let ways: [Fault] = [
    .init(
      text: step("- send sms: { template: one, cap: §dropp }"), field: "steps[1].send sms.cap",
      words: "is neither defer nor drop; did you mean \"drop\"?"),
    .init(
      text: step("- send internal: { template: one, §cap: drop }"),
      field: "steps[1].send internal.cap", words: "there is no such field here"),
    .init(
      text: step("- evaluate data:\n    - §when: bought"), field: "steps[1].evaluate data[0].then",
      words: "is missing"),
    .init(
      text: step(
        "- evaluate data:\n    - none matched: go on\n    - §when: bought\n      then: exit"
      )
      .replacing("§", with: "").replacing("- none", with: "- §none"),
      field: "steps[1].evaluate data[0]", words: "none matched comes last"),
    .init(
      text: step(
        "- evaluate data:\n    - when: bought\n      then: exit\n    - §when: bought\n"
          + "      then: exit"),
      field: "steps[1].evaluate data[1]", words: "stands for another branch already"),
    .init(
      text: step(
        "- evaluate event:\n    of: one\n    within: 1 day\n    §seen: exit\n    clicked: exit"),
      field: "steps[1].evaluate event.seen", words: "did you mean \"opened\"?"),
    .init(
      text: step("- evaluate event:\n    of: §oen\n    within: 1 day\n    clicked: exit"),
      field: "steps[1].evaluate event.of", words: "did you mean \"one\"?"),
    .init(
      text: step(
        "- pause: 1 day\n  name: p\n- evaluate event:\n    of: §p\n    within: 1 day\n"
          + "    clicked: exit"
      ),
      field: "steps[2].evaluate event.of", words: "sends nothing"),
    .init(
      text: step(
        "- evaluate data:\n    - when: bought\n      then:\n        - send sms: two\n"
          + "          name: two\n- evaluate event:\n    of: §two\n    within: 1 day\n"
          + "    clicked: exit"
      ),
      field: "steps[2].evaluate event.of", words: "does not come before this step on every way"),
    .init(
      text: step(
        "- evaluate event:\n    of: §two\n    within: 1 day\n    clicked: exit\n- send sms: two\n"
          + "  name: two"),
      field: "steps[1].evaluate event.of", words: "does not come before this step on every way"),
    .init(
      text: step(
        "- send sms: two\n  name: two\n- evaluate event:\n    of: §two\n    within: 1 day\n"
          + "    opened: exit"),
      field: "steps[2].evaluate event.opened",
      words: "it is never known whether an SMS was opened"),
    .init(
      text: step("- go to: §onee"), field: "steps[1].go to", words: "did you mean \"one\"?"),
    .init(
      text: step("- pause: 1 day\n- go to: §one"), field: "steps[2].go to",
      words: "the way leads back: one → pause-2 → one"),
    .init(
      text: step("- go to: §one"), field: "steps[1].go to", words: "the way leads back: one → one"),
    .init(
      text: step("- exit\n- §pause: 1 day\n- pause: 2 days"), field: "steps[2]",
      words: "no way leads here"),
    .init(
      text: step(
        "- split:\n    - { branch: a, share: 50 %, then: exit }\n"
          + "    - { branch: b, share: 50 %, then: exit }\n- §pause: 1 day"),
      field: "steps[2]", words: "no way leads here"),
    .init(
      text: step(
        "- split:\n    §- { branch: a, share: 50 %, then: exit }\n"
          + "    - { branch: b, share: 49.99 %, then: go on }"),
      field: "steps[1].split", words: "the shares add up to 99.99 %, not 100 %"),
    .init(
      text: step(
        "- split:\n    - { branch: a, share: 50 %, then: exit }\n"
          + "    - { branch: b, share: §half, then: go on }"),
      field: "steps[1].split[1].share", words: "is no share such as 50 %"),
  ]

  @Test(
    "F14 A fault is told with its line, its column, its field and what would be right",
    arguments: heads + conditions + steps + ways)
  func fault(fault: Fault) throws {
    var line = 1
    var column = 1
    for scalar in fault.text.unicodeScalars {
      if scalar == "§" { break }
      column += 1
      if scalar == "\n" { (line, column) = (line + 1, 1) }
    }
    let problems = FlowReaderTests.problems(fault.text.replacing("§", with: ""))
    let problem = try #require(problems.first { $0.problem.contains(fault.words) }, "\(problems)")
    #expect((problem.line, problem.column) == (line, column), "\(problems)")
    #expect(problem.field == fault.field)
  }
}
