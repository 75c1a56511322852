internal import Messages

/// One locale variant of a template, read from files.
struct ShippedTemplate: Hashable, Sendable {
  let name: String
  /// BCP 47; empty for the one without a locale.
  let locale: String
  let channel: CommonV1.Channel
  let parts: NotifierV1.TemplateParts
}

/// A folder of templates, all files side by side.
///
/// `NAME.template` holds lines `channel: email` and, if wanted, `required: lines, cart_link`; the
/// parts are `NAME.LOCALE.subject.txt`, `NAME.LOCALE.html` and `NAME.LOCALE.txt`, without LOCALE
/// for recipients of any.
enum TemplateFiles {
  /// - Parameter files: by their names; those of no template's form are passed over.
  /// - Throws: `CommandError` that names the file.
  static func parse(_ files: [String: [UInt8]]) throws(CommandError) -> [ShippedTemplate] {
    var templates: [ShippedTemplate] = []
    for file in files.keys.sorted() where file.hasSuffix(".template") {
      let name = String(file.dropLast(".template".count))
      let heading = try Heading(try text(files, file), file)
      for locale in locales(of: name, files.keys) {
        let stem = locale.isEmpty ? name : "\(name).\(locale)"
        var parts = NotifierV1.TemplateParts(
          subject: try text(files, stem + ".subject.txt"), html: try text(files, stem + ".html"),
          text: try text(files, stem + ".txt"))
        while parts.subject.last?.isNewline == true { parts.subject.removeLast() }
        parts.required = heading.required
        templates.append(
          ShippedTemplate(name: name, locale: locale, channel: heading.channel, parts: parts))
      }
    }
    return templates
  }

  /// Those that any part of the template is there for.
  private static func locales(of name: String, _ files: some Sequence<String>) -> [String] {
    var locales: Set<String> = []
    for file in files where file.hasPrefix(name + ".") {
      for ending in [".subject.txt", ".html", ".txt"] where file.hasSuffix(ending) {
        let middle = file.dropFirst(name.count).dropLast(ending.count).dropFirst()
        if !middle.contains(".") { locales.insert(String(middle)) }
        break
      }
    }
    return locales.sorted()
  }

  /// Empty where there is no such file.
  private static func text(
    _ files: [String: [UInt8]], _ name: String
  ) throws(CommandError) -> String {
    guard let bytes = files[name] else { return "" }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .file("\(Printable.text(name)) is not UTF-8 text")
    }
    return text
  }

  /// What `NAME.template` says.
  private struct Heading {
    var channel = CommonV1.Channel.unspecified
    var required: [String] = []

    init(_ text: String, _ file: String) throws(CommandError) {
      let file = Printable.text(file)
      for line in text.split(whereSeparator: \.isNewline) where line.contains(where: { $0 != " " })
      {
        let words = line.split(separator: ":", maxSplits: 1).map { word in
          String(word.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
        guard words.count == 2 else {
          throw .file("\(file): a line is `key: value`, not \"\(Printable.text(String(line)))\"")
        }
        switch words[0] {
        case "channel":
          guard let channel = CartTexts.channel.value(words[1]) else {
            throw .file(
              "\(file): the channel \"\(Printable.text(words[1]))\" is none of "
                + CartTexts.channel.names.joined(separator: ", "))
          }
          self.channel = channel
        case "required":
          required = words[1].split(separator: ",").map { String($0.filter { $0 != " " }) }
        default:
          throw .file(
            "\(file): the key \"\(Printable.text(words[0]))\" is neither channel nor required")
        }
      }
      guard channel != .unspecified else { throw .file("\(file) does not say its channel") }
    }
  }
}
