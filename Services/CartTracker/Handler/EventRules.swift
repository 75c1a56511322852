internal import Messages
internal import Wire

/// What an event must be like, beyond what the contract's options say of each field.
struct EventRules {
  /// Events of another century are a source's mistake.
  static let instants: ClosedRange<Int64> = 0...253_402_300_799_000_000

  private(set) var violations: [RPCError.FieldViolation] = []

  /// At most as many as travel.
  private static let violationsMax = 32

  var isFull: Bool { violations.count >= Self.violationsMax }

  /// - Parameter path: such as `events[3]`.
  mutating func check(_ event: Tracked.Event, _ path: String) {
    if event.contact.isEmpty && event.guest.isEmpty {
      add("\(path).contact", "contact or guest is needed, both are empty")
    }
    if let at = event.at, !Self.instants.contains(at.microseconds) {
      add("\(path).at", "must lie from 1970 on, is \(at.seconds) s")
    }
    if let header = event.header {
      check(header.discount, "\(path).header.discount")
      check(header.shipping, "\(path).header.shipping")
      check(header.tax, "\(path).header.tax")
    }
    switch event.kind {
    case .itemAdded(let added): check(added.line, "\(path).item_added.line")
    case .itemRemoved(let removed):
      check(positive: removed.quantity, "\(path).item_removed.quantity")
    case .quantityChanged(let changed):
      check(changed.quantity, "\(path).quantity_changed.quantity")
      check(changed.lineTotal, "\(path).quantity_changed.line_total")
    case .paymentPending(let pending):
      if let span = pending.timeout, span.microseconds <= 0 {
        add("\(path).payment_pending.timeout", "must be more than zero, is \(span.seconds) s")
      }
    case .purchase(let purchase): check(purchase, "\(path).purchase")
    case .purchaseReversed(let reversal):
      check(reversal.amount, "\(path).purchase_reversed.amount")
    case .identify:
      if event.contact.isEmpty || event.guest.isEmpty {
        add("\(path).identify", "needs a contact and a guest")
      }
    case .contactUpserted(let upsert):
      needContact(event, "\(path).contact_upserted")
      if let profile = upsert.profile { check(profile, "\(path).contact_upserted.profile") }
    case .tagsChanged: needContact(event, "\(path).tags_changed")
    case .reasonGiven(let given):
      if given.basis != .stated && given.basis != .corrected {
        add("\(path).reason_given.basis", "must be STATED or CORRECTED, is \(given.basis)")
      }
    case nil: add("\(path).kind", "exactly one kind is needed, there is none that is known here")
    default: break
    }
  }

  private mutating func needContact(_ event: Tracked.Event, _ path: String) {
    if event.contact.isEmpty { add(path, "needs a contact") }
  }

  private mutating func check(_ line: Tracked.CartLine?, _ path: String) {
    guard let line else { return }
    check(positive: line.quantity, "\(path).quantity")
    check(positive: line.priceBase, "\(path).price_base")
    check(line.unitPrice, "\(path).unit_price")
    check(line.lineTotal, "\(path).line_total")
  }

  private mutating func check(_ purchase: Tracked.Purchase, _ path: String) {
    check(purchase.total, "\(path).total")
    check(purchase.discount, "\(path).discount")
    check(purchase.shipping, "\(path).shipping")
    check(purchase.tax, "\(path).tax")
    for (index, line) in purchase.lines.enumerated() where !isFull {
      check(positive: line.quantity, "\(path).lines[\(index)].quantity")
      check(line.lineTotal, "\(path).lines[\(index)].line_total")
    }
  }

  mutating func check(_ profile: Tracked.ContactProfile, _ path: String) {
    for attribute in profile.attributes {
      if case .money(let money)? = attribute.value { check(money, "\(path).attributes") }
    }
    for (index, consent) in profile.consents.enumerated() where !isFull {
      for violation in ConsentRules.violations(of: consent, "\(path).consents[\(index)]") {
        add(violation.field, violation.detail)
      }
    }
    let known: Set = [
      "given_name", "family_name", "title", "salutation", "company", "company_name", "locale",
      "time_zone", "destinations", "address",
    ]
    for (index, name) in profile.cleared.enumerated() where !known.contains(name) {
      add("\(path).cleared[\(index)]", "names no field that can be emptied")
    }
  }

  private mutating func check(_ money: CommonV1.Money?, _ path: String) {
    guard let money else { return }
    let code = money.currencyCode.utf8
    if code.count != 3 || !code.allSatisfy((UInt8(ascii: "A")...UInt8(ascii: "Z")).contains) {
      add("\(path).currency_code", "must be three capital letters, has \(code.count) bytes")
    }
    checkNanos(money.units, money.nanos, path)
  }

  private mutating func check(_ quantity: CommonV1.Quantity?, _ path: String) {
    guard let quantity else { return }
    checkNanos(quantity.units, quantity.nanos, path)
    if quantity.units < 0 || quantity.nanos < 0 { add(path, "must not be negative") }
  }

  private mutating func check(positive quantity: CommonV1.Quantity?, _ path: String) {
    guard let quantity else { return }
    check(quantity, path)
    if quantity.units == 0 && quantity.nanos == 0 { add(path, "must be more than zero") }
  }

  private mutating func checkNanos(_ units: Int64, _ nanos: Int32, _ path: String) {
    if !(-999_999_999...999_999_999).contains(nanos) {
      add("\(path).nanos", "must lie from -999,999,999 to 999,999,999, is \(nanos)")
    } else if (units < 0 && nanos > 0) || (units > 0 && nanos < 0) {
      add("\(path).nanos", "must have the sign of units")
    }
  }

  private mutating func add(_ field: String, _ detail: String) {
    if !isFull { violations.append(.init(field: field, detail: detail)) }
  }
}
