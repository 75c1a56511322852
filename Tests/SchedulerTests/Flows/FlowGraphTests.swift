internal import Foundation
internal import Messages
internal import Testing

@testable internal import Scheduler

@Suite struct FlowGraphTests {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Services/Homing/Shipped/flows")
  static let shipped = [
    "cart-recovery", "cart-recovery-b2b", "quote-recovery", "discount-or-shipping",
  ]

  static func text(_ name: String) throws -> String {
    try String(contentsOf: folder.appending(path: "\(name).yaml"), encoding: .utf8)
  }

  @Test("F06 Each shipped flow is right and has the name of its file", arguments: shipped)
  func shippedFlows(name: String) throws {
    let flow = try FlowReader.read(Self.text(name))
    #expect(flow.name == name)
    #expect(flow.first == 0)
  }

  @Test("F02 Each step is shown once, and each way leads to a step", arguments: shipped)
  func once(name: String) throws {
    let flow = try FlowReader.read(Self.text(name))
    let shown = FlowGraph.steps(flow)
    #expect(shown.map(\.name) == flow.steps.map(\.name))
    let names = Set(shown.map(\.name))
    #expect(names.count == shown.count)
    for step in shown {
      #expect(!step.summary.isEmpty)
      #expect(step.kind != .unspecified)
      #expect(Set(step.branches.map(\.label)).count == step.branches.count)
      #expect(step.branches.allSatisfy { $0.step.isEmpty || names.contains($0.step) })
    }
  }

  @Test("F06 The reference flow checks for a purchase right before every message")
  func reference() throws {
    let steps = FlowGraph.steps(try FlowReader.read(Self.text("cart-recovery")))
    #expect(steps.first?.summary == "wait 1 day")
    let sends = steps.filter { $0.kind == .send }
    #expect(sends.map(\.name) == ["first-mail", "help-mail", "sms-after-open", "sms-without-open"])
    #expect(sends.map(\.channel) == [.email, .email, .sms, .sms])
    for send in sends {
      let before = steps.filter { $0.branches.contains { $0.step == send.name } }
      #expect(before.count == 1)
      #expect(before.first?.kind == .evaluateData)
      #expect(before.first?.branches.map(\.label) == ["bought", "none matched"])
      let bought = steps.first { $0.name == before.first?.branches.first?.step }
      #expect(bought?.kind == .exit)
    }
    let event = try #require(steps.first { $0.kind == .evaluateEvent })
    #expect(event.branches.map(\.label) == ["clicked", "opened", "no action"])
    #expect(event.summary == "watch first-mail for up to 1 day")
    let heads = event.branches.map { branch in steps.first { $0.name == branch.step } }
    #expect(heads.map { $0?.summary } == ["wait 1 day", "wait 1 day", "check bought"])
  }

  @Test("Each kind of step has a line for people")
  func summaries() throws {
    let flow = try FlowReader.read(
      """
      flow: x
      start: cart abandoned
      steps:
        - pause: { for: 1 day, until: monday 09:00 }
        - pause: { until: 08:05 }
        - send internal: { template: note, to: [sales, boss] }
        - incentive: { give: 12.05 %, code: A, valid for: 2 weeks }
        - incentive: 5.50 EUR
        - incentive: 20 points
        - incentive: { give: sample, item: SKU }
        - tag: { add: VIP, remove: [A, B] }
        - evaluate data:
            - when: has phone and score > 5
              label: good
              then: exit
        - split:
            - { branch: a, share: 33.33 %, then: exit }
            - { branch: b, share: 66.67 %, then: exit }

      """)
    let steps = FlowGraph.steps(flow)
    #expect(
      steps.map(\.summary) == [
        "wait 1 day, then until Monday 09:00", "wait until 08:05",
        "notify staff note to sales, boss",
        "12.05 % off, code A, valid 2 weeks", "5.50 EUR off", "20 points", "sample SKU",
        "tag +VIP, −A, −B", "check has phone, score", "exit", "split 33.33 % / 66.67 %", "exit",
        "exit",
      ])
    #expect(steps[8].branches.map(\.label) == ["good", "none matched"])
    #expect(steps[10].branches.map(\.label) == ["a 33.33 %", "b 66.67 %"])
    #expect(steps[9].branches.isEmpty)
  }

  @Test("M12 Give incentive shows its name, and where the way leads when nothing can be given")
  func give() throws {
    let flow = try FlowReader.read(
      """
      flow: x
      start: cart abandoned
      steps:
        - give incentive: { incentive: autumn, otherwise: [{ send sms: plain, name: text }, exit] }
        - give incentive: winter
        - send e-mail: { template: offer }
          name: mail
      """)
    let steps = FlowGraph.steps(flow)
    #expect(steps.map(\.kind).prefix(2) == [.incentive, .send])
    #expect(steps.map(\.summary).prefix(1) == ["give autumn"])
    #expect(steps[0].branches.map(\.label) == ["", "otherwise"])
    #expect(steps[0].branches.map(\.step) == ["give-2", "text"])
    #expect(steps.first { $0.name == "give-2" }?.branches.map(\.step) == ["mail"])
  }
}
