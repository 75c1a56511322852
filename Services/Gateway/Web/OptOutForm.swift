/// The body of an unsubscribe request.
enum OptOutForm: Hashable {
  /// RFC 8058: `List-Unsubscribe=One-Click`, sent by a mail program.
  case oneClick
  /// The page's button.
  case page
  /// Anything else. It is an opt-out all the same: who sends a POST to this link wants out.
  case other

  /// The hidden field of the page's form.
  static let field = "by"
  static let value = "page"

  var name: String {
    switch self {
    case .oneClick: "List-Unsubscribe=One-Click"
    case .page: "the page's button"
    case .other: "another POST"
    }
  }

  init(_ body: [UInt8], contentType: String?) {
    let text = String(decoding: body, as: UTF8.self)
    let type = contentType?.lowercased() ?? ""
    let fields =
      type.hasPrefix("multipart/form-data")
      ? OptOutForm.parts(text, type: contentType ?? "") : OptOutForm.pairs(text)
    if fields.contains(where: {
      $0.name.lowercased() == "list-unsubscribe" && $0.value.lowercased() == "one-click"
    }) {
      self = .oneClick
    } else {
      let isPage = fields.contains { $0.name == OptOutForm.field && $0.value == OptOutForm.value }
      self = isPage ? .page : .other
    }
  }

  private typealias Field = (name: String, value: String)

  /// `a=b&c=d`; neither name nor value of ours needs decoding but for the hyphen.
  private static func pairs(_ text: String) -> [Field] {
    text.split { $0 == "&" || $0.isNewline }.map { pair in
      let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return (plain(halves[0]), halves.count == 2 ? plain(halves[1]) : "")
    }
  }

  private static func plain(_ text: Substring) -> String {
    String(text.replacing(#/%2[dD]/#, with: "-"))
  }

  /// The parts of `multipart/form-data` (RFC 7578) that have a name.
  private static func parts(_ text: String, type: String) -> [Field] {
    guard let mark = type.firstMatch(of: #/(?i:boundary)="?([^";]{1,70})"?/#)?.1 else { return [] }
    let text = text.replacing("\r\n", with: "\n")
    return text.split(separator: "--" + mark).compactMap { part in
      guard let blank = part.firstRange(of: "\n\n"),
        let name = part[..<blank.lowerBound].firstMatch(of: #/(?i:name)="?([^";\n]+)"?/#)?.1
      else { return nil }
      let value = part[blank.upperBound...].split(separator: "\n").first ?? ""
      return (String(name), String(value))
    }
  }
}
