internal import Messages

/// What each kind of event does to its open cart.
extension Fold {
  mutating func change(
    _ place: PersonGroup.CartPlace, _ body: Tracked.Event, _ event: FoldEvent
  ) {
    if let header = body.header { merge(header, place) }
    switch body.kind {
    case .itemAdded(let added):
      guard let line = added.line else { return }
      group[place].add(line)
      activate(place, event)
    case .itemRemoved(let removed): remove(removed.line, removed.quantity, place, event)
    case .quantityChanged(let changed): setQuantity(changed, place, event)
    case .cartViewed:
      group[place].views &+= 1
      if rules.viewsAreActivity { activate(place, event) }
    case .checkoutStep: activate(place, event)
    case .checkoutLeft:
      activate(place, event)
      group[place].checkoutLeft = true
    case .paymentPending(let pending):
      let span = max(0, pending.timeout?.microseconds ?? 0)
      group[place].paymentPendingUntil = event.order.at.addingClamped(span)
      activate(place, event)
    case .paymentFailed:
      group[place].paymentPendingUntil = 0
      activate(place, event)
      infer(.paymentFailed, event, place)
    case .quoteRequested(let request):
      requestQuote(request, place, event)
    case .deadlineSet(let change):
      group[place].deadline = change.deadline?.microseconds ?? 0
      activate(place, event)
    case .cartEmptied: empty(place, event)
    case .reasonGiven(let given):
      group[place].give(
        Tracked.CartReason(reason: given.reason, basis: given.basis, events: [body.id]))
      touch(place)
    case .signal(let signal):
      if let reason = InferredReasons.reason(ofSignal: signal.name) { infer(reason, event, place) }
    default: break
    }
  }

  mutating func merge(_ header: Tracked.CartHeader, _ place: PersonGroup.CartPlace) {
    let old = group[place].header ?? Tracked.CartHeader()
    let new = old.merged(with: header)
    group[place].header = new
    if new.stage != .unspecified { group[place].stages |= 1 << UInt32(new.stage.rawValue & 31) }
    touch(place)
  }

  private mutating func remove(
    _ line: String, _ quantity: CommonV1.Quantity?, _ place: PersonGroup.CartPlace,
    _ event: FoldEvent
  ) {
    // A line that is not there (its adding was lost, or comes late): somebody is at the cart all
    // the same.
    let isKnown = group[place].take(line, quantity)
    if isKnown && group[place].lines.isEmpty {
      empty(place, event)
    } else {
      activate(place, event)
    }
  }

  private mutating func setQuantity(
    _ change: Tracked.QuantityChanged, _ place: PersonGroup.CartPlace, _ event: FoldEvent
  ) {
    let quantity = change.quantity ?? CommonV1.Quantity()
    guard let index = group[place].lineIndex(change.line) else {
      activate(place, event)
      return
    }
    if quantity.units <= 0 && quantity.nanos <= 0 {
      remove(change.line, nil, place, event)
      return
    }
    group[place].lines[index].quantity = quantity
    group[place].lines[index].lineTotal = change.lineTotal
    activate(place, event)
  }

  private mutating func requestQuote(
    _ request: Tracked.QuoteRequested, _ place: PersonGroup.CartPlace, _ event: FoldEvent
  ) {
    var header = Tracked.CartHeader(stage: .quoteRequested)
    header.quote = request.quote
    merge(header, place)
    if let deadline = request.deadline { group[place].deadline = deadline.microseconds }
    activate(place, event)
  }

  private mutating func empty(_ place: PersonGroup.CartPlace, _ event: FoldEvent) {
    group[place].lines = []
    group[place].active = event.order
    close(place, .emptied, at: event.order.at, by: event.order)
  }

  mutating func infer(
    _ reason: Tracked.LeaveReason, _ event: FoldEvent, _ place: PersonGroup.CartPlace
  ) {
    group[place].give(
      Tracked.CartReason(reason: reason, basis: .inferred, events: [event.order.event]))
    touch(place)
  }

  /// Another system says that the cart is abandoned (C09).
  mutating func applyDeclaration(_ declaration: Tracked.DeclarationRecord, _ event: FoldEvent) {
    guard let place = group.cart(named: declaration.cart, for: event.member),
      group[place].isOpen
    else { return }
    settle(place, until: event.order.at)
    if declaration.reason != .unspecified {
      group[place].give(
        Tracked.CartReason(
          reason: declaration.reason, basis: .stated, events: [declaration.id]))
      touch(place)
    }
    guard group[place].state == .open, !group[place].lines.isEmpty,
      mayDetect(place, until: event.order.at)
    else { return }
    let abandonment = Abandonment(at: event.order.at, trigger: .declared, window: nil)
    let enrols = !event.record.tooLate && isAfterSwitch(group[place])
    begin(group[place].episode(abandonment, enrols: enrols), at: place)
  }
}

extension Tracked.StoredCart {
  private static let reasonEventsMax = 64
  private static let reasonsMax = 32

  /// A line's id, or where it has none its SKU.
  func lineIndex(_ id: String) -> Int? {
    lines.firstIndex { $0.key == id } ?? lines.firstIndex { $0.sku == id }
  }

  /// A line that is there grows and takes the other values; its total holds only if it is stated.
  mutating func add(_ line: Tracked.CartLine) {
    guard let index = lines.firstIndex(where: { $0.key == line.key }) else {
      lines.append(line)
      return
    }
    let quantity = lines[index].quantity.sum(with: line.quantity)
    lines[index] = lines[index].merged(with: line)
    lines[index].quantity = quantity
    lines[index].lineTotal = line.lineTotal
  }

  /// Takes a quantity, or all of it, from a line; false where there is no such line.
  mutating func take(_ id: String, _ quantity: CommonV1.Quantity?) -> Bool {
    guard let index = lineIndex(id) else { return false }
    if let quantity, let rest = lines[index].quantity.rest(without: quantity) {
      lines[index].quantity = rest
      lines[index].lineTotal = nil
    } else {
      lines.remove(at: index)
    }
    return true
  }

  /// CORRECTED outweighs STATED, which outweighs INFERRED (C21); events add up.
  mutating func give(_ reason: Tracked.CartReason) {
    if reason.basis == .corrected { reasons.removeAll { $0.basis != .corrected } }
    guard let index = reasons.firstIndex(where: { $0.reason == reason.reason }) else {
      let hasCorrection = reasons.contains { $0.basis == .corrected }
      if reasons.count < Self.reasonsMax && !(hasCorrection && reason.basis == .inferred) {
        reasons.append(reason)
      }
      return
    }
    if reason.basis.weight > reasons[index].basis.weight { reasons[index].basis = reason.basis }
    for event in reason.events where reasons[index].events.count < Self.reasonEventsMax {
      if !reasons[index].events.contains(event) { reasons[index].events.append(event) }
    }
  }
}

extension Tracked.CartReason.Basis {
  fileprivate var weight: Int {
    switch self {
    case .corrected: 3
    case .stated: 2
    case .inferred: 1
    default: 0
    }
  }
}

extension Tracked.CartLine {
  var key: String { id.isEmpty ? sku : id }

  /// Values that are stated replace those that were known.
  fileprivate func merged(with new: Tracked.CartLine) -> Tracked.CartLine {
    var line = new
    if line.name.isEmpty { line.name = name }
    if line.imageURL.isEmpty { line.imageURL = imageURL }
    if line.productURL.isEmpty { line.productURL = productURL }
    if line.unitPrice == nil {
      line.unitPrice = unitPrice
      line.priceBase = priceBase
      line.gross = gross
    }
    if line.taxRate == nil { line.taxRate = taxRate }
    if line.configuration.isEmpty { line.configuration = configuration }
    line.service = service || new.service
    return line
  }
}

extension Tracked.CartHeader {
  /// Every field that is set replaces what was known.
  fileprivate func merged(with new: Tracked.CartHeader) -> Tracked.CartHeader {
    var header = self
    if new.kind != .unspecified { header.kind = new.kind }
    if new.place != .unspecified { header.place = new.place }
    if new.offerClass != .unspecified { header.offerClass = new.offerClass }
    if new.device != .unspecified { header.device = new.device }
    if new.stage != .unspecified { header.stage = new.stage }
    if !new.checkoutStep.isEmpty { header.checkoutStep = new.checkoutStep }
    if !new.company.isEmpty { header.company = new.company }
    if !new.url.isEmpty { header.url = new.url }
    if !new.quote.isEmpty { header.quote = new.quote }
    header.discount = new.discount ?? discount
    header.shipping = new.shipping ?? shipping
    header.tax = new.tax ?? tax
    return header
  }
}

extension CommonV1.Quantity? {
  private static let billion: Int64 = 1_000_000_000

  /// Absent means one piece.
  var stated: CommonV1.Quantity { self ?? CommonV1.Quantity(units: 1) }

  /// The sum; in another unit the newer one replaces the older.
  fileprivate func sum(with new: CommonV1.Quantity?) -> CommonV1.Quantity {
    let (old, new) = (stated, new.stated)
    guard old.unitCode == new.unitCode else { return new }
    return Self.quantity(
      old.units.addingClamped(new.units), Int64(old.nanos) + Int64(new.nanos), old.unitCode)
  }

  /// What stays when this much goes; nil where nothing does.
  func rest(without taken: CommonV1.Quantity) -> CommonV1.Quantity? {
    let old = stated
    guard old.unitCode == taken.unitCode else { return nil }
    let rest = Self.quantity(
      old.units.addingClamped(-max(taken.units, -.max)), Int64(old.nanos) - Int64(taken.nanos),
      old.unitCode)
    return rest.units > 0 || (rest.units == 0 && rest.nanos > 0) ? rest : nil
  }

  private static func quantity(
    _ units: Int64, _ nanos: Int64, _ unitCode: String
  ) -> CommonV1.Quantity {
    var (units, nanos) = (units.addingClamped(nanos / billion), nanos % billion)
    if units > 0 && nanos < 0 { (units, nanos) = (units - 1, nanos + billion) }
    if units < 0 && nanos > 0 { (units, nanos) = (units + 1, nanos - billion) }
    return CommonV1.Quantity(units: units, nanos: Int32(nanos), unitCode: unitCode)
  }
}
