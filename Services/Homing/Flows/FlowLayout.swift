internal import Messages

/// Where the boxes of a picture stand and which lines join them; in pixels, from the left top.
///
/// A chain stands along one axis from top to bottom. Branches that stand on their own are columns
/// below their step, short ones beside what goes on are on its right; what several ways lead to is
/// below all columns. So lines run down, and cross nothing but each other.
struct FlowLayout {
  struct Box {
    var step: SchedulerV1.FlowStep
    var lines: [String]
    var x: Double
    var y: Double
    var width: Double
    var height: Double
    var centre: Double { x + width / 2 }
    var right: Double { x + width }
    var bottom: Double { y + height }
  }

  struct Line {
    var points: [Point]
    var label = ""
    /// The label's centre.
    var labelAt: Point?
  }

  struct Point: Equatable {
    var x: Double
    var y: Double
  }

  /// Of an exit, and of the mark where an enrolment ends without one.
  static let endWidth = 56.0
  static let endHeight = 26.0
  private static let itemGap = 52.0
  private static let forkGap = 78.0
  private static let columnGap = 36.0
  private static let sideGap = 40.0
  private static let bus = 24.0

  private(set) var boxes: [Box] = []
  private(set) var lines: [Line] = []
  /// Left tops of the marks where an enrolment ends without an exit step.
  private(set) var ends: [Point] = []
  private(set) var width = 0.0
  private(set) var height = 0.0
  private var references: [Reference] = []

  /// A way to a step that stands elsewhere, drawn when all have their places.
  private struct Reference {
    var start: [Point]
    var target: String
    var label: String
    var labelAt: Point?
  }

  /// How far a block reaches from its axis, and down.
  private struct Extent {
    var left = 0.0
    var right = 0.0
    var height = 0.0
    var width: Double { left + right }
  }

  /// - Parameter top: where the first box begins.
  init(_ tree: FlowTree, top: Double, margin: Double) {
    let extent = FlowLayout.extent(tree.chain)
    place(tree.chain, axis: margin + extent.left, y: top)
    for reference in references { draw(reference) }
    let reach = lines.flatMap(\.points).map(\.x).max() ?? 0
    width = max(extent.width + 2 * margin, reach + margin)
    height = top + extent.height + margin
  }

  // MARK: - Sizes

  private static func width(_ step: SchedulerV1.FlowStep) -> Double {
    step.kind == .exit ? endWidth : 236
  }

  private static func height(_ step: SchedulerV1.FlowStep) -> Double {
    step.kind == .exit ? endHeight : 44 + 18 * Double(lines(step).count)
  }

  private static func lines(_ step: SchedulerV1.FlowStep) -> [String] {
    SVGText.wrapped(step.summary.isEmpty ? FlowTexts.kind.name(step.kind) : step.summary, 30, 3)
  }

  private static func labelWidth(_ label: String) -> Double {
    label.isEmpty ? 0 : SVGText.width(SVGText.label(label), 12) + 20
  }

  private static func extent(_ chain: FlowTree.Chain) -> Extent {
    var result = Extent()
    for (index, item) in chain.enumerated() {
      if index > 0 { result.height += itemGap }
      let row = extent(item)
      result.left = max(result.left, row.left)
      result.right = max(result.right, row.right)
      result.height += row.height
    }
    return result
  }

  private static func extent(_ item: FlowTree.Item) -> Extent {
    let box = height(item.step)
    let half = width(item.step) / 2
    if item.isFork {
      let columns = item.branches.map { column($0) }
      let total =
        columns.reduce(0) { $0 + $1.width } + columnGap * Double(max(0, columns.count - 1))
      let side = max(total / 2, half)
      let deepest = columns.map(\.height).max() ?? 0
      return Extent(left: side, right: side, height: box + forkGap + deepest)
    }
    var result = Extent(left: half, right: half, height: box)
    if case .end = item.tail { result.height += itemGap / 2 + endHeight }
    var depth = 0.0
    for branch in item.branches {
      let side = column(branch)
      result.right = max(result.right, half + gap(item) + side.width)
      depth += max(side.height, endHeight) + 16
    }
    result.height = max(result.height, depth - 16)
    return result
  }

  /// Between a box and what stands beside it: room for the labels.
  private static func gap(_ item: FlowTree.Item) -> Double {
    sideGap + (item.branches.map { labelWidth($0.label) }.max() ?? 0)
  }

  private static func column(_ branch: FlowTree.Branch) -> Extent {
    let least = labelWidth(branch.label) / 2
    switch branch.way {
    case .chain(let chain):
      var extent = extent(chain)
      extent.left = max(extent.left, least)
      extent.right = max(extent.right, least)
      return extent
    case .reference: return Extent(left: max(least, 30), right: max(least, 30), height: 0)
    case .end:
      let half = max(least, endWidth / 2)
      return Extent(left: half, right: half, height: endHeight)
    }
  }

  // MARK: - Places

  private mutating func place(_ chain: FlowTree.Chain, axis: Double, y: Double) {
    var y = y
    for (index, item) in chain.enumerated() {
      let width = FlowLayout.width(item.step)
      let box = Box(
        step: item.step, lines: FlowLayout.lines(item.step), x: axis - width / 2, y: y,
        width: width, height: FlowLayout.height(item.step))
      boxes.append(box)
      if item.isFork { placeColumns(item, below: box) } else { placeSides(item, beside: box) }
      let next = y + FlowLayout.extent(item).height + FlowLayout.itemGap
      placeTail(item, box, index + 1 < chain.count ? next : nil)
      y = next
    }
  }

  private mutating func placeTail(_ item: FlowTree.Item, _ box: Box, _ next: Double?) {
    let start = Point(x: box.centre, y: box.bottom)
    switch item.tail {
    case .reference(let name):
      references.append(Reference(start: [start], target: name, label: ""))
    case .end:
      let top = box.bottom + FlowLayout.itemGap / 2
      ends.append(Point(x: box.centre - FlowLayout.endWidth / 2, y: top))
      lines.append(Line(points: [start, Point(x: box.centre, y: top)]))
    case .chain, nil:
      guard let next, !item.isFork, item.step.kind != .exit else { return }
      lines.append(
        Line(
          points: [start, Point(x: box.centre, y: next)], label: item.label,
          labelAt: Point(x: box.centre, y: next - FlowLayout.itemGap / 2)))
    }
  }

  private mutating func placeColumns(_ item: FlowTree.Item, below box: Box) {
    let columns = item.branches.map { FlowLayout.column($0) }
    let gaps = FlowLayout.columnGap * Double(max(0, columns.count - 1))
    var x = box.centre - (columns.reduce(0) { $0 + $1.width } + gaps) / 2
    let bus = box.bottom + FlowLayout.bus
    let top = box.bottom + FlowLayout.forkGap
    for (branch, column) in zip(item.branches, columns) {
      let axis = x + column.left
      let start = [
        Point(x: box.centre, y: box.bottom), Point(x: box.centre, y: bus), Point(x: axis, y: bus),
        Point(x: axis, y: top),
      ]
      let labelAt = Point(x: axis, y: bus + (FlowLayout.forkGap - FlowLayout.bus) / 2 - 3)
      switch branch.way {
      case .chain(let chain):
        place(chain, axis: axis, y: top)
        lines.append(Line(points: start, label: branch.label, labelAt: labelAt))
      case .end:
        ends.append(Point(x: axis - FlowLayout.endWidth / 2, y: top))
        lines.append(Line(points: start, label: branch.label, labelAt: labelAt))
      case .reference(let name):
        references.append(
          Reference(start: start, target: name, label: branch.label, labelAt: labelAt))
      }
      x += column.width + FlowLayout.columnGap
    }
  }

  private mutating func placeSides(_ item: FlowTree.Item, beside box: Box) {
    let x = box.right + FlowLayout.gap(item)
    let middle = box.y + box.height / 2
    var y = box.y
    for (index, branch) in item.branches.enumerated() {
      let column = FlowLayout.column(branch)
      var head = FlowLayout.endHeight
      if case .chain(let chain) = branch.way { head = FlowLayout.height(chain[0].step) }
      // The first stands at the height of the box's middle, where the line leaves.
      let top = index == 0 ? middle - head / 2 : y
      var points = [Point(x: box.right, y: middle)]
      if index > 0 {
        points += [
          Point(x: box.right + 12, y: middle), Point(x: box.right + 12, y: top + head / 2),
        ]
      }
      let labelAt = Point(x: (box.right + x) / 2, y: top + head / 2)
      var end = Point(x: x, y: top + head / 2)
      switch branch.way {
      case .chain(let chain):
        end.x += column.left - FlowLayout.width(chain[0].step) / 2
        place(chain, axis: x + column.left, y: top)
        lines.append(Line(points: points + [end], label: branch.label, labelAt: labelAt))
      case .end:
        ends.append(Point(x: x, y: top))
        lines.append(Line(points: points + [end], label: branch.label, labelAt: labelAt))
      case .reference(let name):
        references.append(
          Reference(start: points + [end], target: name, label: branch.label, labelAt: labelAt))
      }
      y = max(y + column.height, top + head) + 16
    }
  }

  // MARK: - Ways to what stands elsewhere

  private mutating func draw(_ reference: Reference) {
    guard let target = boxes.first(where: { $0.step.name == reference.target }),
      var last = reference.start.last
    else { return }
    var points = reference.start
    let bus = target.y - FlowLayout.bus
    let lane = freeLane(last.x, from: last.y + 4, to: bus)
    if lane != last.x {
      let turn = min(last.y + 12, bus)
      points += [Point(x: last.x, y: turn), Point(x: lane, y: turn)]
      last = Point(x: lane, y: turn)
    }
    points += [
      Point(x: last.x, y: bus), Point(x: target.centre, y: bus),
      Point(x: target.centre, y: target.y),
    ]
    lines.append(Line(points: points, label: reference.label, labelAt: reference.labelAt))
  }

  /// The nearest place for a line down that meets no box.
  private func freeLane(_ x: Double, from top: Double, to bottom: Double) -> Double {
    let inWay = boxes.filter { $0.bottom > top && $0.y < bottom }
      .map { ($0.x - 14, $0.right + 14) }
    func isFree(_ x: Double) -> Bool { !inWay.contains { $0.0 < x && x < $0.1 } }
    if isFree(x) { return x }
    let candidates = inWay.flatMap { [$0.0, $0.1] }.filter { isFree($0) && $0 > 0 }
    return candidates.min { abs($0 - x) < abs($1 - x) } ?? x
  }
}
