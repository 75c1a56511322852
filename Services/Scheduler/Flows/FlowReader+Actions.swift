internal import Messages
internal import ServiceKit

/// Steps that do something.
extension FlowReader {
  mutating func pause(_ node: YAMLNode, _ path: String) -> Pause? {
    let range = PlainValues.second...(730 * day)
    guard case .fields = node.value else {
      return period(node, path, range, monthsMax: 24).map { Pause(period: $0) }
    }
    guard let fields = fields(node, path, required: [], optional: ["for", "until"]) else {
      return nil
    }
    let length = fields["for"].flatMap { period($0, "\(path).for", range, monthsMax: 24) }
    let until = fields["until"].flatMap { localTime($0, "\(path).until") }
    if fields.isEmpty { problems.add(node, path, "wants for, until, or both") }
    if length == nil && until == nil { return nil }
    return Pause(period: length, until: until)
  }

  private mutating func localTime(_ node: YAMLNode, _ path: String) -> Pause.LocalTime? {
    guard let text = text(node, path) else { return nil }
    do {
      return try PlainValues.localTime(text)
    } catch {
      add(error, node, path, "\(Quoted.text(text)) is no time such as 09:00 or monday 09:00")
      return nil
    }
  }

  private mutating func add(
    _ fault: SendWindowText.Fault, _ node: YAMLNode, _ path: String, _ malformed: String
  ) {
    switch fault {
    case .malformed: problems.add(node, path, malformed)
    case .unknownDay(let day):
      let hint = NearestWord.hint(day, in: SendWindowText.weekdays)
      problems.add(node, path, "\(Quoted.text(day)) is no day of the week\(hint)")
    }
  }

  // MARK: - Sending

  private static let channels: [String: CommonV1.Channel] = [
    "send e-mail": .email, "send sms": .sms, "send chat": .chat, "send push": .push,
    "send letter": .letter, "send postcard": .postcard, "send internal": .internal,
    "send webhook": .webhook,
  ]

  mutating func send(
    _ key: String, _ node: YAMLNode, _ path: String, _ place: String, _ depth: Int
  ) -> FlowDraft.Action? {
    guard let channel = FlowReader.channels[key] else { return nil }
    let isPrinted = channel == .letter || channel == .postcard
    var step = SendStep(
      channel: channel, template: "", expires: isPrinted ? 7 * day : 2 * day, purpose: "",
      parameters: [], recipients: [], copies: [], fallback: nil)
    guard case .fields = node.value else {
      guard channel != .webhook else {
        problems.add(node, path, "wants fields: template, and to for the endpoint's name")
        return nil
      }
      guard let template = name(node, path) else { return nil }
      step.template = template
      return .send(step, ifNotSent: nil)
    }
    var optional = ["expires", "purpose", "parameters", "if not sent"]
    if channel == .internal { optional.append("to") }
    if channel == .email { optional.append("copies") }
    if channel.hasHours { optional.append("window") }
    if channel.reachesPeople { optional.append("cap") }
    let required = channel == .webhook ? ["template", "to"] : ["template"]
    guard let fields = fields(node, path, required: required, optional: optional) else {
      return nil
    }
    step.template = fields["template"].flatMap { name($0, "\(path).template") } ?? ""
    if let expires = fields["expires"] {
      step.expires =
        span(expires, "\(path).expires", PlainValues.minute...(30 * day)) ?? step.expires
    }
    step.purpose = fields["purpose"].flatMap { name($0, "\(path).purpose") } ?? ""
    step.window = fields["window"].flatMap { window($0, "\(path).window") }
    if let cap = fields["cap"] { step.isDroppedByCap = isDroppedByCap(cap, "\(path).cap") }
    step.parameters = fields["parameters"].map { parameters($0, "\(path).parameters") } ?? []
    if let to = fields["to"] {
      let countMax = channel == .webhook ? 1 : 64
      step.recipients = texts(to, "\(path).to", countMax: countMax, bytesMax: 128) ?? []
    }
    if let copies = fields["copies"] { step.copies = addresses(copies, "\(path).copies") }
    let ifNotSent = fields["if not sent"].map {
      steps($0, "\(path).if not sent", "\(place).else.", depth + 1)
    }
    return .send(step, ifNotSent: ifNotSent)
  }

  private mutating func window(_ node: YAMLNode, _ path: String) -> CommonV1.SendWindow? {
    guard let text = text(node, path) else { return nil }
    do {
      return try SendWindowText.parse(text)
    } catch {
      add(
        error, node, path,
        "\(Quoted.text(text)) are no hours such as 09:00-17:00 or mon-fri 09:00-17:00")
      return nil
    }
  }

  private mutating func parameters(_ node: YAMLNode, _ path: String) -> [CommonV1.Attribute] {
    guard case .fields(let fields) = node.value, fields.count <= 64 else {
      problems.add(node, path, "wants fields, a name and a value each, at most 64")
      return []
    }
    return fields.compactMap { parameter($0.key, $0.value, path) }
  }

  private mutating func addresses(_ node: YAMLNode, _ path: String) -> [String] {
    let addresses = texts(node, path, countMax: 16, bytesMax: 254) ?? []
    for address in addresses where !isAddress(address) {
      problems.add(node, path, "\(Quoted.text(address)) is no e-mail address")
    }
    return addresses
  }

  private func isAddress(_ text: String) -> Bool {
    let parts = text.split(separator: "@", omittingEmptySubsequences: false)
    return parts.count == 2 && !parts[0].isEmpty && parts[1].contains(".")
      && !parts[1].hasPrefix(".") && !parts[1].hasSuffix(".")
      && text.unicodeScalars.allSatisfy {
        !$0.properties.isWhitespace && !"<>,;".unicodeScalars.contains($0)
      }
  }

  // MARK: - Incentives and tags

  /// Such as `10 %`, `5 EUR`, `free shipping`, `200 points`, or these with fields.
  mutating func incentive(_ node: YAMLNode, _ path: String) -> IncentiveStep? {
    guard case .fields = node.value else {
      return give(node, path).map { IncentiveStep(incentive: $0) }
    }
    guard
      let fields = fields(
        node, path, required: ["give"], optional: ["code", "item", "valid for"]),
      var incentive = fields["give"].flatMap({
        give($0, "\(path).give", hasItem: fields["item"] != nil)
      })
    else { return nil }
    incentive.code = fields["code"].flatMap { name($0, "\(path).code") } ?? ""
    if let item = fields["item"] {
      incentive.item = words(item, "\(path).item", bytesMax: 2048) ?? ""
      if incentive.kind != .sample && incentive.kind != .resource {
        problems.add(
          item, "\(path).item", "belongs to a sample (its SKU) or a resource (its address)")
      } else if incentive.kind == .resource && !incentive.item.hasPrefix("https://") {
        problems.add(item, "\(path).item", "is an address that begins with https://")
      }
    }
    let validFor = fields["valid for"].flatMap {
      span($0, "\(path).valid for", PlainValues.hour...(730 * day))
    }
    return IncentiveStep(incentive: incentive, validFor: validFor)
  }

  /// The name of an incentive of the store, or `incentive` with `otherwise`.
  mutating func give(
    _ node: YAMLNode, _ path: String, _ place: String, _ depth: Int
  ) -> FlowDraft.Action? {
    guard case .fields = node.value else {
      return name(node, path).map { .give(GiveStep(incentive: $0), otherwise: nil) }
    }
    guard
      let fields = fields(node, path, required: ["incentive"], optional: ["otherwise"])
    else { return nil }
    let given = fields["incentive"].flatMap { name($0, "\(path).incentive") }
    let otherwise = fields["otherwise"].map {
      steps($0, "\(path).otherwise", "\(place).else.", depth + 1)
    }
    return .give(GiveStep(incentive: given ?? ""), otherwise: otherwise)
  }

  private mutating func give(
    _ node: YAMLNode, _ path: String, hasItem: Bool = false
  ) -> CommonV1.Incentive? {
    guard let text = text(node, path) else { return nil }
    if let points = basisPoints(text), points > 0 {
      return .init(kind: .percentage, basisPoints: UInt32(points))
    }
    if let money = PlainValues.money(text), money.units > 0 || money.nanos > 0 {
      return .init(kind: .amount, amount: money)
    }
    let parts = text.split(separator: " ")
    if parts.count == 2, parts[1] == "points", let points = UInt32(parts[0]), points > 0 {
      return .init(kind: .loyaltyPoints, points: points)
    }
    switch text {
    case "free shipping": return .init(kind: .freeShipping)
    case "sample", "resource":
      if !hasItem { problems.add(node, path, "\(text) wants item beside it") }
      return .init(kind: text == "sample" ? .sample : .resource)
    default:
      problems.add(
        node, path,
        "\(Quoted.text(text)) is none of: 10 %, 5 EUR, free shipping, 200 points, sample, resource")
      return nil
    }
  }

  mutating func tag(_ node: YAMLNode, _ path: String) -> FlowDraft.Action? {
    guard let fields = fields(node, path, required: [], optional: ["add", "remove"]) else {
      return nil
    }
    let added = fields["add"].flatMap { texts($0, "\(path).add", countMax: 32, bytesMax: 64) } ?? []
    let removed =
      fields["remove"].flatMap { texts($0, "\(path).remove", countMax: 32, bytesMax: 64) } ?? []
    if fields.isEmpty { problems.add(node, path, "wants add, remove, or both") }
    for tag in added where removed.contains(tag) {
      problems.add(node, path, "\(Quoted.text(tag)) is both added and removed")
    }
    return .tag(add: added, remove: removed)
  }
}
