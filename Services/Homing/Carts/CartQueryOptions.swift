internal import ArgumentParser
internal import Messages
internal import ServiceKit

/// Everything a list of carts can be asked (L02 to L05).
struct CartQueryOptions: ParsableArguments {
  @Option(help: "Abandoned at or after this time, such as 2026-11-22 or 2026-11-22T10:00:00Z.")
  var from: String?
  @Option(help: "Abandoned before this time.") var to: String?
  @Option(
    help: "States, by comma (default: abandoned): \(CartTexts.state.names.joined(separator: ", "))."
  )
  var state: String?
  @Option(help: "Kinds: \(CartTexts.kind.names.joined(separator: ", ")).") var kind: String?
  @Option(help: "Places: \(CartTexts.place.names.joined(separator: ", ")).") var place: String?
  @Option(help: "Offers: \(CartTexts.offerClass.names.joined(separator: ", ")).")
  var offerClass: String?
  @Option(help: "Stages: \(CartTexts.stage.names.joined(separator: ", ")).") var stage: String?
  @Option(help: "Reasons: \(CartTexts.reason.names.joined(separator: ", ")).") var reason: String?
  @Option(help: "Ids of companies, by comma.") var company: String?
  @Option(help: "The least lead score, 0 to 100.") var scoreMin: UInt32 = 0
  @Option(help: "Part of a product's name.") var product: String?
  @Option(help: "Part of a SKU.") var sku: String?
  @Option(help: "Part of the customer's name.") var customer: String?
  @Option(help: "Part of an e-mail address, phone number or postal address.")
  var contactDetail: String?
  @Option(help: "Exactly this cart total, such as '12.50 EUR'.") var total: String?
  @Option(help: "One contact's carts, those of linked identities too.") var contact: String?
  @Option(help: "Column to sort by (default: abandoned_at).") var sort: String?
  @Flag(help: "Smallest first.") var ascending = false
  @Option(help: "Columns, by comma: \(CartTexts.column.names.joined(separator: ", ")).")
  var columns: String?

  /// - Throws: `CommandError` that names the option and what it takes.
  func query(withLines: Bool = false) throws(CommandError) -> CartTrackerV1.CartQuery {
    CartTrackerV1.CartQuery(
      abandoned: try TimeOption.range(from: from, to: to),
      states: try EnumOption.values(state, "--state", CartTexts.state),
      kinds: try EnumOption.values(kind, "--kind", CartTexts.kind),
      places: try EnumOption.values(place, "--place", CartTexts.place),
      offerClasses: try EnumOption.values(offerClass, "--offer-class", CartTexts.offerClass),
      stages: try EnumOption.values(stage, "--stage", CartTexts.stage),
      reasons: try EnumOption.values(reason, "--reason", CartTexts.reason),
      companies: (company ?? "").split(separator: ",").map(String.init), scoreMin: scoreMin,
      productName: product ?? "", sku: sku ?? "", customerName: customer ?? "",
      contactDetail: contactDetail ?? "", total: try MoneyOption.money(total, "--total"),
      sort: try EnumOption.values(sort, "--sort", CartTexts.column).first ?? .unspecified,
      ascending: ascending, columns: try shownColumns(), withLines: withLines,
      contact: contact ?? "")
  }

  func shownColumns() throws(CommandError) -> [CartTrackerV1.CartColumn] {
    try EnumOption.values(columns, "--columns", CartTexts.column)
  }
}

/// Options that name values of an enum, several by comma.
enum EnumOption {
  static func values<Value>(
    _ text: String?, _ option: String, _ names: EnumText<Value>
  ) throws(CommandError) -> [Value] {
    var values: [Value] = []
    for part in (text ?? "").split(separator: ",") {
      guard let value = names.value(part) else {
        throw .usage(
          "\(option): \"\(Printable.text(String(part)))\" is none of "
            + names.names.joined(separator: ", "))
      }
      values.append(value)
    }
    return values
  }
}

/// Options that name an instant: a day, or a time in RFC 3339's form.
enum TimeOption {
  static func time(
    _ text: String?, _ option: String
  ) throws(CommandError) -> Protobuf.Timestamp? {
    guard let text else { return nil }
    let full = text.utf8.count == 10 ? text + "T00:00:00Z" : text
    guard let instant = try? Instant(parsing: full) else {
      throw .usage(
        "\(option) must be a time such as 2026-11-22 or 2026-11-22T10:00:00Z, is "
          + "\"\(Printable.text(text))\"")
    }
    return instant.timestamp
  }

  /// Nil where neither end is given.
  static func range(from: String?, to: String?) throws(CommandError) -> CommonV1.TimeRange? {
    guard from != nil || to != nil else { return nil }
    return CommonV1.TimeRange(from: try time(from, "--from"), to: try time(to, "--to"))
  }
}

/// Options that name an amount, such as `12.50 EUR`.
enum MoneyOption {
  static func money(_ text: String?, _ option: String) throws(CommandError) -> CommonV1.Money? {
    guard let text else { return nil }
    let parts = text.split(separator: " ")
    guard parts.count == 2, let number = DecimalText(parts[0].utf8), parts[1].utf8.count == 3 else {
      throw .usage(
        "\(option) must be an amount with its currency, such as '12.50 EUR', is "
          + "\"\(Printable.text(text))\"")
    }
    return CommonV1.Money(
      currencyCode: parts[1].uppercased(), units: number.units, nanos: number.nanos)
  }
}
