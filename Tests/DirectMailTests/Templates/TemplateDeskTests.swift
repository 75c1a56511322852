internal import Messages
internal import ServiceKit
internal import Stubs
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

@testable internal import DirectMail

@Suite struct TemplateDeskTests {
  private func put(
    _ mail: DirectMailFixture, _ key: String, text: String = "Hello", version: UInt32 = 0,
    locale: String = "", format: DirectMailV1.Format = .a4FormB
  ) async throws -> DirectMailV1.Template {
    try await mail.client.putTemplate(
      .init(
        store: "shop", idempotencyKey: key, template: "hello", locale: locale, format: format,
        text: text, version: version))
  }

  @Test(
    "A template's versions count up, are kept, and are not overwritten by who read an older one")
  func versions() async throws {
    let mail = try await DirectMailFixture.start()
    let first = try await put(mail, "a")
    #expect((first.version, first.parameters) == (1, ["greeting"]))
    #expect(try await put(mail, "b", text: "Hello again", version: 1).version == 2)
    #expect(try await rpcError { try await put(mail, "c", version: 1) }.code == .aborted)
    let old = try await mail.client.getTemplate(
      .init(store: "shop", template: "hello", version: 1))
    #expect(old.text == "Hello")
    _ = try await put(mail, "d", locale: "de")
    let listed = try await mail.client.listTemplates(.init(store: "shop", page: .init(limit: 1)))
    #expect(listed.templates.map(\.locale) == [""])
    #expect(listed.templates.map(\.text) == [""])
    let rest = try await mail.client.listTemplates(
      .init(store: "shop", page: .init(limit: 1, after: listed.next)))
    #expect(rest.templates.map(\.locale) == ["de"])
    #expect(rest.next.isEmpty)
    await mail.stop()
  }

  @Test("D05 Formats that are not offered, other formats than before, and faults are refused")
  func refusals() async throws {
    let mail = try await DirectMailFixture.start()
    _ = try await put(mail, "a")
    for (key, text, format, field) in [
      ("b", "Hello", DirectMailV1.Format.usLetter, "format"),
      ("c", "Hello", .a4FormA, "format"), ("d", "wrong", .a4FormB, "1:1 blocks"),
    ] {
      let error = try await rpcError {
        try await put(mail, key, text: text, locale: "de", format: format)
      }
      #expect(error.code == .invalidArgument)
      #expect(error.fieldViolations.map(\.field) == [field])
    }
    await mail.stop()
  }

  @Test("D09 A preview is a sample, and says what is missing")
  func preview() async throws {
    let mail = try await DirectMailFixture.start()
    _ = try await put(mail, "a")
    func preview(_ request: DirectMailV1.RenderPreviewRequest) async throws -> String {
      let call = try await mail.client.renderPreview(request)
      var bytes: [UInt8] = []
      while let chunk = try await call.next() { bytes += chunk.data }
      return String(decoding: bytes, as: UTF8.self)
    }
    #expect(try await preview(.init(store: "shop", template: "hello", pngPage: 1)) == "1 150 true")
    #expect(
      try await preview(.init(store: "shop", text: "Hi", format: .a4FormA)) == "0 150 true")
    #expect(
      try await rpcError { try await preview(.init(store: "shop")) }.code == .invalidArgument)
    mail.press.refuses { _ in
      LetterRefusal(reason: .glyphMissing, field: "blocks.1", problem: "U+E000")
    }
    let error = try await rpcError { try await preview(.init(store: "shop", template: "hello")) }
    #expect(error.code == .failedPrecondition)
    #expect(error.fieldViolations.map(\.field) == ["blocks.1"])
    await mail.stop()
  }
}
