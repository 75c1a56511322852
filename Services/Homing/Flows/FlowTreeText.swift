internal import Messages

/// A flow as a tree of box characters, with the steps' names beside it.
///
/// ○ waits, ◇ decides, ● sends, ◆ gives or tags, ■ ends; → leads to a step that stands elsewhere.
enum FlowTreeText {
  static func lines(_ tree: FlowTree) -> [String] {
    var writer = Writer()
    writer.add(tree.chain, "")
    return writer.aligned()
  }

  private struct Writer {
    private var rows: [(text: String, name: String)] = []

    mutating func add(_ chain: FlowTree.Chain, _ prefix: String) {
      for (index, item) in chain.enumerated() {
        if index > 0 { rows.append((prefix + (leads(chain, to: index) ? "│" : "┆"), "")) }
        let isLast = index == chain.count - 1
        rows.append((prefix + line(item.step), item.step.name))
        for (at, branch) in item.branches.enumerated() {
          let isEnd = isLast && at == item.branches.count - 1 && item.tail == nil
          add(branch, prefix, isEnd)
        }
        if !isLast && !item.label.isEmpty { rows.append((prefix + "│ \(shown(item.label))", "")) }
        switch item.tail {
        case .reference where !isLast && leads(chain, to: index + 1): break
        case .reference(let name): rows.append((prefix + "└→ \(shown(name))", ""))
        case .end: rows.append((prefix + "└─ ■ end", ""))
        case .chain, nil: break
        }
      }
    }

    /// Whether the item above leads here, and not only others do.
    private func leads(_ chain: FlowTree.Chain, to index: Int) -> Bool {
      let above = chain[index - 1]
      switch above.tail {
      case .reference(let name): return name == chain[index].step.name
      case .end, .chain: return false
      case nil: return above.step.kind != .exit
      }
    }

    private mutating func add(_ branch: FlowTree.Branch, _ prefix: String, _ isEnd: Bool) {
      let start = prefix + (isEnd ? "└─ " : "├─ ") + shown(branch.label)
      let inner = prefix + (isEnd ? "   " : "│  ")
      switch branch.way {
      case .end: rows.append((start + " ─ ■ end", ""))
      case .reference(let name): rows.append((start + " → " + shown(name), ""))
      case .chain(let chain):
        if chain.count == 1, chain[0].branches.isEmpty, chain[0].tail == nil {
          rows.append((start + " ─ " + line(chain[0].step), chain[0].step.name))
          return
        }
        rows.append((start, ""))
        add(chain, inner)
      }
    }

    private func line(_ step: SchedulerV1.FlowStep) -> String {
      let text = step.summary.isEmpty ? FlowTexts.kind.name(step.kind) : step.summary
      return "\(FlowTreeText.sign(step.kind)) \(shown(text))"
    }

    private func shown(_ text: String) -> String { Printable.text(text) }

    /// The names in a column of their own.
    func aligned() -> [String] {
      let width = rows.map(\.text.unicodeScalars.count).max() ?? 0
      return rows.map { text, name in
        if name.isEmpty { return text }
        let space = String(repeating: " ", count: width - text.unicodeScalars.count + 3)
        return text + space + FlowTreeText.dim(shown(name))
      }
    }
  }

  private static func sign(_ kind: SchedulerV1.StepKind) -> String {
    switch kind {
    case .pause: "○"
    case .evaluateData, .evaluateEvent, .split: "◇"
    case .send: "●"
    case .exit: "■"
    default: "◆"
    }
  }

  private static func dim(_ text: String) -> String {
    Terminal.usesStyle ? "\u{1b}[2m\(text)\u{1b}[0m" : text
  }
}
