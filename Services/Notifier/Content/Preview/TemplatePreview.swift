internal import Messages
internal import ServiceKit
internal import Texts

/// Shows a template as a message, without anyone getting one (F21).
struct TemplatePreview: Sendable {
  /// The stored template, or parts given in its place with version 0.
  let template: StoredTemplate
  let store: CartTrackerV1.Store
  /// Of a real cart; nil shows the sample cart.
  let facts: CartTrackerV1.Facts?
  /// The real cart's id; ignored for the sample.
  let cart: String
  /// Empty means the contact's, then the template's, then the store's.
  let locale: String
  /// As a flow would give them.
  let parameters: [CommonV1.Attribute]
  let now: Instant

  private static let message = "00000000-0000-4000-8000-000000000000"

  /// Links lead nowhere. What is missing is listed, and shown as if it were not required.
  ///
  /// - Throws: naming the part, where it cannot be read or rendered.
  func render(
    _ renderer: ContentRenderer
  ) throws(ContentError) -> NotifierV1.RenderPreviewResponse {
    let request = request
    let compiled = try CompiledTemplate(template)
    let maker = renderer.maker(request, compiled)
    let id = UUIDText.bytes(TemplatePreview.message) ?? []
    var builder = maker.builder(id, maker.linkKind, isCopy: false)
    if facts == nil { builder.markSample() }
    let missing = maker.missing(builder.values)
    func text(_ name: String, _ program: TemplateProgram?) throws(ContentError) -> String {
      String(decoding: try maker.part(name, program, builder.values), as: UTF8.self)
    }
    switch template.channel {
    case .email: break
    case .webhook:
      return NotifierV1.RenderPreviewResponse(
        text: String(decoding: WebhookBody.bytes(request), as: UTF8.self), missing: missing,
        version: template.version)
    default:
      return NotifierV1.RenderPreviewResponse(
        text: try maker.text(builder.values), missing: missing, version: template.version)
    }
    var response = NotifierV1.RenderPreviewResponse(
      subject: OneLine.text(try text("subject", compiled.subject)),
      html: try text("html", compiled.html), text: try text("text", compiled.text),
      missing: missing, version: template.version)
    if missing.isEmpty { response.mime = try maker.email(id, builder).bytes }
    return response
  }

  private var request: RenderRequest {
    let settings = store.settings
    let storeLocale = settings?.locale ?? ""
    let own = facts?.contact?.profile?.locale ?? ""
    let locales = [locale, own, template.locale, storeLocale]
    let locale = locales.first { !$0.isEmpty } ?? "en"
    let sample = SampleCart.facts(
      Language(of: template.locale.isEmpty ? locale : template.locale), currency: "EUR", now: now)
    let facts = facts ?? sample
    let address = facts.contact?.profile?.destinations.first { $0.channel == template.channel }
    let order = CommonV1.SendOrder(
      id: TemplatePreview.message, store: store.id, channel: template.channel,
      contact: facts.contact?.id ?? "", cart: self.facts == nil ? SampleCart.id : cart,
      flow: "preview", step: "preview", template: template.name, parameters: parameters)
    return RenderRequest(
      order: order, facts: facts, store: store, template: template, locale: locale,
      recipient: address?.address ?? "preview@sample.invalid", links: .samples,
      isTracked: true, bucket: 0, now: now)
  }
}
