internal import Messages

/// Turns records of a file into events.
struct RowMapping: Sendable {
  let columns: ColumnMap
  let kinds: KindMap
  let time: TimeFormat
  /// Of rows without a store.
  let store: String
  /// ISO 4217, of prices without a currency.
  let currency: String
  /// First part of the ids of events that have none: says which file they are of.
  var idPrefix = ""

  private static let idBytesMax = 128

  /// - Parameter number: the row's, from 1.
  func row(_ record: CSVRecord, number: UInt64) throws(RowRefusal) -> ReplayRow {
    if let fault = record.fault { throw RowRefusal("the record " + fault) }
    let fields = RowFields(record: record, columns: columns)
    let at = try self.at(fields)
    let kind = try self.kind(fields)
    var event = CartTrackerV1.Event(
      at: Protobuf.Timestamp(microseconds: at), sourceOrder: number,
      contact: try fields.text(.contact, bytesMax: Self.idBytesMax),
      guest: try fields.text(.guest, bytesMax: Self.idBytesMax),
      cart: try fields.text(.cart, bytesMax: Self.idBytesMax))
    event.id = try fields.text(.event, bytesMax: Self.idBytesMax)
    if event.id.isEmpty { event.id = "\(idPrefix)-\(number)" }
    if event.contact.isEmpty && event.guest.isEmpty {
      throw RowRefusal("it names neither contact nor guest")
    }
    event.header = try header(fields)
    event.kind = try eventKind(kind, fields, event.id)
    var store = try fields.text(.store, bytesMax: 64)
    if store.isEmpty { store = self.store }
    return ReplayRow(
      number: number, at: at, sentAt: at, store: store, event: event,
      byteCount: record.bytes.count + 96)
  }

  private func at(_ fields: RowFields) throws(RowRefusal) -> Int64 {
    guard let field = fields[.time], !field.isEmpty else { throw RowRefusal("it has no time") }
    guard let at = time.microseconds(field) else {
      throw RowRefusal("its time \(RowRefusal.quoted(field)) is not in the format given")
    }
    return at
  }

  private func kind(_ fields: RowFields) throws(RowRefusal) -> ReplayKind {
    guard let field = fields[.kind], !field.isEmpty else { throw RowRefusal("it has no kind") }
    guard let kind = kinds[field] else {
      throw RowRefusal("its kind \(RowRefusal.quoted(field)) is not known")
    }
    return kind
  }

  private func header(_ fields: RowFields) throws(RowRefusal) -> CartTrackerV1.CartHeader? {
    let header = CartTrackerV1.CartHeader(
      kind: try fields.value(.cartKind, CartTexts.kind) ?? .unspecified,
      place: try fields.value(.place, CartTexts.place) ?? .unspecified,
      offerClass: try fields.value(.offerClass, CartTexts.offerClass) ?? .unspecified,
      device: try fields.value(.device, CartTexts.device) ?? .unspecified,
      stage: try fields.value(.stage, CartTexts.stage) ?? .unspecified,
      checkoutStep: try fields.text(.step, bytesMax: 64),
      company: try fields.text(.company, bytesMax: 128),
      url: try fields.text(.url, bytesMax: 2048), quote: try fields.text(.quote, bytesMax: 128))
    return header == CartTrackerV1.CartHeader() ? nil : header
  }

  private func eventKind(
    _ kind: ReplayKind, _ fields: RowFields, _ id: String
  ) throws(RowRefusal) -> CartTrackerV1.Event.Kind {
    let item = try fields.text(.item, bytesMax: Self.idBytesMax)
    if kind.needsItem && item.isEmpty { throw RowRefusal("it has no item") }
    switch kind {
    case .add: return .itemAdded(.init(line: try line(item, fields)))
    case .remove:
      return .itemRemoved(.init(line: item, quantity: try fields.quantity()))
    case .change:
      guard let quantity = try fields.quantity() else { throw RowRefusal("it has no quantity") }
      return .quantityChanged(.init(line: item, quantity: quantity))
    case .view: return .cartViewed(.init())
    case .step: return .checkoutStep(.init())
    case .left: return .checkoutLeft(.init())
    case .pending: return .paymentPending(.init(timeout: .init(.seconds(30 * 60))))
    case .failed: return .paymentFailed(.init())
    case .quote:
      let quote = try fields.text(.quote, bytesMax: Self.idBytesMax)
      return .quoteRequested(.init(quote: quote, deadline: try deadline(fields)))
    case .deadline: return .deadlineSet(.init(deadline: try deadline(fields)))
    case .purchase, .purchaseLine, .reverse: return try order(kind, item, fields, id)
    case .empty: return .cartEmptied(.init())
    case .reason: return .reasonGiven(try reason(fields))
    case .identify: return .identify(.init(evidence: .login))
    case .contact: return .contactUpserted(.init(profile: try profile(fields)))
    case .tag: return .tagsChanged(.init(added: [try tag(fields)]))
    case .untag: return .tagsChanged(.init(removed: [try tag(fields)]))
    }
  }

  private func line(
    _ item: String, _ fields: RowFields
  ) throws(RowRefusal) -> CartTrackerV1.CartLine {
    CartTrackerV1.CartLine(
      sku: item, name: try fields.text(.name, bytesMax: 256),
      imageURL: try fields.text(.image, bytesMax: 2048),
      productURL: try fields.text(.productURL, bytesMax: 2048), quantity: try fields.quantity(),
      unitPrice: try fields.money(currency),
      configuration: try fields.text(.configuration, bytesMax: 4096))
  }

  /// Without an order's id the event's own stands in for it.
  private func order(
    _ kind: ReplayKind, _ item: String, _ fields: RowFields, _ id: String
  ) throws(RowRefusal) -> CartTrackerV1.Event.Kind {
    var order = try fields.text(.order, bytesMax: Self.idBytesMax)
    if kind == .reverse {
      guard !order.isEmpty else { throw RowRefusal("it has no order") }
      return .purchaseReversed(.init(order: order, amount: try fields.money(currency)))
    }
    if order.isEmpty { order = id }
    let quote = try fields.text(.quote, bytesMax: Self.idBytesMax)
    let company = try fields.text(.company, bytesMax: 128)
    let lines =
      kind == .purchaseLine
      ? [CartTrackerV1.OrderLine(sku: item, quantity: try fields.quantity())] : []
    return .purchase(
      .init(
        order: order, lines: lines, total: try fields.money(currency), quote: quote,
        company: company))
  }

  private func deadline(_ fields: RowFields) throws(RowRefusal) -> Protobuf.Timestamp? {
    guard let field = fields[.deadline], !field.isEmpty else { return nil }
    guard let at = time.microseconds(field) else {
      throw RowRefusal("its deadline \(RowRefusal.quoted(field)) is not in the format given")
    }
    return Protobuf.Timestamp(microseconds: at)
  }

  private func reason(_ fields: RowFields) throws(RowRefusal) -> CartTrackerV1.ReasonGiven {
    guard let reason = try fields.value(.reason, CartTexts.reason) else {
      throw RowRefusal("it has no reason")
    }
    return CartTrackerV1.ReasonGiven(reason: reason, basis: .stated)
  }

  private func tag(_ fields: RowFields) throws(RowRefusal) -> String {
    let tag = try fields.text(.tag, bytesMax: 64)
    guard !tag.isEmpty else { throw RowRefusal("it has no tag") }
    return tag
  }

  private func profile(_ fields: RowFields) throws(RowRefusal) -> CartTrackerV1.ContactProfile {
    var profile = CartTrackerV1.ContactProfile(
      givenName: try fields.text(.givenName, bytesMax: 128),
      familyName: try fields.text(.familyName, bytesMax: 128),
      company: try fields.text(.company, bytesMax: 128),
      companyName: try fields.text(.companyName, bytesMax: 256))
    let channels: [(ReplayColumn, CommonV1.Channel)] = [(.email, .email), (.phone, .sms)]
    for (column, channel) in channels {
      let address = try fields.text(column, bytesMax: 512)
      if !address.isEmpty { profile.destinations.append(.init(channel: channel, address: address)) }
    }
    return profile
  }
}

/// A record's fields by our names.
private struct RowFields {
  let record: CSVRecord
  let columns: ColumnMap

  /// Nil where the file has no such column, or this record has fewer.
  subscript(column: ReplayColumn) -> ArraySlice<UInt8>? {
    guard let position = columns.positions[column], position < record.count else { return nil }
    return record[position]
  }

  /// Empty where there is none.
  func text(_ column: ReplayColumn, bytesMax: Int) throws(RowRefusal) -> String {
    guard let position = columns.positions[column], position < record.count else { return "" }
    let field = record[position]
    guard field.count <= bytesMax else {
      throw RowRefusal("its \(column.rawValue) has \(field.count) bytes, at most are \(bytesMax)")
    }
    guard let text = record.text(position) else {
      throw RowRefusal("its \(column.rawValue) is not UTF-8 text")
    }
    return text
  }

  /// One of an enum's values by its short name; nil where the field is empty.
  func value<Value>(
    _ column: ReplayColumn, _ texts: EnumText<Value>
  ) throws(RowRefusal) -> Value? {
    let text = try text(column, bytesMax: 64)
    if text.isEmpty { return nil }
    guard let value = texts.value(text) else {
      throw RowRefusal(
        "its \(column.rawValue) \"\(Printable.text(text))\" is none of "
          + texts.names.joined(separator: ", "))
    }
    return value
  }

  func quantity() throws(RowRefusal) -> CommonV1.Quantity? {
    guard let number = try number(.quantity) else { return nil }
    return CommonV1.Quantity(
      units: number.units, nanos: number.nanos, unitCode: try text(.unit, bytesMax: 8))
  }

  /// The price; nil where the file does not say it.
  func money(_ currency: String) throws(RowRefusal) -> CommonV1.Money? {
    guard let number = try number(.price) else { return nil }
    let code = try text(.currency, bytesMax: 3)
    return CommonV1.Money(
      currencyCode: code.isEmpty ? currency : code, units: number.units, nanos: number.nanos)
  }

  private func number(_ column: ReplayColumn) throws(RowRefusal) -> DecimalText? {
    guard let field = self[column], !field.isEmpty else { return nil }
    guard let number = DecimalText(field) else {
      throw RowRefusal("its \(column.rawValue) \(RowRefusal.quoted(field)) is not a decimal number")
    }
    return number
  }
}

extension RowRefusal {
  /// The first bytes of a field, made safe for a terminal.
  static func quoted(_ field: ArraySlice<UInt8>) -> String {
    let text = Printable.text(String(decoding: field.prefix(40), as: UTF8.self))
    return "\"\(text)\(field.count > 40 ? "…" : "")\""
  }
}
