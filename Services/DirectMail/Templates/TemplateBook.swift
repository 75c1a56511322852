internal import Delivery
internal import Messages
internal import Storage
internal import Synchronization
internal import Texts

/// The newest version of each template, in memory.
final class TemplateBook: Sendable {
  private struct Name: Hashable {
    let store: String
    let name: String
  }

  /// By locale.
  private let templates = Mutex<[Name: [String: DirectMailV1.Template]]>([:])

  /// Blocks.
  func load(_ session: any StorageSession) throws {
    let rows = try session.all(ReferenceStatements.newestTemplates) {
      try Stored.decode(DirectMailV1.Template.self, try $0.blob(0), "template")
    }
    for row in rows { put(row) }
  }

  /// After its commit.
  func put(_ template: DirectMailV1.Template) {
    templates.withLock { templates in
      let name = Name(store: template.store, name: template.name)
      templates[name, default: [:]][template.locale] = template
    }
  }

  /// In exactly this locale.
  func newest(_ store: String, _ name: String, locale: String) -> DirectMailV1.Template? {
    templates.withLock { $0[Name(store: store, name: name)]?[locale] }
  }

  /// The format of a template, the same in all locales; nil where there is none of the name.
  func format(_ store: String, _ name: String) -> DirectMailV1.Format? {
    templates.withLock { $0[Name(store: store, name: name)]?.values.first?.format }
  }

  /// The variant for a recipient, along its chain of locales; any one where none fits, so that a
  /// letter never waits for a translation.
  func variant(
    _ store: String, _ name: String, for locale: String, storeLocale: String
  ) -> DirectMailV1.Template? {
    let variants = templates.withLock { $0[Name(store: store, name: name)] } ?? [:]
    for candidate in TemplateLocales.chain(recipient: locale, store: storeLocale) {
      if let found = variants[candidate] { return found }
    }
    return variants.min { $0.key < $1.key }?.value
  }

  /// Every newest version of a store, in order of name and locale.
  func all(_ store: String) -> [DirectMailV1.Template] {
    templates.withLock { templates in
      templates.filter { $0.key.store == store }.flatMap(\.value.values)
    }.sorted { ($0.name, $0.locale) < ($1.name, $1.locale) }
  }

  /// One version of a template; nil where there is none. Blocks.
  static func version(
    _ store: String, _ name: String, _ locale: String, _ version: UInt32,
    _ session: any StorageSession
  ) throws -> DirectMailV1.Template? {
    try session.first(
      ReferenceStatements.template,
      [.text(store), .text(name), .text(locale), .integer(version)]
    ) { try Stored.decode(DirectMailV1.Template.self, try $0.blob(0), "template") }
  }
}
