internal import Glibc

extension Settings {
  /// Any text that is not empty.
  ///
  /// - Parameter fallback: nil: required.
  package mutating func text(
    _ name: String, default fallback: String? = nil, _ purpose: String
  ) -> String {
    parsed(name, type: "text", fallback: fallback, purpose, Settings.filled) ?? fallback ?? ""
  }

  package mutating func optionalText(_ name: String, _ purpose: String) -> String? {
    parsed(name, type: "text", fallback: "none", purpose, Settings.filled)
  }

  /// One of a type's cases.
  package mutating func choice<Choice: CaseIterable & RawRepresentable>(
    _ name: String, default fallback: Choice, _ purpose: String
  ) -> Choice where Choice.RawValue == String {
    let all = Choice.allCases.map(\.rawValue).joined(separator: " or ")
    return parsed(name, type: all, fallback: fallback.rawValue, purpose) { text in
      guard let choice = Choice(rawValue: text) else { throw Wrong("it is none of these") }
      return choice
    } ?? fallback
  }

  package mutating func integer(
    _ name: String, in range: ClosedRange<Int>, default fallback: Int? = nil, _ purpose: String
  ) -> Int {
    precondition(fallback.map(range.contains) ?? true)
    let type = "integer, \(range.lowerBound) to \(range.upperBound)"
    return parsed(name, type: type, fallback: fallback.map { "\($0)" }, purpose) { text in
      guard let value = Int(text) else { throw Wrong("it is no integer") }
      return try Settings.within(range, value)
    } ?? fallback ?? range.lowerBound
  }

  package mutating func optionalInteger(
    _ name: String, in range: ClosedRange<Int>, _ purpose: String
  ) -> Int? {
    let type = "integer, \(range.lowerBound) to \(range.upperBound)"
    return parsed(name, type: type, fallback: "none", purpose) { text in
      guard let value = Int(text) else { throw Wrong("it is no integer") }
      return try Settings.within(range, value)
    }
  }

  /// A span such as `250ms`, `5s`, `90m`, `72h`, `3d`; parts such as `1h30m` add up.
  package mutating func span(
    _ name: String, in range: ClosedRange<Duration>, default fallback: Duration? = nil,
    _ purpose: String
  ) -> Duration {
    precondition(fallback.map(range.contains) ?? true)
    let type =
      "span, \(UnitText.span(range.lowerBound)) to \(UnitText.span(range.upperBound))"
    return parsed(name, type: type, fallback: fallback.map(UnitText.span), purpose) { text in
      guard let value = UnitText.parseSpan(text) else { throw Wrong("it is no span such as 5s") }
      return try Settings.within(range, value)
    } ?? fallback ?? range.lowerBound
  }

  /// A size such as `64MiB`, `10kB`, `512B`.
  package mutating func bytes(
    _ name: String, in range: ClosedRange<Int>, default fallback: Int? = nil, _ purpose: String
  ) -> Int {
    precondition(fallback.map(range.contains) ?? true)
    let type =
      "bytes, \(UnitText.bytes(range.lowerBound)) to \(UnitText.bytes(range.upperBound))"
    return parsed(name, type: type, fallback: fallback.map(UnitText.bytes), purpose) { text in
      guard let value = UnitText.parseBytes(text) else {
        throw Wrong("it is no size such as 64MiB")
      }
      return try Settings.within(range, value)
    } ?? fallback ?? range.lowerBound
  }

  package mutating func flag(
    _ name: String, default fallback: Bool, _ purpose: String
  ) -> Bool {
    parsed(name, type: "true or false", fallback: "\(fallback)", purpose) { text in
      switch text {
      case "true": true
      case "false": false
      default: throw Wrong("it is neither")
      }
    } ?? fallback
  }

  /// Items between `;` or line ends; in a file an array. Empty where the key is not given.
  package mutating func list(_ name: String, _ purpose: String) -> [String] {
    parsed(name, type: "list, items between `;`", fallback: "empty", purpose, Settings.items) ?? []
  }

  static func items(_ text: String) -> [String] {
    text.split { $0 == ";" || $0.isNewline }.map { item in
      let start = item.drop { $0 == " " || $0 == "\t" }
      return String(start.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }.filter { !$0.isEmpty }
  }

  // MARK: - Files

  /// A regular file that this process may read.
  package mutating func file(_ name: String, _ purpose: String) -> String {
    parsed(name, type: "file", fallback: nil, purpose, Settings.readableFile) ?? ""
  }

  package mutating func optionalFile(_ name: String, _ purpose: String) -> String? {
    parsed(name, type: "file", fallback: "none", purpose, Settings.readableFile)
  }

  /// A folder that this process may write to.
  package mutating func folder(_ name: String, _ purpose: String) -> String {
    parsed(name, type: "folder", fallback: nil, purpose, Settings.writableFolder) ?? ""
  }

  package mutating func optionalFolder(_ name: String, _ purpose: String) -> String? {
    parsed(name, type: "folder", fallback: "none", purpose, Settings.writableFolder)
  }

  /// What stands in a file, without the line end: at most 64 KiB of UTF-8, not empty.
  package mutating func secretFile(_ name: String, _ purpose: String) -> Secret<String> {
    secret(name, fallback: nil, purpose) ?? Secret("")
  }

  package mutating func optionalSecretFile(_ name: String, _ purpose: String) -> Secret<String>? {
    secret(name, fallback: "none", purpose)
  }

  private mutating func secret(
    _ name: String, fallback: String?, _ purpose: String
  ) -> Secret<String>? {
    parsed(name, type: "file with a secret", fallback: fallback, isSecret: true, purpose) { path in
      var bytes = try SmallFile.read(try Settings.readableFile(path), bytesMax: 64 * 1024)
      while let last = bytes.last, last == 0x0A || last == 0x0D { bytes.removeLast() }
      guard !bytes.isEmpty, let text = String(validating: bytes, as: UTF8.self) else {
        throw Wrong("it has no text")
      }
      return Secret(text)
    }
  }

  // MARK: - Rules

  /// Why a value is not allowed; tells no part of it.
  private struct Wrong: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }

  private static func filled(_ text: String) throws -> String {
    if text.isEmpty { throw Wrong("it is empty") }
    return text
  }

  private static func within<Value>(_ range: ClosedRange<Value>, _ value: Value) throws -> Value {
    guard range.contains(value) else { throw Wrong("it is outside") }
    return value
  }

  private static func readableFile(_ path: String) throws -> String {
    guard try kind(of: path) == S_IFREG else { throw Wrong("it is not a regular file") }
    guard access(path, R_OK) == 0 else { throw Wrong("it cannot be read") }
    return path
  }

  private static func writableFolder(_ path: String) throws -> String {
    guard try kind(of: path) == S_IFDIR else { throw Wrong("it is not a folder") }
    guard access(path, R_OK | W_OK | X_OK) == 0 else { throw Wrong("it cannot be written to") }
    return path
  }

  private static func kind(of path: String) throws -> mode_t {
    var status = Glibc.stat()
    guard !path.isEmpty, stat(path, &status) == 0 else { throw Wrong("there is none") }
    return status.st_mode & S_IFMT
  }
}
