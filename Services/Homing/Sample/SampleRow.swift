/// One line of a made-up log, by the names that `homing replay` knows.
struct SampleRow {
  /// In the order of the file.
  static let columns: [ReplayColumn] = [
    .time, .event, .store, .contact, .guest, .kind, .cart, .cartKind, .place, .offerClass, .device,
    .stage, .step, .company, .item, .name, .quantity, .unit, .price, .currency, .image, .productURL,
    .url, .configuration, .quote, .deadline, .reason, .order, .givenName, .familyName, .email,
    .phone, .companyName, .tag,
  ]

  static let header = columns.map(\.rawValue).joined(separator: ",")

  /// Seconds since 1970.
  let time: Int
  private var fields: [ReplayColumn: String] = [:]

  init(_ time: Int, _ kind: ReplayKind) {
    self.time = time
    fields[.kind] = kind.rawValue
  }

  subscript(column: ReplayColumn) -> String {
    get { fields[column] ?? "" }
    set { fields[column] = newValue }
  }

  /// The line without its end.
  var line: String {
    Self.columns.map { SampleRow.cell(self[$0]) }.joined(separator: ",")
  }

  private static func cell(_ text: String) -> String {
    let special: Set<Character> = [",", "\"", "\n", "\r", "\r\n"]
    guard text.contains(where: special.contains) else { return text }
    let doubled = text.split(separator: "\"", omittingEmptySubsequences: false)
    return "\"" + doubled.joined(separator: "\"\"") + "\""
  }
}
