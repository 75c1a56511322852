internal import Messages

/// One locale variant of a letter template, read from a file.
struct LetterFile: Hashable, Sendable {
  let name: String
  /// BCP 47; empty for the one without a locale.
  let locale: String
  /// YAML: a list of blocks.
  let text: String

  /// Such as `cart-letter de`.
  var title: String { locale.isEmpty ? name : "\(name) \(locale)" }

  /// What the file is called.
  var file: String { locale.isEmpty ? "\(name).yaml" : "\(name).\(locale).yaml" }
}

/// A folder of letter templates: `NAME.LOCALE.yaml`, without LOCALE for recipients of any.
enum LetterFiles {
  static let ending = ".yaml"
  /// In bytes; the contract's limit of a template's text.
  static let sizeMax = 262_144

  /// - Parameter files: by their names; those with another ending are passed over.
  /// - Throws: `CommandError` that names the file.
  static func parse(_ files: [String: [UInt8]]) throws(CommandError) -> [LetterFile] {
    var letters: [LetterFile] = []
    for file in files.keys.sorted() where file.hasSuffix(ending) {
      let bytes = files[file] ?? []
      guard bytes.count <= sizeMax else {
        throw .file(
          "\(Printable.text(file)) has \(bytes.count) bytes, a letter at most \(sizeMax)")
      }
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw .file("\(Printable.text(file)) is not UTF-8 text")
      }
      let stem = file.dropLast(ending.count)
      let dot = stem.lastIndex(of: ".") ?? stem.endIndex
      letters.append(
        LetterFile(
          name: String(stem[..<dot]), locale: String(stem[dot...].dropFirst()), text: text))
    }
    return letters
  }

  /// The letters of a folder, by name and locale. Blocks.
  static func read(_ path: String) throws(CommandError) -> [LetterFile] {
    let letters = try parse(try TemplateFolder.files(path, [ending]))
    guard !letters.isEmpty else {
      throw .file("\(Printable.text(path)) holds no letter: there is no NAME.LOCALE.yaml")
    }
    return letters
  }
}
