internal import ArgumentParser
internal import Foundation
internal import Messages
internal import Stubs
internal import Testing
internal import Wire

@testable internal import Homing
@testable internal import Transport

@Suite struct TemplateCommandTests {
  private typealias Methods = NotifierV1.NotifierMethods
  private static let at = ["here:1", "--store", "shop"]

  private let channel = TrackerChannel()
  private let printed = PrintedLines()
  private var caller: NotifierCaller { NotifierCaller(channel, timeout: .seconds(1)) }

  private func folder(_ files: [String: String]) throws -> String {
    let folder = try TemporaryFolder.make()
    for (name, text) in files {
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    }
    return folder
  }

  private static let files = [
    "hello.template": "channel: email\nrequired: cart_link, lines\n",
    "hello.de.subject.txt": "Ihr Warenkorb\n", "hello.de.html": "<p>{{name}}</p>\n",
    "hello.de.txt": "Guten Tag\n", "hello.subject.txt": "Your cart", "hello.html": "<p>",
    "hello.txt": "Hello", "short.template": "channel: sms\n", "short.en.txt": "Hi",
    "notes.md": "not a template",
  ]

  private func remove(_ folder: String) { try? FileManager.default.removeItem(atPath: folder) }

  private func answerCheck(faultsIn part: String = "", _ text: String = "") {
    channel.answer(Methods.checkTemplate) { (request: NotifierV1.CheckTemplateRequest) in
      let isWrong = part == "html" && request.parts?.html == text
      return NotifierV1.CheckTemplateResponse(
        problems: isWrong
          ? [.init(part: "html", line: 1, problem: "a section is not closed")] : [],
        parameters: ["name"])
    }
  }

  @Test("M05 A folder becomes templates with channel, locale and what they require")
  func read() throws {
    let folder = try folder(Self.files)
    defer { remove(folder) }
    let templates = try TemplateFolder.read(folder)
    #expect(templates.map(\.title) == ["hello", "hello de", "short en"])
    let german = try #require(templates.first { $0.locale == "de" })
    #expect(german.channel == .email)
    #expect(german.parts.subject == "Ihr Warenkorb")
    #expect(german.parts.html == "<p>{{name}}</p>\n")
    #expect(german.parts.required == ["cart_link", "lines"])
  }

  @Test("A folder that is not there, or holds no template, is told with its name")
  func noFolder() throws {
    let empty = try folder(["a.txt": "b"])
    defer { remove(empty) }
    for path in [empty, empty + "/none"] {
      let error = #expect(throws: CommandError.self) { try TemplateFolder.read(path) }
      #expect(error?.message.contains(path) == true)
    }
  }

  @Test("M05 A fault is told with file and line, and the exit code is 1")
  func check() async throws {
    let folder = try folder(Self.files)
    defer { remove(folder) }
    answerCheck(faultsIn: "html", "<p>")
    let command = try TemplateCheckCommand.parse(Self.at + [folder])
    let templates = try await command.source.templates()
    let exit = await #expect(throws: ExitCode.self) {
      try await command.check(caller, templates) { printed.add($0) }
    }
    #expect(exit?.rawValue == 1)
    #expect(
      printed.lines == [
        "hello.html:1: a section is not closed", "hello de: right; uses name",
        "short en: right; uses name",
      ])
  }

  @Test("Where one template has a fault none is applied")
  func applyNone() async throws {
    let folder = try folder(Self.files)
    defer { remove(folder) }
    answerCheck(faultsIn: "html", "<p>")
    let command = try TemplateApplyCommand.parse(Self.at + [folder])
    let templates = try await command.source.templates()
    await #expect(throws: ExitCode.self) {
      try await command.apply(caller, templates) { printed.add($0) }
    }
    let put: [NotifierV1.PutTemplateRequest] = try channel.requests(Methods.putTemplate)
    #expect(put.isEmpty)
    #expect(printed.lines == ["hello.html:1: a section is not closed"])
  }

  @Test("What a store has is left, what has changed is made from its version, what is new is new")
  func apply() async throws {
    let folder = try folder(Self.files)
    defer { remove(folder) }
    answerCheck()
    channel.answer(Methods.getTemplate) { (request: NotifierV1.GetTemplateRequest) in
      if request.template == "short" { throw RPCError(.notFound, "no such template") }
      var parts = NotifierV1.TemplateParts(
        subject: "Your cart", html: "<p>", text: "Hello", required: ["cart_link", "lines"])
      if request.locale == "de" { parts.subject = "Alt" }
      return NotifierV1.Template(
        name: request.template, channel: .email, locale: request.locale, parts: parts, version: 4)
    }
    channel.answer(Methods.putTemplate) { (request: NotifierV1.PutTemplateRequest) in
      NotifierV1.Template(
        name: request.template, locale: request.locale, version: request.version + 1)
    }
    let command = try TemplateApplyCommand.parse(Self.at + [folder, "--idempotency-key", "k"])
    try await command.apply(caller, try await command.source.templates()) { printed.add($0) }
    let put: [NotifierV1.PutTemplateRequest] = try channel.requests(Methods.putTemplate)
    #expect(put.map(\.template) == ["hello", "short"])
    #expect(put.map(\.version) == [4, 0])
    #expect(put.map(\.idempotencyKey) == ["k-1", "k-2"])
    #expect(
      printed.lines == [
        "hello: version 4 is in force already", "hello de: version 5 applied",
        "short en: version 1 applied",
      ])
  }

  @Test("The templates that come with the program can be read")
  func shipped() async throws {
    let command = try TemplateApplyCommand.parse(Self.at + ["--shipped"])
    let templates = try await command.source.templates()
    #expect(templates.contains { $0.title == "cart-reminder de" && $0.channel == .email })
    #expect(templates.contains { $0.title == "cart-sms en" && $0.channel == .sms })
    let one = try TemplateApplyCommand.parse(Self.at + ["--shipped", "--name", "cart-remindr"])
    let error = await #expect(throws: CommandError.self) { try await one.source.templates() }
    #expect(error?.message.contains("did you mean \"cart-reminder\"?") == true)
  }

  @Test("A folder or --shipped is asked for", arguments: [[], ["a", "--shipped"]])
  func source(arguments: [String]) {
    #expect(throws: (any Error).self) { try TemplateCheckCommand.parse(Self.at + arguments) }
  }

  @Test("F21 A preview is printed, or written as files")
  func preview() async throws {
    channel.answer(Methods.renderPreview) { (_: NotifierV1.RenderPreviewRequest) in
      NotifierV1.RenderPreviewResponse(
        subject: "Your cart", html: "<p>Hi</p>", text: "Hi\u{1b}[31m\nthere\n",
        mime: Array("Subject: Your cart\r\n".utf8), missing: ["lines"])
    }
    let command = try TemplatePreviewCommand.parse(
      Self.at + ["hello", "--cart", "c", "--locale", "de", "--parameter", "a=b=c"])
    try await command.preview(caller, nil) { printed.add($0) }
    #expect(
      printed.lines == [
        "Subject: Your cart", "", "Hi\\u{1b}[31m", "there", "",
        "missing: lines; the message would be held",
      ])
    let requests: [NotifierV1.RenderPreviewRequest] = try channel.requests(Methods.renderPreview)
    #expect(requests[0].parameters == [.init(name: "a", value: .text("b=c"))])
    #expect(requests[0].cart == "c")
    let folder = try TemporaryFolder.make()
    defer { remove(folder) }
    let written = try TemplatePreviewCommand.parse(
      Self.at + ["hello", "--locale", "de", "--out", folder + "/new"])
    try await written.preview(caller, nil) { _ in }
    let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/new").sorted()
    #expect(names == ["hello.de.eml", "hello.de.html", "hello.de.txt"])
  }

  @Test("A template is listed, shown, and written as the files it was made from")
  func show() async throws {
    let template = NotifierV1.Template(
      name: "hello", channel: .email, locale: "de",
      parts: .init(subject: "S", html: "<p>", text: "T", required: ["lines"]), version: 3,
      author: "spiffe://homing.test/you", parameters: ["lines", "name"])
    channel.answer(Methods.getTemplate) { (_: NotifierV1.GetTemplateRequest) in template }
    channel.answer(Methods.listTemplates) { (_: NotifierV1.ListTemplatesRequest) in
      NotifierV1.ListTemplatesResponse(templates: [template])
    }
    let list = try TemplateListCommand.parse(Self.at + ["--channel", "email"])
    try await list.list(caller) { printed.add($0) }
    #expect(printed.lines.last?.hasPrefix("hello     de      email          3") == true)
    let folder = try TemporaryFolder.make()
    defer { remove(folder) }
    let show = try TemplateShowCommand.parse(
      Self.at + ["hello", "--locale", "de", "--out", folder])
    try await show.show(caller) { printed.add($0) }
    #expect(printed.text.contains("uses      lines, name"))
    let read = try #require(try TemplateFolder.read(folder).first)
    #expect(read.title == "hello de")
    #expect(read.parts == template.parts)
  }

  @Test("A name with a slash writes no file", arguments: ["../a", "/etc/a", ".a"])
  func badName(name: String) {
    #expect(throws: CommandError.self) { try TemplateFolder.write([1], to: "/tmp", name) }
  }
}
