internal import Messages
internal import ServiceKit

/// What a batch says about itself to the printer (D06).
struct Manifest: Sendable {
  /// One piece in the document.
  struct Entry: Sendable {
    let key: PieceKey
    let cost: CommonV1.Money?
    let pages: ClosedRange<Int>
    let postage: PostageClass
  }

  let batch: String
  let store: String
  let format: String
  let isSample: Bool
  let cutOff: Instant
  let document: String
  let size: Int
  let checksum: [UInt8]
  let entries: [Entry]

  /// One line for each piece after the head's, as RFC 4180 has it.
  var csv: [UInt8] {
    var text =
      "piece,postage_class,first_page,last_page,cost,currency,sample,document,checksum\r\n"
    let digest = HexDigits.text(checksum)
    for entry in entries {
      let fields = [
        entry.key.text, entry.postage.rawValue, "\(entry.pages.lowerBound)",
        "\(entry.pages.upperBound)", entry.cost.map(Manifest.amount) ?? "",
        entry.cost?.currencyCode ?? "", isSample ? "true" : "false", document, digest,
      ]
      text += fields.map(Manifest.field).joined(separator: ",") + "\r\n"
    }
    return Array(text.utf8)
  }

  var json: [UInt8] {
    var text = "{\n"
    text += "  \"batch\": \(Manifest.quoted(batch)),\n"
    text += "  \"store\": \(Manifest.quoted(store)),\n"
    text += "  \"format\": \(Manifest.quoted(format)),\n"
    text += "  \"sample\": \(isSample),\n"
    text += "  \"cut_off_at\": \(Manifest.quoted(cutOff.description)),\n"
    text += "  \"document\": \(Manifest.quoted(document)),\n"
    text += "  \"size_bytes\": \(size),\n"
    text += "  \"checksum\": \(Manifest.quoted("sha256:" + HexDigits.text(checksum))),\n"
    text += "  \"pages\": \(entries.last?.pages.upperBound ?? 0),\n"
    let pieces = entries.map { entry in
      var cost = "null"
      if let money = entry.cost {
        cost =
          "{\"amount\": \(Manifest.quoted(Manifest.amount(money))), "
          + "\"currency\": \(Manifest.quoted(money.currencyCode))}"
      }
      return "    {\"piece\": \(Manifest.quoted(entry.key.text)), "
        + "\"postage_class\": \(Manifest.quoted(entry.postage.rawValue)), "
        + "\"first_page\": \(entry.pages.lowerBound), "
        + "\"last_page\": \(entry.pages.upperBound), \"cost\": \(cost)}"
    }
    text += "  \"pieces\": [\n\(pieces.joined(separator: ",\n"))\n  ]\n}\n"
    return Array(text.utf8)
  }

  /// With as many decimals as it needs, at least two.
  static func amount(_ money: CommonV1.Money) -> String {
    let digits = "\(money.nanos)"
    var decimals = String(repeating: "0", count: max(0, 9 - digits.utf8.count)) + digits
    while decimals.utf8.count > 2, decimals.hasSuffix("0") { decimals.removeLast() }
    return "\(money.units).\(decimals)"
  }

  private static func field(_ text: String) -> String {
    let isPlain = !text.utf8.contains { $0 == 0x22 || $0 == 0x2C || $0 == 0x0D || $0 == 0x0A }
    if isPlain { return text }
    return "\""
      + text.split(separator: "\"", omittingEmptySubsequences: false)
      .joined(separator: "\"\"") + "\""
  }

  private static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case let scalar where scalar.value < 0x20:
        let digits = HexDigits.text([UInt8(scalar.value)])
        quoted += "\\u00" + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}

/// What the printer puts on the envelope.
enum PostageClass: String, Sendable {
  case domestic = "standard-domestic"
  case international = "standard-international"
  /// More than three sheets weigh too much for a standard letter.
  case largeDomestic = "large-domestic"
  case largeInternational = "large-international"

  private static let standardSheetsMax = 3

  init(sheets: Int, isDomestic: Bool) {
    let isStandard = sheets <= PostageClass.standardSheetsMax
    switch (isStandard, isDomestic) {
    case (true, true): self = .domestic
    case (true, false): self = .international
    case (false, true): self = .largeDomestic
    case (false, false): self = .largeInternational
    }
  }
}

/// Bytes in small hexadecimal digits.
enum HexDigits {
  static func text(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}
