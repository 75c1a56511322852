/// Which locale variant of a template a recipient gets (M05).
package enum TemplateLocales {
  /// Variants to look for, best first: the recipient's locale and its shorter forms, then the
  /// store's, then the one that fits everyone, which has the empty locale.
  ///
  /// `de-CH` with a store in `en-GB` gives `de-CH`, `de`, `en-GB`, `en` and the empty one.
  package static func chain(recipient: String, store: String) -> [String] {
    var chain: [String] = []
    for locale in [recipient, store] {
      var parts = locale.split { $0 == "-" || $0 == "_" }.prefix(4)
      while !parts.isEmpty {
        let name = parts.joined(separator: "-")
        if !chain.contains(name) { chain.append(name) }
        parts.removeLast()
      }
    }
    return chain + [""]
  }

  /// The locale that amounts, dates and greetings are written in: the recipient's where it is of
  /// the template's language, so that a Swiss reader of a German text sees francs as in
  /// Switzerland.
  package static func writing(recipient: String, template: String, store: String) -> String {
    if template.isEmpty { return recipient.isEmpty ? store : recipient }
    let isSame = LocaleText.language(recipient) == LocaleText.language(template)
    if isSame { return recipient }
    return LocaleText.language(store) == LocaleText.language(template)
      && !template.contains("-") ? store : template
  }
}
