/// The short names of an enum's values: `quote` for `CART_KIND_QUOTE`.
struct EnumText<Value: RawRepresentable & Hashable & Sendable & CustomStringConvertible>: Sendable
where Value.RawValue == Int32 {
  private let prefix: String
  private let values: [String: Value]
  /// In the order of their numbers.
  let names: [String]

  /// - Parameter prefix: such as `CART_KIND_`. Values are numbered from 1 without a gap.
  init(_ prefix: String) {
    self.prefix = prefix
    var values: [String: Value] = [:]
    var names: [String] = []
    while let value = Value(rawValue: Int32(names.count) + 1), value.description.hasPrefix(prefix) {
      let name = EnumText.name(value, prefix)
      values[name] = value
      names.append(name)
    }
    self.values = values
    self.names = names
  }

  /// Without regard to case; `-` may stand for `_`.
  func value(_ name: some StringProtocol) -> Value? {
    values[String(name.lowercased().map { $0 == "-" ? "_" : $0 })]
  }

  /// Empty for the value that says nothing.
  func name(_ value: Value) -> String {
    value.rawValue == 0 ? "" : EnumText.name(value, prefix)
  }

  private static func name(_ value: Value, _ prefix: String) -> String {
    let text = value.description
    return (text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : text).lowercased()
  }
}
