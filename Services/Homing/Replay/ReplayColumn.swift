/// What a file's columns can mean to a replay; the raw value is our name for it.
enum ReplayColumn: String, CaseIterable, Sendable {
  case time
  /// The event's id; without it the file's digest and the row's number are.
  case event
  case store
  case contact
  case guest
  case kind
  case cart
  case cartKind = "cart_kind"
  case place
  case offerClass = "offer_class"
  case device
  case stage
  /// The shop's name of the checkout step.
  case step
  case company
  /// Where the shop restores the cart.
  case url
  case quote
  /// The item's SKU.
  case item
  case name
  case quantity
  case unit
  /// Of one unit, tax excluded.
  case price
  case currency
  case image
  case productURL = "product_url"
  case configuration
  case reason
  case deadline
  case order
  case email
  case phone
  case givenName = "given_name"
  case familyName = "family_name"
  case companyName = "company_name"
  case tag
}

/// What a row can report; the raw value is our name for it.
enum ReplayKind: String, CaseIterable, Sendable {
  case add
  case remove
  /// A line's quantity from now on.
  case change
  case view
  case step
  /// The checkout was left.
  case left
  case pending
  case failed
  case quote
  case deadline
  /// Of the cart that is named, or of all the contact has.
  case purchase
  /// Of the row's item alone.
  case purchaseLine = "purchase_line"
  /// A cancellation or refund.
  case reverse
  case empty
  case reason
  /// The row's guest is its contact.
  case identify
  /// The contact's profile.
  case contact
  case tag
  case untag

  /// Whether the row must say which item it is about.
  var needsItem: Bool {
    switch self {
    case .add, .remove, .change, .purchaseLine: true
    default: false
    }
  }
}

/// Where in a record each of our columns stands.
struct ColumnMap: Hashable, Sendable {
  private(set) var positions: [ReplayColumn: Int] = [:]

  /// - Parameters:
  ///   - mapping: pairs of our name and the file's, or a position from 1 where there is no header.
  ///     Empty: the header's own names are ours, others passed over.
  ///   - header: the file's names; nil where it has none.
  init(_ mapping: [(ours: String, theirs: String)], header: [String]?) throws(CommandError) {
    if mapping.isEmpty, let header {
      for column in ReplayColumn.allCases {
        positions[column] = header.firstIndex(of: column.rawValue)
      }
    }
    for (ours, theirs) in mapping {
      guard let column = ReplayColumn(rawValue: ours) else {
        let known = ReplayColumn.allCases.map(\.rawValue).joined(separator: ", ")
        throw .usage(
          "--columns: no column is called \"\(Printable.text(ours))\"; known are \(known)")
      }
      positions[column] = try ColumnMap.position(of: theirs, for: ours, header)
    }
    for column in [ReplayColumn.time, .kind] where positions[column] == nil {
      throw missing(column.rawValue, header)
    }
    if positions[.contact] == nil && positions[.guest] == nil {
      throw missing("contact or guest", header)
    }
  }

  private static func position(
    of theirs: String, for ours: String, _ header: [String]?
  ) throws(CommandError) -> Int {
    guard let header else {
      guard let position = Int(theirs), (1...10_000).contains(position) else {
        throw .usage(
          "--columns: \(ours)=\(Printable.text(theirs)) must be a position from 1, since the file "
            + "has no header")
      }
      return position - 1
    }
    if let index = header.firstIndex(of: theirs) { return index }
    let names = header.joined(separator: ", ")
    throw .usage(
      "--columns: the file has no column \"\(Printable.text(theirs))\" for \(ours); it has "
        + Printable.text(names))
  }

  private func missing(_ what: String, _ header: [String]?) -> CommandError {
    let has = header.map { "; it has " + $0.joined(separator: ", ") } ?? ""
    return .usage(
      "no column of the file is mapped to \(what); name it by --columns OURS=THEIRS"
        + Printable.text(has))
  }
}

extension ReplayColumn {
  /// Pairs such as `time=event_time,contact=user_id`.
  static func pairs(
    _ text: String, option: String
  ) throws(CommandError) -> [(ours: String, theirs: String)] {
    var pairs: [(ours: String, theirs: String)] = []
    for part in text.split(separator: ",") {
      guard let equals = part.firstIndex(of: "="), equals != part.startIndex else {
        throw .usage(
          "\(option): \"\(Printable.text(String(part)))\" is not OURS=THEIRS")
      }
      pairs.append((String(part[..<equals]), String(part[part.index(after: equals)...])))
    }
    return pairs
  }
}

/// Which of a file's words means which kind of event.
struct KindMap: Hashable, Sendable {
  private var kinds: [[UInt8]: ReplayKind] = [:]

  /// - Parameter mapping: pairs of our kind and the file's words for it, several by `|`. Empty: our
  ///   own names.
  init(_ mapping: [(ours: String, theirs: String)]) throws(CommandError) {
    if mapping.isEmpty {
      for kind in ReplayKind.allCases { kinds[Array(kind.rawValue.utf8)] = kind }
    }
    for (ours, theirs) in mapping {
      guard let kind = ReplayKind(rawValue: ours) else {
        let known = ReplayKind.allCases.map(\.rawValue).joined(separator: ", ")
        throw .usage("--kinds: no kind is called \"\(Printable.text(ours))\"; known are \(known)")
      }
      for word in theirs.split(separator: "|") {
        guard kinds.updateValue(kind, forKey: Array(word.utf8)) == nil else {
          throw .usage("--kinds: \"\(Printable.text(String(word)))\" is given two kinds")
        }
      }
    }
  }

  subscript(word: ArraySlice<UInt8>) -> ReplayKind? { kinds[Array(word)] }
}
