internal import Messages
internal import Stubs
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import Notifier

/// Every channel's messages can be looked at before anybody gets one (F21).
@Suite struct PreviewTests {
  private static let channels: [CommonV1.Channel] = [
    .email, .sms, .chat, .push, .internal, .webhook,
  ]

  private static func parts(_ channel: CommonV1.Channel) -> NotifierV1.TemplateParts {
    switch channel {
    case .email:
      .init(
        subject: "Your cart at {{store_name}}",
        html: "<p>{{customer_name}}</p><a href=\"{{cart_link}}\">cart</a> "
          + "<a href=\"{{unsubscribe_link}}\">out</a> {{imprint}}",
        text: "{{customer_name}}: {{cart_link}} {{unsubscribe_link}} {{imprint}}")
    case .webhook: .init()
    default: .init(text: "{{customer_name}}: {{cart_link}}\n")
    }
  }

  private func start() async throws -> (NotifierFixture, ScriptedProvider) {
    let provider = ScriptedProvider()
    return (try await NotifierFixture.start(lanes: [provider.lane]), provider)
  }

  @Test("F21 A preview of every channel shows what would go out, as a sample; nobody gets it")
  func preview() async throws {
    let (notifier, provider) = try await start()
    for channel in Self.channels { try await preview(channel, notifier) }
    await notifier.settle()
    #expect(provider.parcels.entries.isEmpty)
    let listed = try await notifier.client.listMessages(.init(store: "shop")).messages
    #expect(listed.isEmpty)
    await notifier.stop()
  }

  private func preview(_ channel: CommonV1.Channel, _ notifier: NotifierFixture) async throws {
    let name = "hello-\(channel.rawValue)"
    try await notifier.putTemplate(name, channel: channel, Self.parts(channel))
    let shown = try await notifier.client.renderPreview(
      .init(store: "shop", template: name, locale: "en"))
    #expect(shown.version == 1 && shown.missing.isEmpty)
    let places = [shown.text, shown.html].filter { !$0.isEmpty }
    #expect(!places.isEmpty)
    for place in places {
      #expect(place.lowercased().contains("sample"))
      #expect(!place.contains("{{"))
    }
    let mime = String(decoding: shown.mime, as: UTF8.self)
    #expect(mime.contains("Subject: Your cart at Shop") == (channel == .email))
    #expect(shown.subject.isEmpty == (channel != .email))
    // What is seen by staff and other systems holds no token (M04).
    let isPlain = channel == .internal || channel == .webhook
    #expect(shown.text.contains("/c/sample-") == !isPlain)
    try await previewOfParts(channel, name, notifier)
  }

  /// Parts are looked at before they are put, with what they lack.
  private func previewOfParts(
    _ channel: CommonV1.Channel, _ name: String, _ notifier: NotifierFixture
  ) async throws {
    var parts = Self.parts(channel)
    parts.required = ["flow.sale"]
    let shown = try await notifier.client.renderPreview(
      .init(store: "shop", template: name, parts: parts, locale: "en"))
    #expect(shown.version == 0 && shown.missing == ["flow.sale"])
    #expect(shown.mime.isEmpty)
    let full = try await notifier.client.renderPreview(
      .init(
        store: "shop", template: name, parts: parts, locale: "en",
        parameters: [.init(name: "sale", value: .text("Spring"))]))
    #expect(full.missing.isEmpty)
  }

  @Test("F21 A text that is too long for its channel is refused in the preview already")
  func tooLong() async throws {
    let (notifier, _) = try await start()
    try await notifier.putTemplate("hello", channel: .sms)
    let error = await #expect(throws: RPCError.self) {
      try await notifier.client.renderPreview(
        .init(
          store: "shop", template: "hello",
          parts: .init(text: String(repeating: "long ", count: 400))))
    }
    #expect(error?.code == .invalidArgument)
    #expect(error?.message.contains("1530") == true || "\(error as Any)".contains("1530"))
    let missing = await #expect(throws: RPCError.self) {
      try await notifier.client.renderPreview(.init(store: "shop", template: "none"))
    }
    #expect(missing?.code == .notFound)
    await notifier.stop()
  }
}
