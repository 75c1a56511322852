/// What a template's parameter holds.
package enum ParameterKind: Hashable, Sendable {
  case text
  /// An address of the web, or nothing.
  case link
  case flag
  /// Repeats its section with the parameters of that scope.
  case list(ParameterScope)
}

/// Where parameters are known: in the message, or in an entry of one of its lists.
package enum ParameterScope: Hashable, Sendable, CaseIterable {
  case message, line, coveredCart, postalLine, amount

  /// In order of their places in a frame.
  package var parameters: [Parameter] {
    switch self {
    case .message: Parameter.message
    case .line: Parameter.line
    case .coveredCart: Parameter.coveredCart
    case .postalLine: Parameter.postalLine
    case .amount: Parameter.amount
    }
  }
}

/// Parameters of the message itself (M06). The name in templates is the case's, in small letters
/// with underscores: `customerName` is `customer_name`.
package enum MessageParameter: Int, CaseIterable, Sendable {
  // Who is written to.
  case greeting, customerName, givenName, familyName, title, salutation, company
  case customerEmail, customerPhone, contactId
  // Who writes (M05).
  case storeName, storeLink, senderName, legalName, postalAddress, postalLines, legalText
  case imprint, supportEmail, supportPhone, supportContact
  // Where to go.
  case cartLink, unsubscribeLink, openPixel
  // What was left.
  case lines, moreLines, itemCount, firstProduct, firstImage, total, totals
  case shippingCost, taxAmount, cartDiscount, quote, deadline, cartId, lastActivity, leadScore
  case reason, coveredCarts
  // What comes on top (M11).
  case incentive, coupon, discount, freeShipping, loyaltyPoints, freeItem, resourceLink, offerEnds
  // About the message.
  case locale, language, direction, today, variant, flowName, isSample, isCopy

  package var kind: ParameterKind {
    switch self {
    case .storeLink, .cartLink, .unsubscribeLink, .openPixel, .firstImage, .resourceLink: .link
    case .incentive, .freeShipping, .isSample, .isCopy: .flag
    case .lines: .list(.line)
    case .coveredCarts: .list(.coveredCart)
    case .postalLines: .list(.postalLine)
    case .totals: .list(.amount)
    default: .text
    }
  }
}

/// Parameters of a line of a cart (M08, M09).
package enum LineParameter: Int, CaseIterable, Sendable {
  case productName, imageUrl, productLink, quantity, unitPrice, lineTotal, sku, configuration
  case isService

  package var kind: ParameterKind {
    switch self {
    case .imageUrl, .productLink: .link
    case .isService: .flag
    default: .text
    }
  }
}

/// Parameters of another cart that the message lists (C28).
package enum CoveredCartParameter: Int, CaseIterable, Sendable {
  case coveredLink, coveredTotal, coveredCount, coveredLines

  package var kind: ParameterKind {
    switch self {
    case .coveredLink: .link
    case .coveredLines: .list(.line)
    default: .text
    }
  }
}

/// One parameter as a template names it.
package struct Parameter: Hashable, Sendable {
  package let name: String
  package let kind: ParameterKind
  /// Its place in a frame of its scope.
  package let slot: Int

  package static let message = MessageParameter.allCases.map {
    Parameter(name: snakeCase("\($0)"), kind: $0.kind, slot: $0.rawValue)
  }
  package static let line = LineParameter.allCases.map {
    Parameter(name: snakeCase("\($0)"), kind: $0.kind, slot: $0.rawValue)
  }
  package static let coveredCart = CoveredCartParameter.allCases.map {
    Parameter(name: snakeCase("\($0)"), kind: $0.kind, slot: $0.rawValue)
  }
  package static let postalLine = [Parameter(name: "address_line", kind: .text, slot: 0)]
  package static let amount = [Parameter(name: "amount", kind: .text, slot: 0)]

  /// Names that begin so are not in a list: what a flow gives, what a contact has, and what holds.
  package static let openPrefixes = ["flow.", "attribute."]

  private static func snakeCase(_ name: String) -> String {
    name.reduce(into: "") { text, letter in
      if letter.isUppercase { text.append("_") }
      text += letter.lowercased()
    }
  }
}

/// Where a name in a template finds its value.
package enum ParameterPlace: Hashable, Sendable {
  /// A slot of the frame at that depth: 0 is the message, each list's section one more.
  case slot(depth: Int, slot: Int, kind: ParameterKind)
  /// Looked up by its name: `flow.…`, `attribute.…`, `reason.…`, `kind.…`.
  case named(String)

  /// Nil for a name that nothing is known by.
  package init?(_ name: String, in scopes: [ParameterScope]) {
    for (depth, scope) in scopes.enumerated().reversed() {
      if let parameter = ParameterPlace.byName[scope]?[name] {
        self = .slot(depth: depth, slot: parameter.slot, kind: parameter.kind)
        return
      }
    }
    let isOpen = Parameter.openPrefixes.contains { name.hasPrefix($0) && name.count > $0.count }
    guard isOpen || ParameterPlace.flags.contains(name) else { return nil }
    self = .named(name)
  }

  private static let byName: [ParameterScope: [String: Parameter]] = Dictionary(
    uniqueKeysWithValues: ParameterScope.allCases.map { scope in
      (scope, Dictionary(uniqueKeysWithValues: scope.parameters.map { ($0.name, $0) }))
    })

  /// True or absent: the reason the cart was left for, and what kind it is.
  package static let flags: Set<String> = Set(
    LeaveReasonText.names.values.map { "reason.\($0)" }
      + CartKindText.names.values.map { "kind.\($0)" })

  /// The name of the list in whose entries a name is known; nil for none.
  package static func scope(of name: String) -> String? {
    if byName[.line]?[name] != nil { return "lines" }
    if byName[.coveredCart]?[name] != nil { return "covered_carts" }
    if byName[.postalLine]?[name] != nil { return "postal_lines" }
    return byName[.amount]?[name] == nil ? nil : "totals"
  }

  /// The known name that is least different, nil where none is alike.
  package static func nearest(to name: String, in scopes: [ParameterScope]) -> String? {
    let known = scopes.flatMap { $0.parameters.map(\.name) } + flags.sorted()
    let ranked = known.map { ($0, EditDistance.between(name, $0)) }
    guard let best = ranked.min(by: { $0.1 < $1.1 }), best.1 <= max(2, name.count / 3) else {
      return known.first { $0.hasSuffix("_" + name) || $0.hasPrefix(name + "_") }
    }
    return best.0
  }
}

/// How many letters to add, drop or replace to make one text of another.
package enum EditDistance {
  package static func between(_ a: String, _ b: String) -> Int {
    let b = Array(b.utf8)
    var row = Array(0...b.count)
    for (i, letter) in a.utf8.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for j in b.indices {
        let above = row[j + 1]
        row[j + 1] = min(above + 1, row[j] + 1, diagonal + (letter == b[j] ? 0 : 1))
        diagonal = above
      }
    }
    return row[b.count]
  }
}
