internal import Foundation
internal import Messages
internal import Testing

@testable internal import Homing

@Suite struct FlowDrawingTests {
  private static func lines(_ steps: [SchedulerV1.FlowStep]) throws -> [String] {
    FlowTreeText.lines(try FlowTree(steps))
  }

  @Test("F02 A flow is a tree in the terminal; what several ways lead to stands below them once")
  func tree() throws {
    let lines = try Self.lines(FlowSteps.joined)
    #expect(
      lines == [
        "○ wait 1 day                  pause-1",
        "│",
        "◇ check bought                check",
        "├─ bought ─ ■ exit            exit-1",
        "│ none matched",
        "│",
        "● e-mail cart-reminder        mail",
        "│",
        "◇ wait up to 1 day for mail   event",
        "├─ clicked",
        "│  ● e-mail cart-help         help",
        "│  ├─ sent ─ ■ end",
        "│  └─ if not sent → last",
        "├─ opened",
        "│  ○ wait 1 day               pause-2",
        "│  └→ last",
        "├─ no action → last",
        "│",
        "● SMS cart-sms                last",
        "└─ ■ end",
      ])
  }

  private static func items(_ chain: FlowTree.Chain) -> [FlowTree.Item] {
    chain.flatMap { item in
      [item]
        + item.branches.flatMap { branch -> [FlowTree.Item] in
          guard case .chain(let chain) = branch.way else { return [] }
          return items(chain)
        }
    }
  }

  @Test("F02 Each step is drawn once, whatever leads to it", arguments: 0..<60)
  func once(seed: Int) throws {
    var random = SeededRandom(seed: UInt64(seed) + 1)
    let count = Int.random(in: 1...60, using: &random)
    let steps = FlowSteps.random(&random, count: count)
    let tree = try FlowTree(steps)
    #expect(Self.items(tree.chain).map(\.step.name).sorted() == steps.map(\.name).sorted())
    let words = FlowTreeText.lines(tree).compactMap { $0.split(separator: " ").last }
    for step in steps { #expect(words.contains(Substring(step.name)), "\(step.name)") }
    let picture = FlowPicture(tree).svg(title: "a", subtitle: "b")
    for step in steps {
      let marks = picture.ranges(of: "<title>\(step.name): ").count
      #expect(marks == 1, "\(step.name)")
    }
    // One arrow for each way, and the one that begins.
    let ways = steps.reduce(0) { $0 + $1.branches.count }
    #expect(picture.ranges(of: "class=\"tip\"").count == ways + 1)
  }

  @Test("F02 Boxes do not overlap, and all stand in the picture", arguments: 0..<40)
  func boxes(seed: Int) throws {
    var random = SeededRandom(seed: UInt64(seed) + 77)
    let steps = FlowSteps.random(&random, count: Int.random(in: 1...40, using: &random))
    let layout = FlowLayout(try FlowTree(steps), top: 100, margin: 40)
    let boxes = layout.boxes
    for (index, a) in boxes.enumerated() {
      let isInside = a.x >= 39 && a.right <= layout.width - 39 && a.bottom <= layout.height - 39
      #expect(isInside, "\(a.step.name)")
      for b in boxes[(index + 1)...] {
        let isApart = a.right <= b.x || b.right <= a.x || a.bottom <= b.y || b.bottom <= a.y
        #expect(isApart, "\(a.step.name) \(b.step.name)")
      }
    }
    for line in layout.lines {
      #expect(line.points.allSatisfy { $0.x >= 0 && $0.x <= layout.width })
      for (from, to) in zip(line.points, line.points.dropFirst()) {
        // Along an axis, and never up.
        let isStraight = from.x == to.x || from.y == to.y
        #expect(isStraight && to.y >= from.y - 0.01)
      }
    }
  }

  @Test("A picture is XML that stands alone, whatever the texts hold")
  func xml() throws {
    var steps = FlowSteps.joined
    steps[0].summary = "<script>alert(1)</script> & \"x\" ]]> \u{1}\u{202E} Grüße 🛒"
    steps[1].branches[0].label = String(repeating: "<&\">", count: 40)
    let picture = FlowPicture(try FlowTree(steps)).svg(title: "a<b>&", subtitle: "\u{0}c")
    let names = try elements(picture)
    #expect(names.first == "svg" && names.count(where: { $0 == "svg" }) == 1)
    #expect(Set(names).isDisjoint(with: ["script", "image", "a", "use", "foreignObject"]))
    #expect(!picture.contains("href") && !picture.contains("\u{202E}"))
    #expect(picture.ranges(of: "http").count == 1)
  }

  struct NotWellFormed: Error { let at: Substring }

  /// The names of the elements in order.
  ///
  /// - Throws: where a tag is not closed by its own, or a character is not escaped.
  private func elements(_ xml: String) throws -> [String] {
    var names: [String] = []
    var open: [String] = []
    var rest = Substring(xml)
    let tag = #/<(/?)([a-zA-Z]+)((?:\s+[a-zA-Z-]+="[^"<]*")*)\s*(/?)>/#
    while !rest.isEmpty {
      let text = rest.prefix { $0 != "<" }
      guard text.replacing(#/&(?:amp|lt|gt|quot|#39);/#, with: "").allSatisfy({ $0 != "&" }),
        text.unicodeScalars.allSatisfy({ $0.value >= 0x20 || $0 == "\n" })
      else { throw NotWellFormed(at: text) }
      rest = rest.dropFirst(text.count)
      guard !rest.isEmpty else { break }
      guard let match = rest.prefixMatch(of: tag) else { throw NotWellFormed(at: rest.prefix(40)) }
      let name = String(match.2)
      if match.1.isEmpty {
        names.append(name)
        if match.4.isEmpty { open.append(name) }
      } else if open.popLast() != name {
        throw NotWellFormed(at: rest.prefix(40))
      }
      rest = rest[match.range.upperBound...]
    }
    if !open.isEmpty { throw NotWellFormed(at: "end") }
    return names
  }

  @Test("A flow without steps, with twins or with ways to nowhere is drawn or refused, not trusted")
  func odd() throws {
    #expect(try Self.lines([]) == [])
    let empty = FlowPicture(try FlowTree([])).svg(title: "a", subtitle: "b")
    #expect(empty.contains("The flow has no step."))
    let twin = FlowSteps.step("a", .exit, "exit", [])
    #expect(throws: CommandError.self) { try FlowTree([twin, twin]) }
    #expect(throws: CommandError.self) {
      try FlowTree([FlowSteps.step("a", .pause, "wait", [("", "b")])])
    }
    let many = (0...1000).map { FlowSteps.step("s\($0)", .exit, "exit", []) }
    #expect(throws: CommandError.self) { try FlowTree(many) }
    // A server may answer what the language refuses.
    let circle = [
      FlowSteps.step("a", .pause, "wait", [("", "b")]),
      FlowSteps.step("b", .split, "split", [("x", "a"), ("y", "b")]),
    ]
    #expect(try Self.lines(circle).contains { $0.contains("x → a") })
  }
}
