internal import Configuration
internal import Wire

/// Reads a service's keys once, where it starts, into whatever its own configuration is.
///
/// Each getter declares a key and answers its value; a key that cannot be used gets a stand-in and
/// is noted, so that `check()` tells all problems at once. Environment beats file. Names are given
/// whole, such as `HOMING_DRAIN_SECONDS`; in a file that key is `drainSeconds`, `drain.seconds` or
/// `{"drain": {"seconds": …}}`.
package struct Settings {
  package static let prefix = "HOMING_"
  package static let fileKey = "HOMING_CONFIG"

  /// One key, for a list of them all.
  package struct Declaration: Hashable, Sendable {
    package let name: String
    /// With the range where there is one, such as `integer, 1 to 256`.
    package let type: String
    /// Nil where the key is required.
    package let fallback: String?
    package let isSecret: Bool
    package let purpose: String
  }

  package private(set) var declarations: [Declaration] = []
  private var problems: [String] = []
  private let reader: ConfigReader
  private let given: Set<String>

  /// - Parameters:
  ///   - environment: all of it; names without the prefix are left alone.
  package init(environment: [String: String]) {
    let own = environment.filter { $0.key.hasPrefix(Settings.prefix) }
    var file: [String: String] = [:]
    if let path = own[Settings.fileKey] {
      do throws(SettingsError) {
        file = try SettingsFile.read(path)
      } catch {
        problems += error.problems
      }
    }
    given = Set(own.keys).union(file.keys)
    reader = ConfigReader(providers: [
      Settings.provider("environment", own), Settings.provider("file", file),
    ])
    declare(
      Declaration(
        name: Settings.fileKey, type: "file", fallback: "none", isSecret: false,
        purpose: "A JSON file with the same keys; the environment beats it."))
  }

  private static func provider(_ name: String, _ values: [String: String]) -> InMemoryProvider {
    let pairs = values.map { (AbsoluteConfigKey(components(of: $0.key)), $0.value) }
    return InMemoryProvider(
      name: name,
      values: Dictionary(
        uniqueKeysWithValues: pairs.map { ($0.0, ConfigValue(.string($0.1), isSecret: false)) }))
  }

  private static func components(of name: String) -> [String] {
    name.split(separator: "_", omittingEmptySubsequences: false).map { $0.lowercased() }
  }

  // MARK: - Problems

  /// Called when every key was read.
  ///
  /// - Throws: all that is wrong, unknown keys included.
  package func check() throws(SettingsError) {
    let unknown = given.subtracting(declarations.map(\.name)).sorted()
    let all = problems + unknown.map { "\($0) is no key of this service" }
    if !all.isEmpty { throw SettingsError(all) }
  }

  mutating func note(_ problem: String) { problems.append(problem) }

  private mutating func declare(_ declaration: Declaration) {
    precondition(
      declaration.name.hasPrefix(Settings.prefix)
        && !declarations.contains { $0.name == declaration.name },
      "\(declaration.name) is declared twice, or is no name of ours")
    declarations.append(declaration)
  }

  // MARK: - One key of any type

  /// What `parse` makes of the key's text; the fallback where there is none.
  ///
  /// - Parameters:
  ///   - type: for the list of keys, and to say what was allowed.
  ///   - fallback: as a person reads it; nil: the key is required.
  /// - Returns: nil where the key is not given, or cannot be used.
  package mutating func parsed<Value>(
    _ name: String, type: String, fallback: String?, isSecret: Bool = false, _ purpose: String,
    _ parse: (String) throws -> Value
  ) -> Value? {
    declare(
      Declaration(
        name: name, type: type, fallback: fallback, isSecret: isSecret, purpose: purpose))
    guard let text = reader.string(forKey: ConfigKey(Settings.components(of: name))) else {
      if fallback == nil { note("\(name) is required: \(type)") }
      return nil
    }
    do {
      return try parse(text)
    } catch {
      let shown = isSecret ? "a secret" : "`\(Settings.shown(text))`"
      let reason = (error as? RPCError)?.message ?? "\(error)"
      note("\(name) is \(shown), allowed is \(type): \(reason)")
      return nil
    }
  }

  /// Safe on a terminal, and not too long for one.
  private static func shown(_ text: String) -> String {
    let cut = String(text.prefix(80))
    let safe = cut.unicodeScalars.map { scalar in
      scalar.properties.generalCategory == .control ? "\u{FFFD}" : String(scalar)
    }
    return safe.joined() + (cut.utf8.count < text.utf8.count ? "…" : "")
  }
}

/// What stops a service from starting: all that is wrong with its configuration.
package struct SettingsError: Error, Hashable, Sendable, CustomStringConvertible {
  package let problems: [String]

  package init(_ problems: [String]) { self.problems = problems }

  package var description: String { problems.joined(separator: "\n") }
}
