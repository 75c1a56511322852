internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Transport
internal import Wire

/// Checks, stores and shows templates (D09).
struct TemplateDesk: Sendable {
  let templates: TemplateBook
  let stores: StoreBook
  let source: any StopSource
  let commands: Commands
  let database: DirectMailDatabase
  let press: any Press
  let clock: any WallClock
  /// For what takes the processor's time.
  let threads: ThreadPool

  private static let chunkSize = 256 << 10
  private static let offered: Set<DirectMailV1.Format> = [.a4FormA, .a4FormB]
  private static let noTemplate = RPCError(
    .notFound, "there is no template of this name, locale and version")

  func put(
    _ request: DirectMailV1.PutTemplateRequest, by caller: String
  ) async throws -> DirectMailV1.Template {
    _ = try await stores.store(request.store)
    let (templates, press) = (templates, press)
    return try await commands.run(
      "PutTemplate", request.store, request.idempotencyKey, request
    ) { now in
      let parameters = try TemplateDesk.checked(request, press)
      let known = templates.newest(request.store, request.template, locale: request.locale)
      if let format = templates.format(request.store, request.template), format != request.format {
        throw BudgetDesk.refusal("format", "is \(format) in the template's other locales")
      }
      guard request.version == known?.version ?? 0 else {
        throw RPCError(
          .aborted,
          "the template is at version \(known?.version ?? 0), the request is for "
            + "\(request.version)")
      }
      var template = DirectMailV1.Template(
        store: request.store, name: request.template, locale: request.locale,
        format: request.format, text: request.text, version: request.version + 1, author: caller,
        changedAt: .init(microseconds: now), parameters: parameters)
      // The same text again is no new version.
      if let known, known.text == request.text { template = known }
      let (new, isNew) = (template, template.version != request.version)
      return Commands.Effect(
        apply: { session in
          if isNew { try TemplateDesk.write(new, session) }
          return new
        }, after: { templates.put($0) })
    }
  }

  private static func write(
    _ new: DirectMailV1.Template, _ session: any StorageSession
  ) throws {
    let name: [SQLValue] = [.text(new.store), .text(new.name), .text(new.locale)]
    try session.execute(ReferenceStatements.outdateTemplate, name)
    try session.execute(
      ReferenceStatements.addTemplate,
      name + [.integer(new.version), .blob(try Stored.encode(new))])
  }

  /// The parameters that the text uses.
  private static func checked(
    _ request: DirectMailV1.PutTemplateRequest, _ press: any Press
  ) throws(RPCError) -> [String] {
    try checkFormat(request.format)
    let isName = request.template.utf8.allSatisfy {
      ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || (0x30...0x39).contains($0) || $0 == 0x2D
        || $0 == 0x5F || $0 == 0x2E
    }
    guard isName else {
      throw BudgetDesk.refusal("template", "has other characters than letters, digits and - _ .")
    }
    let isLocale = request.locale.utf8.allSatisfy {
      ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || (0x30...0x39).contains($0) || $0 == 0x2D
    }
    guard isLocale else { throw BudgetDesk.refusal("locale", "is none such as de-CH") }
    let (faults, parameters) = press.check(request.text, request.format)
    if !faults.isEmpty {
      throw RPCError(
        .invalidArgument, "the template is not right",
        fieldViolations: faults.map { .init(field: $0.field, detail: $0.problem) })
    }
    return parameters
  }

  private static func checkFormat(_ format: DirectMailV1.Format) throws(RPCError) {
    guard offered.contains(format) else {
      throw BudgetDesk.refusal("format", "is neither FORMAT_A4_FORM_A nor FORMAT_A4_FORM_B")
    }
  }

  func get(_ request: DirectMailV1.GetTemplateRequest) async throws -> DirectMailV1.Template {
    let newest = templates.newest(request.store, request.template, locale: request.locale)
    if let newest, request.version == 0 || newest.version == request.version { return newest }
    guard request.version > 0, newest != nil else { throw TemplateDesk.noTemplate }
    return try await threads.run {
      let found = try database.read {
        try TemplateBook.version(
          request.store, request.template, request.locale, request.version, $0)
      }
      guard let found else { throw TemplateDesk.noTemplate }
      return found
    }
  }

  func list(
    _ request: DirectMailV1.ListTemplatesRequest
  ) throws -> DirectMailV1.ListTemplatesResponse {
    var query = request
    query.page = nil
    let digest = try PageToken.digest(query, store: request.store)
    let limit = try PageLimit.rows(request.page)
    let after = try PageToken(request.page, digest: digest)?.text ?? ""
    let left = templates.all(request.store).drop {
      !after.isEmpty && "\($0.name)\u{0}\($0.locale)" <= after
    }
    let page = left.prefix(limit)
    let last = page.last.map { "\($0.name)\u{0}\($0.locale)" } ?? ""
    return .init(
      templates: page.map { template in
        var listed = template
        listed.text = ""
        return listed
      },
      next: left.count > page.count ? PageToken(digest: digest, number: 0, text: last).encoded : "")
  }

  // MARK: - Previews

  func preview(
    _ request: DirectMailV1.RenderPreviewRequest,
    _ responses: ResponseWriter<DirectMailV1.Chunk>
  ) async throws {
    guard
      request.pngPage == 0 || request.dotsPerInch == 0 || (36...600).contains(request.dotsPerInch)
    else { throw BudgetDesk.refusal("dots_per_inch", "is not from 36 to 600") }
    let store = try await stores.store(request.store)
    let template = try given(request, store)
    let letter = LetterOrder(
      order: CommonV1.SendOrder(
        store: request.store, cart: request.cart.isEmpty ? SampleFacts.cart : request.cart,
        template: template.name,
        parameters: request.parameters),
      facts: try await facts(request), store: store, template: template,
      locale: request.locale, cartLink: LetterLinks.samples.base + "/l/sample",
      objectionLink: LetterLinks.samples.base + "/b/sample",
      objectionCode: "SAMP-LE00-0000-0000", isSample: true, date: clock.now)
    let (press, page) = (press, Int(request.pngPage))
    let dots = request.dotsPerInch == 0 ? 150 : Int(request.dotsPerInch)
    let bytes: [UInt8]
    do {
      bytes = try await threads.run {
        try press.preview(letter, template.format, page: page, dotsPerInch: dots)
      }
    } catch let refusal as LetterRefusal {
      throw RPCError(
        .failedPrecondition, "the letter cannot be printed: \(refusal.field)",
        fieldViolations: [.init(field: refusal.field, detail: refusal.problem)])
    }
    for start in stride(from: 0, to: bytes.count, by: TemplateDesk.chunkSize) {
      let part = bytes[start..<min(start + TemplateDesk.chunkSize, bytes.count)]
      try await responses.send(.init(data: Array(part)))
    }
  }

  private func given(
    _ request: DirectMailV1.RenderPreviewRequest, _ store: CartTrackerV1.Store
  ) throws -> DirectMailV1.Template {
    guard request.text.isEmpty != request.template.isEmpty else {
      throw BudgetDesk.refusal("template", "or text is given, not both")
    }
    if request.text.isEmpty {
      let found = templates.variant(
        request.store, request.template, for: request.locale,
        storeLocale: store.settings?.locale ?? "")
      guard let found else { throw TemplateDesk.noTemplate }
      return found
    }
    try TemplateDesk.checkFormat(request.format)
    let faults = press.check(request.text, request.format).faults
    if !faults.isEmpty {
      throw RPCError(
        .invalidArgument, "the text is not right",
        fieldViolations: faults.map { .init(field: $0.field, detail: $0.problem) })
    }
    return DirectMailV1.Template(
      store: request.store, locale: request.locale, format: request.format, text: request.text)
  }

  /// Of the cart asked for, or a sample's.
  private func facts(
    _ request: DirectMailV1.RenderPreviewRequest
  ) async throws -> CartTrackerV1.Facts {
    if request.cart.isEmpty { return SampleFacts.facts(request.store) }
    let answer = try await source.facts(
      .init(store: request.store, subjects: [.init(cart: request.cart)]))
    guard let found = answer.facts.first, !found.unknown else {
      throw RPCError(.notFound, "no event named a cart of this id")
    }
    return found
  }
}

/// A person and a cart that nobody takes for real.
enum SampleFacts {
  static let cart = "sample"

  static func facts(_ store: String) -> CartTrackerV1.Facts {
    let price = CommonV1.Money(currencyCode: "EUR", units: 49, nanos: 900_000_000)
    let total = CommonV1.Money(currencyCode: "EUR", units: 99, nanos: 800_000_000)
    return CartTrackerV1.Facts(
      contact: CartTrackerV1.Contact(
        store: store, id: "sample",
        profile: CartTrackerV1.ContactProfile(
          givenName: "Sample", familyName: "Customer",
          address: CommonV1.Address(
            countryCode: "DE", company: "Sample GmbH", person: "Sample Customer",
            streetLines: ["Musterstraße 1"], postalCode: "12345", locality: "Musterstadt"))),
      carts: [
        CartTrackerV1.Cart(
          store: store, id: cart, contact: "sample",
          lines: [
            CartTrackerV1.CartLine(
              sku: "SAMPLE-1", name: "Sample product", quantity: .init(units: 2), unitPrice: price,
              lineTotal: total)
          ], totals: [total])
      ])
  }
}
