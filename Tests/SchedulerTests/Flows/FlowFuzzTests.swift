internal import Foundation
internal import Messages
internal import ServiceKit
internal import Testing

@testable internal import Scheduler

/// Mutated texts. Method: 1. take a shipped flow; 2. apply up to five changes drawn from a seeded
/// generator (bytes, lines, words of the language); 3. read it: it ends in a flow or in problems
/// within its lines, and soon; 4. a flow that comes out keeps its promises.
@Suite struct FlowFuzzTests {
  private static let words = [
    "pause: ", "- ", "exit", "go to: first-mail", "then: ", "when: ", "{", "}", "[", "]", "\"", "'",
    "|", ">", "#", ": ", "&a ", "*a", "!!x ", "<<: ", "? ", "---\n", "\t", "\u{0}", "é", "\u{FEFF}",
    "1 day", "50 %", "bought", "not ", "(", ")", " and ", "cart.total > 5 EUR", "name: first-mail",
    "\u{2028}", "🛒", "%YAML 1.1\n", "go on", "of: ", "within: ", "\r\n", "...\n",
  ]

  private static func mutated(_ text: String, _ random: inout SplitMix64) -> String {
    var scalars = Array(text.unicodeScalars)
    for _ in 0..<Int.random(in: 0...5, using: &random) {
      let at = Int.random(in: 0...scalars.count, using: &random)
      switch Int.random(in: 0..<5, using: &random) {
      case 0:
        scalars.insert(contentsOf: words.randomElement(using: &random)!.unicodeScalars, at: at)
      case 1:
        scalars.removeSubrange(at..<min(scalars.count, at + Int.random(in: 1...12, using: &random)))
      case 2:
        let end = min(scalars.count, at + Int.random(in: 1...200, using: &random))
        scalars.insert(
          contentsOf: Array(scalars[at..<end]), at: Int.random(in: 0...at, using: &random))
      case 3 where at < scalars.count:
        scalars[at] = Unicode.Scalar(UInt8.random(in: 9...126, using: &random))
      default:
        var lines = scalars.split(separator: "\n", omittingEmptySubsequences: false).map(Array.init)
        lines.swapAt(
          Int.random(in: 0..<lines.count, using: &random),
          Int.random(in: 0..<lines.count, using: &random))
        scalars = Array(lines.joined(separator: ["\n"]))
      }
    }
    var result = ""
    result.unicodeScalars.append(contentsOf: scalars)
    return result
  }

  @Test("F14 Whatever stands in a file, it ends in a flow or in problems", arguments: 0..<8)
  func fuzz(seed: UInt64) throws {
    var random = SplitMix64(seed: 0xF10C + seed)
    let texts = try FlowGraphTests.shipped.map(FlowGraphTests.text)
    var flows = 0
    let clock = ContinuousClock()
    for round in 0..<100 {
      let text = Self.mutated(texts[round % texts.count], &random)
      let start = clock.now
      do {
        let flow = try FlowReader.read(text)
        flows += 1
        Self.check(flow, text)
      } catch {
        #expect(!error.list.isEmpty && error.list.count <= 100)
        let lines = text.unicodeScalars.count {
          "\n\r\u{85}\u{2028}\u{2029}".unicodeScalars.contains($0)
        }
        for problem in error.list {
          #expect((1...(lines + 2)).contains(problem.line), "\(problem)\n\(text)")
          #expect(problem.column >= 1 && !problem.problem.isEmpty)
        }
      }
      #expect(start.duration(to: clock.now) < .seconds(60))
    }
    #expect(flows > 0)
  }

  /// Names are unique, ways lead to steps, and no way leads back.
  private static func check(_ flow: FlowDefinition, _ text: String) {
    let steps = FlowGraph.steps(flow)
    let indices = Dictionary(steps.enumerated().map { ($1.name, $0) }) { first, _ in first }
    #expect(indices.count == steps.count, "\(text)")
    var depths: [Int: Int] = [:]
    func depth(_ index: Int, _ way: Set<Int>) -> Int {
      #expect(!way.contains(index), "\(text)")
      if way.contains(index) { return 0 }
      if let depth = depths[index] { return depth }
      let next = steps[index].branches.compactMap { indices[$0.step] }
      let result = 1 + (next.map { depth($0, way.union([index])) }.max() ?? 0)
      depths[index] = result
      return result
    }
    #expect(steps.isEmpty || depth(0, []) >= 1)
    #expect(depths.count == steps.count, "\(text)")
  }

  @Test("Whatever stands in a condition, it ends in a condition or in problems within it")
  func conditions() {
    var random = SplitMix64(seed: 7)
    let pieces =
      FactCatalogue.names + [
        " ", " ", " and ", " or ", "not ", "(", ")", " = ", " != ", " >= ", "in", " is ", "\"", "'",
        "5", "20 EUR", "2026-01-01", ",", "yes", "x", "contact.", "🛒", "-", ".", "has ", "tag ",
      ]
    var parsed = 0
    for _ in 0..<5000 {
      let count = Int.random(in: 1...12, using: &random)
      let text = (0..<count).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
      let (condition, problems) = ConditionParser.parse(text)
      #expect((condition == nil) == !problems.isEmpty, "\(text)")
      for problem in problems {
        #expect((0...text.unicodeScalars.count).contains(problem.offset), "\(text)")
      }
      if let condition {
        parsed += 1
        #expect(!condition.isMet(FactSheet()) || !condition.factNames.isEmpty, "\(text)")
      }
    }
    #expect(parsed > 100)
  }
}
