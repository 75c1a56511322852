/// The variables that this process was started with.
package enum ProcessEnvironment {
  static let bytesMax = 16 << 20

  /// - Throws: where the system does not tell.
  package static func read() throws(FileError) -> [String: String] {
    parse(try SmallFile.read("/proc/self/environ", bytesMax: bytesMax))
  }

  /// `NAME=VALUE` with a zero byte after each; the first of a name counts, as it does for
  /// `getenv`.
  static func parse(_ bytes: [UInt8]) -> [String: String] {
    var variables: [String: String] = [:]
    for entry in bytes.split(separator: 0) {
      guard let equals = entry.firstIndex(of: UInt8(ascii: "=")) else { continue }
      let name = String(decoding: entry[..<equals], as: UTF8.self)
      if variables[name] == nil {
        variables[name] = String(decoding: entry[(equals + 1)...], as: UTF8.self)
      }
    }
    return variables
  }
}
