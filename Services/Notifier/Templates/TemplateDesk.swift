internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Texts
internal import Wire

/// Checks, stores and shows templates (M05).
struct TemplateDesk: Sendable {
  let templates: TemplateBook
  let stores: StoreBook
  let source: any StopSource
  let commands: Commands
  let database: NotifierDatabase
  let renderer: ContentRenderer
  let clock: any WallClock
  /// For what takes the processor's time.
  let threads: ThreadPool

  func check(
    _ request: NotifierV1.CheckTemplateRequest
  ) async throws -> NotifierV1.CheckTemplateResponse {
    let parts = request.parts ?? NotifierV1.TemplateParts()
    return try await threads.run {
      let findings = TemplateRules.check(parts, channel: request.channel)
      return .init(problems: findings.problems, parameters: findings.parameters)
    }
  }

  func put(
    _ request: NotifierV1.PutTemplateRequest, by caller: String
  ) async throws -> NotifierV1.Template {
    _ = try await stores.store(request.store)
    let templates = templates
    return try await commands.run(
      "PutTemplate", request.store, request.idempotencyKey, request
    ) { now in
      let parts = request.parts ?? NotifierV1.TemplateParts()
      let findings = try TemplateDesk.checked(request, parts)
      let known = templates.newest(request.store, request.template, locale: request.locale)
      if let channel = templates.channel(request.store, request.template),
        channel != request.channel
      {
        throw TemplateDesk.refusal("channel", "the template's other locales are of another channel")
      }
      guard request.version == known?.version ?? 0 else {
        throw RPCError(
          .aborted,
          "the template is at version \(known?.version ?? 0), the request is for "
            + "\(request.version)")
      }
      var template = NotifierV1.Template(
        store: request.store, name: request.template, channel: request.channel,
        locale: request.locale, parts: parts, version: request.version + 1, author: caller,
        changedAt: .init(microseconds: now), parameters: findings.parameters)
      // The same parts again are no new version.
      if let known, known.parts == parts { template = known }
      let (new, isNew) = (template, template.version != request.version)
      return Commands.Effect(
        apply: { session in
          if isNew { try TemplateDesk.write(new, session) }
          return new
        }, after: { templates.put($0) })
    }
  }

  private static func write(_ new: NotifierV1.Template, _ session: any StorageSession) throws {
    let name: [SQLValue] = [.text(new.store), .text(new.name), .text(new.locale)]
    try session.execute(ReferenceStatements.outdateTemplate, name)
    try session.execute(
      ReferenceStatements.addTemplate,
      name + [.integer(new.version), .blob(try Stored.encode(new))])
  }

  private static func checked(
    _ request: NotifierV1.PutTemplateRequest, _ parts: NotifierV1.TemplateParts
  ) throws(RPCError) -> TemplateFindings {
    if let problem = TemplateRules.nameProblem(request.template) {
      throw refusal("template", problem)
    }
    if let problem = TemplateRules.localeProblem(request.locale) {
      throw refusal("locale", problem)
    }
    let findings = TemplateRules.check(parts, channel: request.channel)
    if !findings.problems.isEmpty {
      throw RPCError(
        .invalidArgument, "the template is not right",
        fieldViolations: findings.problems.map { problem in
          let field = problem.part.isEmpty ? "parts" : "parts.\(problem.part)"
          return .init(
            field: problem.line > 0 ? "\(field):\(problem.line)" : field, detail: problem.problem)
        })
    }
    return findings
  }

  private static func refusal(_ field: String, _ detail: String) -> RPCError {
    RPCError(
      .invalidArgument, "\(field): \(detail)",
      fieldViolations: [.init(field: field, detail: detail)])
  }

  func get(_ request: NotifierV1.GetTemplateRequest) async throws -> NotifierV1.Template {
    let newest = templates.newest(request.store, request.template, locale: request.locale)
    if let newest, request.version == 0 || newest.version == request.version { return newest }
    guard request.version > 0, newest != nil else { throw TemplateDesk.noTemplate }
    return try await threads.run {
      let found = try database.read { session in
        try session.first(
          ReferenceStatements.template,
          [
            .text(request.store), .text(request.template), .text(request.locale),
            .integer(request.version),
          ]
        ) { try Stored.decode(NotifierV1.Template.self, try $0.blob(0), "template") }
      }
      guard let found else { throw TemplateDesk.noTemplate }
      return found
    }
  }

  private static let noTemplate = RPCError(
    .notFound, "there is no template of this name, locale and version")

  func list(
    _ request: NotifierV1.ListTemplatesRequest
  ) throws -> NotifierV1.ListTemplatesResponse {
    let query = try PageToken.digest(request.fullQuery, store: request.store)
    let limit = try Page.limit(request.page)
    let after = try PageToken(request.page, digest: query)?.text ?? ""
    let all = templates.all(request.store).filter {
      request.channel == .unspecified || $0.channel == request.channel
    }
    let left = all.drop { !after.isEmpty && "\($0.name)\u{0}\($0.locale)" <= after }
    let page = left.prefix(limit)
    let last = page.last.map { "\($0.name)\u{0}\($0.locale)" } ?? ""
    return .init(
      templates: page.map { template in
        var listed = template
        listed.parts = nil
        return listed
      },
      next: left.count > page.count ? PageToken(digest: query, number: 0, text: last).encoded : "")
  }

  func preview(
    _ request: NotifierV1.RenderPreviewRequest
  ) async throws -> NotifierV1.RenderPreviewResponse {
    let store = try await stores.store(request.store)
    let locale = store.settings?.locale ?? ""
    var facts: CartTrackerV1.Facts?
    if !request.cart.isEmpty {
      let answer = try await source.facts(
        .init(store: request.store, subjects: [.init(cart: request.cart)]))
      guard let found = answer.facts.first, !found.unknown else {
        throw RPCError(.notFound, "no event named a cart of this id")
      }
      facts = found
    }
    let stored = templates.variant(
      request.store, request.template, for: request.locale, storeLocale: locale)
    guard stored != nil || request.parts != nil else { throw TemplateDesk.noTemplate }
    let given = request.parts.map {
      StoredTemplate(
        store: request.store, name: request.template, channel: stored?.channel ?? .email,
        locale: request.locale, version: 0, parts: $0)
    }
    guard let template = given ?? stored else { throw TemplateDesk.noTemplate }
    let preview = TemplatePreview(
      template: template, store: store, facts: facts, cart: request.cart, locale: request.locale,
      parameters: request.parameters, now: clock.now)
    return try await threads.run {
      do throws(ContentError) { return try preview.render(renderer) } catch {
        throw RPCError(
          .invalidArgument, "the template cannot be shown: \(error)",
          fieldViolations: [.init(field: error.field, detail: error.problem)])
      }
    }
  }
}

extension NotifierV1.ListTemplatesRequest {
  /// Without the page: what a page's token belongs to.
  fileprivate var fullQuery: NotifierV1.ListTemplatesRequest {
    var query = self
    query.page = nil
    return query
  }
}
