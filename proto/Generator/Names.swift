/// How names of the proto files are spelled in Swift and in the C that protoc-gen-c writes.
enum Names {
  /// Written in capitals where they are not the first word.
  private static let initialisms: [String: String] = [
    "id": "ID", "ids": "IDs", "url": "URL", "urls": "URLs", "uri": "URI", "uris": "URIs",
    "sku": "SKU", "skus": "SKUs", "sms": "SMS", "html": "HTML", "json": "JSON", "csv": "CSV",
    "pdf": "PDF", "uuid": "UUID", "utc": "UTC", "smtp": "SMTP", "ttl": "TTL", "rpc": "RPC",
    "ip": "IP", "dns": "DNS", "tls": "TLS", "http": "HTTP", "https": "HTTPS", "iso": "ISO",
  ]

  private static let swiftKeywords: Set<String> = [
    "Any", "Self", "actor", "as", "associatedtype", "await", "break", "case", "catch", "class",
    "continue", "default", "defer", "deinit", "do", "else", "enum", "extension", "fallthrough",
    "false", "fileprivate", "for", "func", "guard", "if", "import", "in", "init", "inout",
    "internal", "is", "let", "nil", "operator", "precedencegroup", "private", "protocol",
    "public", "repeat", "rethrows", "return", "self", "static", "struct", "subscript", "super",
    "switch", "throw", "throws", "true", "try", "typealias", "var", "where", "while",
  ]

  /// `cart_id` and `CART_ID` become `cartID`, `url` stays `url`.
  static func lowerCamel(_ name: String) -> String {
    let words = name.split(separator: "_").map { $0.lowercased() }
    guard let first = words.first else { return name }
    return first + words.dropFirst().map { initialisms[$0] ?? capitalised($0) }.joined()
  }

  /// `choice_kind` becomes `ChoiceKind`, `cart_id` `CartID`.
  static func upperCamel(_ name: String) -> String {
    name.split(separator: "_").map { initialisms[$0.lowercased()] ?? capitalised($0.lowercased()) }
      .joined()
  }

  /// A method name: `BidirectionalStream` becomes `bidirectionalStream`, `URLCheck` `urlCheck`.
  static func lowerFirst(_ name: String) -> String {
    var result = Array(name)
    for index in result.indices {
      let isWordStart = index > 0 && index + 1 < result.count && result[index + 1].isLowercase
      if !result[index].isUppercase || isWordStart { break }
      result[index] = Character(result[index].lowercased())
    }
    return String(result)
  }

  static func capitalised(_ word: String) -> String {
    word.prefix(1).uppercased() + word.dropFirst()
  }

  /// `EVENT_KIND_CREATED` of `EventKind` becomes `created`. A value without the prefix is taken
  /// whole, and so is one whose rest would begin with a digit.
  static func enumValue(_ value: String, of enumName: String) -> String {
    let prefix = snake(enumName).uppercased() + "_"
    if value.hasPrefix(prefix) {
      let rest = value.dropFirst(prefix.count)
      if rest.first?.isLetter == true { return lowerCamel(String(rest)) }
    }
    return lowerCamel(value)
  }

  private static func snake(_ camel: String) -> String {
    var result = ""
    var previous: Character = "_"
    let letters = Array(camel)
    for (index, letter) in letters.enumerated() {
      let followsSmall = previous.isLowercase || previous.isNumber
      let endsInitialism =
        previous.isUppercase && index + 1 < letters.count && letters[index + 1].isLowercase
      if letter.isUppercase && (followsSmall || endsInitialism) { result += "_" }
      result += letter.lowercased()
      previous = letter
    }
    return result
  }

  /// In backticks where Swift wants them.
  static func quoted(_ name: String) -> String { swiftKeywords.contains(name) ? "`\(name)`" : name }

  /// `homing.cart_tracker.v1` becomes `CartTrackerV1`, `google.protobuf` `Protobuf`.
  static func namespace(_ packageName: String) -> String {
    packageName.split(separator: ".").drop { $0 == "homing" || $0 == "google" }
      .flatMap { $0.split(separator: "_") }.map { capitalised(String($0)) }.joined()
  }

  // MARK: The C side, as protoc-gen-c's c_helpers spell it.

  /// `homing.cart_tracker.v1.Cart` becomes `Homing__CartTracker__V1__Cart`.
  static func cType(_ fullName: String) -> String {
    fullName.split(separator: ".").map { cCamel(String($0)) }.joined(separator: "__")
  }

  static func cCamel(_ name: String) -> String {
    name.split(separator: "_").map { capitalised(String($0)) }.joined()
  }

  /// `homing.echo.v1.CartEvent` becomes `homing__echo__v1__cart_event`.
  static func cFunction(_ fullName: String) -> String {
    fullName.split(separator: ".").map { part in
      var result = ""
      var wasUpper = true
      for letter in part {
        if letter.isUppercase && !wasUpper { result += "_" }
        result += letter.lowercased()
        wasUpper = letter.isUppercase
      }
      return result
    }.joined(separator: "__")
  }

  private static let cKeywords: Set<String> = [
    "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break", "case", "catch", "char",
    "class", "compl", "const", "const_cast", "continue", "default", "delete", "do", "double",
    "dynamic_cast", "else", "enum", "explicit", "extern", "false", "float", "for", "friend",
    "goto", "if", "inline", "int", "long", "mutable", "namespace", "new", "not", "not_eq",
    "operator", "or", "or_eq", "private", "protected", "public", "register", "reinterpret_cast",
    "return", "short", "signed", "sizeof", "static", "static_cast", "struct", "switch",
    "template", "this", "throw", "true", "try", "typedef", "typeid", "typename", "union",
    "unsigned", "using", "virtual", "void", "volatile", "wchar_t", "while", "xor", "xor_eq",
  ]

  /// The member of the C struct, as Swift sees it.
  static func cField(_ name: String) -> String {
    let lower = name.lowercased()
    return quoted(cKeywords.contains(lower) ? lower + "_" : lower)
  }
}
