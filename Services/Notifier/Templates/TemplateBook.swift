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
  private let templates = Mutex<[Name: [String: NotifierV1.Template]]>([:])

  /// Blocks.
  func load(_ session: any StorageSession) throws {
    let rows = try session.all(ReferenceStatements.newestTemplates) {
      try Stored.decode(NotifierV1.Template.self, try $0.blob(0), "template")
    }
    for row in rows { put(row) }
  }

  /// After its commit.
  func put(_ template: NotifierV1.Template) {
    templates.withLock { templates in
      let name = Name(store: template.store, name: template.name)
      templates[name, default: [:]][template.locale] = template
    }
  }

  /// In exactly this locale.
  func newest(_ store: String, _ name: String, locale: String) -> NotifierV1.Template? {
    templates.withLock { $0[Name(store: store, name: name)]?[locale] }
  }

  /// The channel of a template; nil where there is none of the name.
  func channel(_ store: String, _ name: String) -> CommonV1.Channel? {
    templates.withLock { $0[Name(store: store, name: name)]?.values.first?.channel }
  }

  /// The variant for a recipient, along its chain of locales; any one where none fits, so that a
  /// message never waits for a translation.
  func variant(
    _ store: String, _ name: String, for locale: String, storeLocale: String
  ) -> StoredTemplate? {
    let variants = templates.withLock { $0[Name(store: store, name: name)] } ?? [:]
    for candidate in TemplateLocales.chain(recipient: locale, store: storeLocale) {
      if let found = variants[candidate] { return found.stored }
    }
    return variants.min { $0.key < $1.key }?.value.stored
  }

  /// Every newest version of a store, in order of name and locale.
  func all(_ store: String) -> [NotifierV1.Template] {
    templates.withLock { templates in
      templates.filter { $0.key.store == store }.flatMap(\.value.values)
    }.sorted { ($0.name, $0.locale) < ($1.name, $1.locale) }
  }
}

extension NotifierV1.Template {
  var stored: StoredTemplate {
    StoredTemplate(
      store: store, name: name, channel: channel, locale: locale, version: version,
      parts: parts ?? NotifierV1.TemplateParts())
  }
}
