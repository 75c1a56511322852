/// Texts as they are searched: both what is stored and what is looked for go through `folded`.
///
/// Lower case by Unicode's full mapping; `ß` is `ss`, a final sigma is a sigma; letters of Latin,
/// Greek and Cyrillic that were sent as base and marks are composed. Other scripts must be sent in
/// one form to be found. Control characters become spaces, so that `separator` is ours alone.
enum SearchText {
  /// Between texts in one column.
  static let separator: Character = "\u{1F}"

  static func folded(_ text: String) -> String {
    if let folded = foldedASCII(text) { return folded }
    var lower = String.UnicodeScalarView()
    var hasMarks = false
    for scalar in text.lowercased().unicodeScalars {
      switch scalar.value {
      case 0..<0x20, 0x7F: lower.append(" ")
      case 0xDF: lower.append(contentsOf: "ss".unicodeScalars)
      case 0x3C2: lower.append("\u{3C3}")
      default:
        if (0x300...0x36F).contains(scalar.value) { hasMarks = true }
        lower.append(scalar)
      }
    }
    return hasMarks ? composedText(String(lower)) : String(lower)
  }

  /// The texts that are not empty, folded, without repeats.
  static func joined(_ texts: some Sequence<String>) -> String {
    var seen: Set<String> = []
    var joined = ""
    for text in texts where !text.isEmpty {
      let folded = folded(text)
      guard seen.insert(folded).inserted else { continue }
      if !joined.isEmpty { joined.append(separator) }
      joined += folded
    }
    return joined
  }

  /// A pattern for `LIKE … ESCAPE '\'` that finds the text anywhere.
  static func pattern(_ text: String) -> String { "%" + escaped(folded(text)) + "%" }

  /// The text with LIKE's signs taken literally.
  static func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      if scalar == "\\" || scalar == "%" || scalar == "_" { escaped.unicodeScalars.append("\\") }
      escaped.unicodeScalars.append(scalar)
    }
    return escaped
  }

  private static func foldedASCII(_ text: String) -> String? {
    var text = text
    return text.withUTF8 { bytes in
      guard bytes.allSatisfy({ $0 < 0x80 }) else { return nil }
      return String(unsafeUninitializedCapacity: bytes.count) { out in
        for (index, byte) in bytes.enumerated() {
          switch byte {
          case 0x41...0x5A: out[index] = byte | 0x20
          case 0..<0x20, 0x7F: out[index] = 0x20
          default: out[index] = byte
          }
        }
        return bytes.count
      }
    }
  }

  private static func composedText(_ text: String) -> String {
    String(text.map { composed[$0] ?? $0 })
  }

  /// Characters are equal however they are made up, so that each finds its composed form.
  private static let composed: [Character: Character] = {
    var found: [Character: Character] = [:]
    for range in [0xC0...0x24F, 0x370...0x4FF, 0x1E00...0x1FFF] as [ClosedRange<UInt32>] {
      for value in range {
        guard let scalar = Unicode.Scalar(value), scalar.properties.generalCategory != .unassigned
        else { continue }
        found[Character(scalar)] = Character(scalar)
      }
    }
    return found
  }()
}
