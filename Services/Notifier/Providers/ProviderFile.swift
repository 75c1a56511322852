internal import Messages
internal import ServiceKit
internal import Transport

/// The file that names providers (`HOMING_PROVIDERS`).
///
/// Sections `[name]` of lines `key = value`; `#` begins a line that is a comment. Files that a key
/// names are read where the service starts. Spans are written `30s`, lists with commas.
///
/// Every section: `kind` (`smtp`, `http`, `folder`, `internal`), `channels` (of `email`, `sms`,
/// `chat`, `push`, `internal`, `webhook`; each channel has one provider), `connections` (messages
/// at once, default 8), `calls-max` (default 12), `retry-first` (5s), `retry-most` (15m),
/// `hook-secret-file` (key of its callbacks), `rate` (messages a second that are begun at most:
/// `100/s`, `30/m`, `1000/h` or `none`; default `100/s` for `smtp` and `http`, `none` for the
/// others), `rate STORE` (the same for one store, within the other).
///
/// - `smtp`: `address` HOST:PORT, `tls` (`off`, `opportunistic`, `required` by STARTTLS,
///   `implicit`; default required), `user`, `password-file`, `ca-file`, `helo`,
///   `return-path` (LOCAL@DOMAIN: mails go out from `LOCAL+TOKEN@DOMAIN` with a sealed message id,
///   so that each bounce finds its mail; default the sender's address), `connect-timeout` (10s),
///   `reply-timeout` (60s), `timeout` (5m, of the whole hand-off).
/// - `http`: `url`, or for webhooks `endpoint NAME` once for each; https, or http to a literal
///   loopback address. `secret-file` (sent as a bearer token), `sender`, `ca-file`,
///   `connect-timeout` (10s), `timeout` (30s).
/// - `folder`: `path`.
/// - `internal`: the staff's inbox in the notifier's own database. It serves `internal` also where
///   the file does not say so.
struct ProviderFile: Sendable {
  static let purpose = """
    The providers: sections [name] of lines `key = value`.
        all: kind (smtp, http, folder, internal), channels (email, sms, chat, push, internal,
        webhook), connections, calls-max, retry-first, retry-most, hook-secret-file,
        rate (100/s, 30/m, none; smtp and http: 100/s), `rate STORE`
        smtp: address, tls (off, opportunistic, required, implicit), user, password-file, ca-file,
        helo, return-path, connect-timeout, reply-timeout, timeout
        http: url (webhooks: `endpoint NAME`), secret-file, sender, ca-file, connect-timeout,
        timeout
        folder: path
    """
  static let bytesMax = 1 << 20
  static let sectionsMax = 64

  let specs: [ProviderSpec]

  /// - Throws: what is wrong, with the line.
  static func read(_ path: String) throws -> ProviderFile {
    let bytes = try SmallFile.read(path, bytesMax: bytesMax)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw ProviderFileError(line: 1, "the file is not UTF-8")
    }
    return try ProviderFile(parsing: text)
  }

  init(parsing text: String) throws {
    var sections: [ProviderSection] = []
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (index, line) in lines.enumerated() {
      let line = ProviderSection.trimmed(line)
      if line.isEmpty || line.hasPrefix("#") { continue }
      if line.hasPrefix("[") {
        let name = String(line.dropFirst().dropLast())
        guard line.hasSuffix("]"), ProviderSection.isName(name) else {
          throw ProviderFileError(
            line: index + 1, "a section is [name], of letters, digits, - and _")
        }
        if sections.contains(where: { $0.name == name }) {
          throw ProviderFileError(line: index + 1, "the section [\(name)] is there twice")
        }
        sections.append(ProviderSection(name: name, line: index + 1))
        continue
      }
      guard !sections.isEmpty else {
        throw ProviderFileError(line: index + 1, "a key stands before the first section")
      }
      try sections[sections.count - 1].add(line, number: index + 1)
    }
    if sections.count > ProviderFile.sectionsMax {
      throw ProviderFileError(line: 1, "over \(ProviderFile.sectionsMax) sections")
    }
    specs = try sections.map { try ProviderSpec($0) }
    var taken: [CommonV1.Channel: String] = [:]
    for (spec, section) in zip(specs, sections) {
      for channel in spec.channels {
        if let other = taken.updateValue(spec.name, forKey: channel) {
          throw ProviderFileError(
            line: section.line, "[\(spec.name)] and [\(other)] serve the same channel")
        }
      }
    }
  }
}

/// What is wrong with the file of providers.
struct ProviderFileError: Error, Hashable, CustomStringConvertible {
  let line: Int
  let problem: String

  init(line: Int, _ problem: String) {
    self.line = line
    self.problem = problem
  }

  var description: String { "line \(line): \(problem)" }
}

/// One section as it is written.
struct ProviderSection {
  let name: String
  let line: Int
  private var values: [String: (text: String, line: Int)] = [:]

  init(name: String, line: Int) {
    self.name = name
    self.line = line
  }

  static func trimmed(_ text: Substring) -> String {
    let start = text.drop { $0 == " " || $0 == "\t" }
    return String(start.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
  }

  static func isName(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 64
      && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
  }

  mutating func add(_ line: String, number: Int) throws {
    guard let sign = line.firstIndex(of: "=") else {
      throw ProviderFileError(line: number, "a line is `key = value`")
    }
    let key = ProviderSection.trimmed(line[..<sign])
    let value = ProviderSection.trimmed(line[line.index(after: sign)...])
    guard !key.isEmpty, !value.isEmpty else {
      throw ProviderFileError(line: number, "a line is `key = value`")
    }
    if values.updateValue((value, number), forKey: key) != nil {
      throw ProviderFileError(line: number, "`\(key)` is given twice")
    }
  }

  /// Takes a key, so that those which nobody takes can be refused.
  mutating func take<Value>(
    _ key: String, _ what: String, _ parse: (String) throws -> Value?
  ) throws -> Value? {
    guard let (text, line) = values.removeValue(forKey: key) else { return nil }
    do {
      if let value = try parse(text) { return value }
    } catch {
      throw ProviderFileError(line: line, "`\(key)` is to be \(what): \(error)")
    }
    throw ProviderFileError(line: line, "`\(key)` is to be \(what)")
  }

  mutating func text(_ key: String) throws -> String? { try take(key, "text") { $0 } }

  mutating func required<Value>(
    _ key: String, _ what: String, _ parse: (String) throws -> Value?
  ) throws -> Value {
    guard let value = try take(key, what, parse) else {
      throw ProviderFileError(line: line, "[\(name)] lacks `\(key)`, \(what)")
    }
    return value
  }

  mutating func integer(_ key: String, in range: ClosedRange<Int>, default fallback: Int) throws
    -> Int
  {
    try take(key, "an integer of \(range.lowerBound) to \(range.upperBound)") { text in
      Int(text).flatMap { range.contains($0) ? $0 : nil }
    } ?? fallback
  }

  mutating func span(
    _ key: String, in range: ClosedRange<Duration>, default fallback: Duration
  ) throws -> Duration {
    try take(key, "a span such as 30s within its range") { text in
      SpanText.parse(text).flatMap { range.contains($0) ? $0 : nil }
    } ?? fallback
  }

  /// What stands in a file, without the line end.
  mutating func secret(_ key: String) throws -> Secret<String>? {
    try take(key, "a file with a secret") { path in
      var bytes = try SmallFile.read(path, bytesMax: 64 << 10)
      while let last = bytes.last, last == 0x0A || last == 0x0D { bytes.removeLast() }
      guard !bytes.isEmpty, let text = String(validating: bytes, as: UTF8.self) else { return nil }
      return Secret(text)
    }
  }

  /// Keys of two words, such as `endpoint crm`.
  mutating func pairs(_ first: String) -> [(name: String, text: String, line: Int)] {
    let keys = values.keys.filter { $0.hasPrefix(first + " ") }.sorted()
    return keys.compactMap { key in
      values.removeValue(forKey: key).map {
        (ProviderSection.trimmed(key.dropFirst(first.count + 1)), $0.text, $0.line)
      }
    }
  }

  /// - Throws: where a key is left that nobody knows.
  func finish() throws {
    if let (key, value) = values.min(by: { $0.value.line < $1.value.line }) {
      throw ProviderFileError(line: value.line, "`\(key)` is no key of this kind of provider")
    }
  }
}

/// Spans such as `250ms`, `30s`, `15m`, `1h`, `2d`.
enum SpanText {
  private static let units: [(String, Duration)] = [
    ("ms", .milliseconds(1)), ("s", .seconds(1)), ("m", .seconds(60)), ("h", .seconds(3600)),
    ("d", .seconds(86_400)),
  ]

  static func parse(_ text: String) -> Duration? {
    let digits = text.prefix { ("0"..."9").contains($0) }
    guard let count = Int(digits), digits.count <= 9,
      let unit = units.first(where: { $0.0 == text.dropFirst(digits.count) })?.1
    else { return nil }
    return unit * count
  }
}
