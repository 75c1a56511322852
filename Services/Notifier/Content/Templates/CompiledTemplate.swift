internal import Messages
internal import Synchronization
internal import Texts

/// A template whose parts are ready to be filled.
struct CompiledTemplate: Sendable {
  /// Nil but for e-mail.
  let subject: TemplateProgram?
  let html: TemplateProgram?
  /// Nil for a webhook.
  let text: TemplateProgram?
  /// In order of their names.
  let required: [String]
  /// Whether a part uses `flow.…` or `attribute.…`.
  let usesNamed: Bool
  /// Whether the HTML part places the picture of openings itself.
  let placesPixel: Bool

  /// - Throws: for parts that `TemplateRules` would refuse for their syntax.
  init(_ template: StoredTemplate) throws(ContentError) {
    let parts = template.parts
    let isEmail = template.channel == .email
    subject = isEmail ? try CompiledTemplate.part("subject", parts.subject, .line) : nil
    html = isEmail ? try CompiledTemplate.part("html", parts.html, .html) : nil
    text =
      template.channel == .webhook
      ? nil : try CompiledTemplate.part("text", parts.text, .plain)
    required = Set(parts.required).sorted()
    let names = [subject, html, text].flatMap { $0?.parameters ?? [] } + required
    usesNamed = names.contains { name in
      Parameter.openPrefixes.contains { name.hasPrefix($0) }
    }
    placesPixel = html?.parameters.contains("open_pixel") ?? false
  }

  private static func part(
    _ name: String, _ text: String, _ escape: TemplateProgram.Escape
  ) throws(ContentError) -> TemplateProgram {
    let (program, problems, _) = TemplateProgram.compile(text, escape)
    guard let program else {
      let first = problems.first.map { "line \($0.line): \($0.text)" } ?? "cannot be read"
      throw ContentError(name, first)
    }
    return program
  }
}

/// Compiled templates by store, name, locale and version.
final class TemplateCache: Sendable {
  private struct Key: Hashable {
    let store: String
    let name: String
    let locale: String
    let version: UInt32
  }

  private struct State {
    var templates: [Key: (template: CompiledTemplate, used: UInt64)] = [:]
    var uses: UInt64 = 0

    mutating func take(_ key: Key) -> CompiledTemplate? {
      uses += 1
      guard let template = templates[key]?.template else { return nil }
      templates[key]?.used = uses
      return template
    }

    /// The one unused for longest goes; with some hundred, looking at each costs less than keeping
    /// them in order on every use.
    mutating func put(
      _ key: Key, _ template: CompiledTemplate, _ countMax: Int
    ) {
      uses += 1
      if templates[key] == nil, templates.count >= countMax,
        let oldest = templates.min(by: { $0.value.used < $1.value.used })?.key
      {
        templates[oldest] = nil
      }
      templates[key] = (template, uses)
    }
  }

  private let countMax: Int
  private let state = Mutex(State())

  init(countMax: Int) {
    precondition(countMax > 0)
    self.countMax = countMax
  }

  /// Compiles outside the lock: two threads may do the same work once, none waits for another's.
  func template(_ stored: StoredTemplate) throws(ContentError) -> CompiledTemplate {
    if stored.version == 0 { return try CompiledTemplate(stored) }
    let key = Key(
      store: stored.store, name: stored.name, locale: stored.locale, version: stored.version)
    if let known = state.withLock({ $0.take(key) }) { return known }
    let compiled = try CompiledTemplate(stored)
    state.withLock { $0.put(key, compiled, countMax) }
    return compiled
  }

  var count: Int { state.withLock { $0.templates.count } }
}
