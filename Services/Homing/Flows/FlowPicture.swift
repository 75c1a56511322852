internal import Messages

/// A flow as one self-contained SVG: no script, no address, no font that a viewer lacks.
struct FlowPicture {
  private let layout: FlowLayout
  private static let top = 148.0
  private static let margin = 40.0

  init(_ tree: FlowTree) {
    layout = FlowLayout(tree, top: FlowPicture.top, margin: FlowPicture.margin)
  }

  /// The picture without a line break at its end.
  func svg(title: String, subtitle: String) -> String {
    let headWidth = max(SVGText.width(title, 22), SVGText.width(subtitle, 13)) + 80
    let width = Self.number(max(layout.width, headWidth, 360))
    let height = Self.number(max(layout.height, 220))
    var parts = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(width)\" height=\"\(height)\" "
        + "viewBox=\"0 0 \(width) \(height)\" role=\"img\" "
        + "aria-label=\"\(SVGText.escaped(subtitle))\">",
      "<title>\(SVGText.escaped(title))</title>",
      Self.style,
      "<rect class=\"page\" width=\"\(width)\" height=\"\(height)\"/>",
      "<text class=\"title\" x=\"40\" y=\"48\">\(SVGText.escaped(title))</text>",
      "<text class=\"sub\" x=\"40\" y=\"72\">\(SVGText.escaped(subtitle))</text>",
    ]
    parts += start()
    parts += layout.lines.map(path)
    parts += layout.boxes.map(box)
    parts += layout.ends.map { mark("end", $0) }
    parts += layout.lines.compactMap(label)
    parts.append("</svg>")
    return parts.joined(separator: "\n")
  }

  // MARK: - Parts

  private func start() -> [String] {
    guard let first = layout.boxes.first else {
      return ["<text class=\"sub\" x=\"40\" y=\"120\">The flow has no step.</text>"]
    }
    let (x, y) = (first.centre, first.y)
    return [
      "<circle class=\"start\" cx=\"\(Self.number(x))\" cy=\"\(Self.number(y - 36))\" r=\"7\"/>",
      path(
        FlowLayout.Line(points: [
          FlowLayout.Point(x: x, y: y - 29), FlowLayout.Point(x: x, y: y),
        ])),
    ]
  }

  private func box(_ box: FlowLayout.Box) -> String {
    if box.step.kind == .exit { return exit(box) }
    let colour = Self.colour(box.step)
    let (x, y) = (Self.number(box.x), Self.number(box.y))
    let height = Self.number(box.height)
    let text = Self.number(box.x + 18)
    var parts = [
      "<g><title>\(SVGText.escaped("\(box.step.name): \(box.step.summary)"))</title>",
      "<rect class=\"box\" x=\"\(x)\" y=\"\(y)\" width=\"\(Self.number(box.width))\" "
        + "height=\"\(height)\" rx=\"8\"/>",
      "<path fill=\"\(colour)\" d=\"M\(Self.number(box.x + 6)) \(y)a6 6 0 0 0 -6 6"
        + "v\(Self.number(box.height - 12))a6 6 0 0 0 6 6z\"/>",
      "<text class=\"kind\" fill=\"\(colour)\" x=\"\(text)\" y=\"\(Self.number(box.y + 18))\">"
        + "\(SVGText.escaped(Self.kind(box.step)))</text>",
    ]
    for (index, line) in box.lines.enumerated() {
      let y = Self.number(box.y + 37 + 18 * Double(index))
      parts.append(
        "<text class=\"what\" x=\"\(text)\" y=\"\(y)\">\(SVGText.escaped(line))</text>")
    }
    let name = SVGText.escaped(
      box.step.name.count > 34 ? box.step.name.prefix(33) + "…" : box.step.name)
    let nameY = Self.number(box.bottom - 10)
    parts.append("<text class=\"name\" x=\"\(text)\" y=\"\(nameY)\">\(name)</text></g>")
    return parts.joined()
  }

  private func exit(_ box: FlowLayout.Box) -> String {
    "<g><title>\(SVGText.escaped("\(box.step.name): \(box.step.summary)"))</title>"
      + mark("exit", FlowLayout.Point(x: box.x, y: box.y)) + "</g>"
  }

  /// A dark mark at which an enrolment ends.
  private func mark(_ text: String, _ point: FlowLayout.Point) -> String {
    let (width, height) = (FlowLayout.endWidth, FlowLayout.endHeight)
    return "<rect class=\"end\" x=\"\(Self.number(point.x))\" y=\"\(Self.number(point.y))\" "
      + "width=\"\(Self.number(width))\" height=\"\(Self.number(height))\" rx=\"13\"/>"
      + "<text class=\"endtext\" x=\"\(Self.number(point.x + width / 2))\" "
      + "y=\"\(Self.number(point.y + height / 2 + 4))\">\(text)</text>"
  }

  /// A line with round corners and an arrow at its end.
  private func path(_ line: FlowLayout.Line) -> String {
    var points: [FlowLayout.Point] = []
    for point in line.points where points.last != point { points.append(point) }
    guard let first = points.first, points.count > 1 else { return "" }
    var text = "M\(Self.pair(first))"
    for index in points.indices.dropFirst().dropLast() {
      let (before, corner, after) = (points[index - 1], points[index], points[index + 1])
      let radius = min(10, Self.distance(before, corner) / 2, Self.distance(corner, after) / 2)
      text += "L\(Self.pair(Self.toward(corner, before, radius)))"
      text += "Q\(Self.pair(corner)) \(Self.pair(Self.toward(corner, after, radius)))"
    }
    let (tip, before) = (points[points.count - 1], points[points.count - 2])
    let length = Self.distance(before, tip)
    guard length > 0 else { return "" }
    let (dx, dy) = ((tip.x - before.x) / length, (tip.y - before.y) / length)
    let base = FlowLayout.Point(x: tip.x - 7 * dx, y: tip.y - 7 * dy)
    let left = FlowLayout.Point(x: base.x - 4 * dy, y: base.y + 4 * dx)
    let right = FlowLayout.Point(x: base.x + 4 * dy, y: base.y - 4 * dx)
    return "<path class=\"line\" d=\"\(text)L\(Self.pair(base))\"/>"
      + "<path class=\"tip\" d=\"M\(Self.pair(tip))L\(Self.pair(left))L\(Self.pair(right))z\"/>"
  }

  private func label(_ line: FlowLayout.Line) -> String? {
    guard !line.label.isEmpty, let at = line.labelAt else { return nil }
    let text = SVGText.label(line.label)
    let width = SVGText.width(text, 12) + 16
    return "<g><title>\(SVGText.escaped(line.label))</title>"
      + "<rect class=\"tag\" x=\"\(Self.number(at.x - width / 2))\" "
      + "y=\"\(Self.number(at.y - 11))\" width=\"\(Self.number(width))\" height=\"22\" rx=\"11\"/>"
      + "<text class=\"label\" x=\"\(Self.number(at.x))\" y=\"\(Self.number(at.y + 4))\">"
      + "\(SVGText.escaped(text))</text></g>"
  }

  // MARK: - Looks

  private static let style = """
    <style>
    text { font-family: -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "Liberation \
    Sans", sans-serif; }
    .page { fill: #f6f7f9; }
    .title { font-size: 22px; font-weight: 600; fill: #0f172a; }
    .sub { font-size: 13px; fill: #64748b; }
    .box { fill: #ffffff; stroke: #d5dae1; stroke-width: 1; }
    .kind { font-size: 10px; font-weight: 600; letter-spacing: 0.08em; }
    .what { font-size: 14px; fill: #0f172a; }
    .name { font-size: 11px; fill: #64748b; }
    .line { fill: none; stroke: #94a3b8; stroke-width: 1.5; }
    .tip { fill: #94a3b8; }
    .tag { fill: #eef1f5; stroke: #d5dae1; stroke-width: 1; }
    .label { font-size: 12px; fill: #334155; text-anchor: middle; }
    .start { fill: #0f172a; }
    .end { fill: #334155; }
    .endtext { font-size: 12px; fill: #ffffff; text-anchor: middle; }
    </style>
    """

  private static func colour(_ step: SchedulerV1.FlowStep) -> String {
    switch step.kind {
    case .pause: "#64748b"
    case .evaluateData, .evaluateEvent, .split: "#7c3aed"
    case .send: step.channel == .letter || step.channel == .postcard ? "#b45309" : "#2563eb"
    case .exit: "#334155"
    default: "#047857"
    }
  }

  private static func kind(_ step: SchedulerV1.FlowStep) -> String {
    if step.kind == .send && step.channel == .email { return "E-MAIL" }
    let name =
      step.kind == .send
      ? FlowTexts.channel.name(step.channel) : FlowTexts.kind.name(step.kind)
    return String(name.map { $0 == "_" ? " " : $0 }).uppercased()
  }

  // MARK: - Numbers

  /// At most one digit after the point.
  private static func number(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    let sign = tenths < 0 ? "-" : ""
    let (whole, rest) = abs(tenths).quotientAndRemainder(dividingBy: 10)
    return rest == 0 ? "\(sign)\(whole)" : "\(sign)\(whole).\(rest)"
  }

  private static func pair(_ point: FlowLayout.Point) -> String {
    "\(number(point.x)) \(number(point.y))"
  }

  private static func distance(_ a: FlowLayout.Point, _ b: FlowLayout.Point) -> Double {
    // Lines run along the axes.
    abs(a.x - b.x) + abs(a.y - b.y)
  }

  private static func toward(
    _ from: FlowLayout.Point, _ to: FlowLayout.Point, _ length: Double
  ) -> FlowLayout.Point {
    let whole = distance(from, to)
    guard whole > 0 else { return from }
    let share = length / whole
    return FlowLayout.Point(
      x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share)
  }
}
