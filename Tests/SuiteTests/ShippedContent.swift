internal import Foundation
internal import Messages

/// Flows and templates that come with `homing`, read where they lie.
enum ShippedContent {
  struct Template {
    var name: String
    var locale: String
    var channel: CommonV1.Channel
    var parts: NotifierV1.TemplateParts
  }

  private static let folder = URL(fileURLWithPath: #filePath)
    .appendingPathComponent("../../../Services/Homing/Shipped").standardizedFileURL

  static func flow(_ name: String) throws -> String {
    try String(
      contentsOf: folder.appendingPathComponent("flows/\(name).yaml"), encoding: .utf8)
  }

  struct Letter {
    var name: String
    var locale: String
    var text: String
  }

  /// The letters' templates, in German and English.
  static func letters() throws -> [Letter] {
    let place = folder.appendingPathComponent("letters")
    return try FileManager.default.contentsOfDirectory(atPath: place.path).sorted().map { file in
      let parts = file.split(separator: ".").map(String.init)
      return Letter(
        name: parts[0], locale: parts[1],
        text: try String(contentsOf: place.appendingPathComponent(file), encoding: .utf8))
    }
  }

  /// In German and English.
  static func templates() throws -> [Template] {
    let place = folder.appendingPathComponent("templates")
    let text: (String) -> String? = { name in
      try? String(contentsOf: place.appendingPathComponent(name), encoding: .utf8)
    }
    var templates: [Template] = []
    for file in try FileManager.default.contentsOfDirectory(atPath: place.path).sorted()
    where file.hasSuffix(".template") {
      let name = String(file.dropLast(".template".count))
      let lines = (text(file) ?? "").split(separator: "\n").map { line in
        line.split(separator: ":").map { $0.trimmingCharacters(in: .whitespaces) }
      }
      let channels: [String: CommonV1.Channel] = [
        "email": .email, "sms": .sms, "internal": .internal, "chat": .chat, "push": .push,
      ]
      let words = Dictionary(uniqueKeysWithValues: lines.map { ($0[0], $0[1]) })
      guard let channel = words["channel"].flatMap({ channels[$0] }) else { continue }
      for locale in ["de", "en"] {
        guard let body = text("\(name).\(locale).txt") else { continue }
        let subject = text("\(name).\(locale).subject.txt") ?? ""
        templates.append(
          Template(
            name: name, locale: locale, channel: channel,
            parts: .init(
              subject: subject.trimmingCharacters(in: .newlines),
              html: text("\(name).\(locale).html") ?? "", text: body,
              required: (words["required"] ?? "").split(separator: ",").map {
                $0.trimmingCharacters(in: .whitespaces)
              })))
      }
    }
    return templates
  }
}
