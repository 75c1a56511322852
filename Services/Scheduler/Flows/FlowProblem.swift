internal import Messages

/// A fault in a flow's text, said in a marketer's words.
struct FlowProblem: Hashable, Sendable, CustomStringConvertible {
  /// From 1; columns count Unicode scalars.
  var line: Int
  var column: Int
  /// Path in the file, such as `steps[3].pause`; positions in lists count from 0.
  var field: String
  var problem: String

  var description: String { "\(line):\(column) \(field): \(problem)" }

  var contract: SchedulerV1.Problem {
    SchedulerV1.Problem(
      line: UInt32(clamping: line), column: UInt32(clamping: column), field: field,
      problem: problem)
  }
}

/// Why a text is no flow: at least one problem, in the order of the text.
struct FlowProblems: Error, Hashable, Sendable {
  let list: [FlowProblem]
}

/// Collects what is wrong, up to a limit.
struct ProblemList {
  static let countMax = 100
  /// Bytes of a path and of a sentence that are kept.
  static let textBytesMax = 1024

  private(set) var problems: [FlowProblem] = []

  /// Whether to look for more is a waste.
  var isFull: Bool { problems.count >= ProblemList.countMax }

  mutating func add(_ line: Int, _ column: Int, _ field: String, _ problem: String) {
    if isFull { return }
    problems.append(
      FlowProblem(
        line: line, column: column, field: Quoted.cut(field, ProblemList.textBytesMax),
        problem: Quoted.cut(problem, ProblemList.textBytesMax)))
  }

  mutating func add(_ node: YAMLNode, _ field: String, _ problem: @autoclosure () -> String) {
    if isFull { return }
    add(node.line, node.column, field, problem())
  }

  /// In the order of the text.
  var sorted: [FlowProblem] {
    problems.enumerated().sorted { a, b in
      (a.element.line, a.element.column, a.offset) < (b.element.line, b.element.column, b.offset)
    }.map(\.element)
  }
}

/// Words of a file within a sentence.
enum Quoted {
  /// In quotation marks, cut where it is long, without line breaks and control characters.
  static func text(_ text: String) -> String {
    var shown = ""
    for scalar in text.unicodeScalars.prefix(61) {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate:
        shown.unicodeScalars.append(" ")
      default: shown.unicodeScalars.append(scalar)
      }
    }
    let isLong = text.unicodeScalars.count > 60
    if isLong { shown.unicodeScalars.removeLast() }
    return "\"\(shown)\(isLong ? "…" : "")\""
  }

  /// At most so many bytes, cut between characters.
  static func cut(_ text: String, _ bytesMax: Int) -> String {
    if text.utf8.count <= bytesMax { return text }
    var result = ""
    var count = 0
    for character in text {
      count += character.utf8.count
      if count > bytesMax - 3 { break }
      result.append(character)
    }
    return result + "…"
  }
}

/// The word that a person most likely meant.
enum NearestWord {
  /// `; did you mean "x"?`, or where nothing is near, what there is, if it is little.
  static func hint(_ word: String, in candidates: [String]) -> String {
    if let nearest = of(word, in: candidates) { return "; did you mean \"\(nearest)\"?" }
    if candidates.isEmpty || candidates.count > 12 { return "" }
    return "; there are: " + candidates.joined(separator: ", ")
  }

  /// The candidate that takes the fewest changed letters, nil where even that is too far off.
  static func of(_ word: String, in candidates: [String]) -> String? {
    let wanted = Array(word.lowercased().utf8)
    guard !wanted.isEmpty, wanted.count <= 64 else { return nil }
    let limit = max(1, wanted.count / 3)
    var best: (word: String, distance: Int)?
    for candidate in candidates.prefix(1000) {
      let distance = distance(wanted, Array(candidate.lowercased().utf8))
      if distance <= limit && distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.word
  }

  /// Letters to insert, remove, replace or exchange with the next (optimal string alignment).
  private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
    var before: [Int] = []
    var row = Array(0...b.count)
    for i in a.indices {
      var next = [i + 1]
      next.reserveCapacity(b.count + 1)
      for j in b.indices {
        var best = min(row[j] + (a[i] == b[j] ? 0 : 1), row[j + 1] + 1, next[j] + 1)
        if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
          best = min(best, before[j - 1] + 1)
        }
        next.append(best)
      }
      (before, row) = (row, next)
    }
    return row[b.count]
  }
}
