internal import Yams

/// How a country writes addresses.
struct PostalFormat: Sendable {
  /// The country's name on a letter from abroad, by the language of the sender's country.
  let names: [String: String]
  let codes: [PostalCodeForm]
  let impossibleCodes: [PostalCodeForm]
  /// Empty where any is allowed.
  let regions: Set<String>
  let needs: Set<AddressPart>
  let lines: [AddressLine]
  let capitals: Set<AddressPart>
  /// For an address in the country's own characters; nil where its lines are the same.
  let native: [AddressLine]?

  /// By ISO 3166-1 code. The file is part of the program: a fault in it is ours.
  static let known: [String: PostalFormat] = {
    do {
      let text = String(decoding: PackageResources.postal_formats_yaml, as: UTF8.self)
      return try read(text)
    } catch {
      preconditionFailure("postal-formats.yaml: \(error)")
    }
  }()

  static func read(_ text: String) throws -> [String: PostalFormat] {
    let root = try Parser(yaml: text, resolver: .basic, encoding: .utf8).singleRoot()
    var formats: [String: PostalFormat] = [:]
    for (key, value) in try mapping(root, "the file") {
      guard let country = key.scalar?.string, country.utf8.count == 2 else {
        throw PageError("a country is two capital letters")
      }
      formats[country] = try PostalFormat(value, country)
    }
    return formats
  }

  private init(_ node: Node, _ country: String) throws {
    var fields: [String: Node] = [:]
    for (key, value) in try PostalFormat.mapping(node, country) {
      fields[key.scalar?.string ?? ""] = value
    }
    func texts(_ name: String) throws -> [String] {
      guard let node = fields.removeValue(forKey: name) else { return [] }
      guard let list = node.sequence else { throw PageError("\(country).\(name) is no list") }
      return list.map { $0.scalar?.string ?? "" }
    }
    func parts(_ name: String) throws -> Set<AddressPart> {
      Set(
        try texts(name).map { text in
          guard let part = AddressPart(rawValue: text) else {
            throw PageError("\(country).\(name): there is no part \(text)")
          }
          return part
        })
    }
    func lines(_ name: String) throws -> [AddressLine]? {
      let lines = try texts(name).map { try AddressLine($0) }
      return lines.isEmpty ? nil : lines
    }
    var names: [String: String] = [:]
    for (key, value) in try PostalFormat.mapping(fields.removeValue(forKey: "names"), country) {
      names[key.scalar?.string ?? ""] = value.scalar?.string
    }
    guard names["en"] != nil else { throw PageError("\(country) has no name") }
    self.names = names
    codes = try texts("code").map { PostalCodeForm(text: $0) }
    impossibleCodes = try texts("no_code").map { PostalCodeForm(text: $0) }
    regions = Set(try texts("regions"))
    needs = try parts("needs")
    capitals = try parts("capitals")
    self.lines =
      try lines("lines")
      ?? ["{street}", "{box}", "{postal_code} {locality}"].map { try AddressLine($0) }
    native = try lines("native")
    if let unknown = fields.keys.sorted().first { throw PageError("\(country).\(unknown)") }
  }

  private static func mapping(_ node: Node?, _ name: String) throws -> Node.Mapping {
    guard let mapping = node?.mapping else { throw PageError("\(name) is no mapping") }
    return mapping
  }
}

/// A part of an address, by its name in formats.
enum AddressPart: String, Hashable, Sendable {
  case street
  case box
  case postalCode = "postal_code"
  case locality
  case dependentLocality = "dependent_locality"
  case region

  /// As the contract calls it.
  var field: String {
    switch self {
    case .street: "street_lines"
    case .box: "post_office_box"
    default: rawValue
    }
  }
}

/// A line of a format: parts, and what stands between them.
struct AddressLine: Sendable {
  enum Piece: Sendable {
    case part(AddressPart)
    case text(String)
  }

  let pieces: [Piece]

  init(_ text: String) throws(PageError) {
    var pieces: [Piece] = []
    var rest = text[...]
    while let first = rest.first {
      if first == "{" {
        guard let end = rest.firstIndex(of: "}"),
          let part = AddressPart(rawValue: String(rest[rest.index(after: rest.startIndex)..<end]))
        else { throw PageError("the line \(text) names no part") }
        pieces.append(.part(part))
        rest = rest[rest.index(after: end)...]
      } else {
        let end = rest.firstIndex(of: "{") ?? rest.endIndex
        pieces.append(.text(String(rest[..<end])))
        rest = rest[end...]
      }
    }
    self.pieces = pieces
  }

  /// With the parts in. A text stands between two parts that are there, or before the only one.
  func text(_ part: (AddressPart) -> String) -> String {
    var line = ""
    var between = ""
    var isBegun = false
    for piece in pieces {
      switch piece {
      case .text(let text): between = text
      case .part(let name):
        let text = part(name)
        if text.isEmpty { continue }
        line += (isBegun || pieces.count == 2 ? between : "") + text
        (between, isBegun) = ("", true)
      }
    }
    return line
  }
}

/// A form of postal codes: `#` a digit, `@` a letter, `*` either, others as they are.
struct PostalCodeForm: Sendable {
  let text: String

  /// The code as it is printed; nil where it has not this form. Spaces and hyphens may be given
  /// otherwise, and small letters.
  func printed(_ code: String) -> String? {
    var given = code.uppercased().unicodeScalars.filter { !PostalCodeForm.isSeparator($0) }[...]
    var printed = ""
    for scalar in text.unicodeScalars {
      if PostalCodeForm.isSeparator(scalar) {
        printed.unicodeScalars.append(scalar)
        continue
      }
      guard let next = given.popFirst() else { return nil }
      let isDigit = ("0"..."9").contains(next)
      let isLetter = ("A"..."Z").contains(next)
      let fits =
        switch scalar {
        case "#": isDigit
        case "@": isLetter
        case "*": isDigit || isLetter
        default: next == scalar
        }
      guard fits else { return nil }
      printed.unicodeScalars.append(next)
    }
    return given.isEmpty ? printed : nil
  }

  private static func isSeparator(_ scalar: Unicode.Scalar) -> Bool {
    scalar == " " || scalar == "-" || scalar == "\u{A0}"
  }
}
