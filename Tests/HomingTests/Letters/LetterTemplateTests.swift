internal import ArgumentParser
internal import Foundation
internal import Messages
internal import Stubs
internal import Testing
internal import Wire

@testable internal import Homing
@testable internal import Transport

@Suite struct LetterTemplateTests {
  private typealias Methods = DirectMailV1.DirectMailMethods
  private static let at = ["here:1", "--store", "shop"]

  private let channel = TrackerChannel()
  private let printed = PrintedLines()
  private var caller: LetterCaller { LetterCaller(channel, timeout: .seconds(1)) }

  private func folder(_ files: [String: String]) throws -> String {
    let folder = try TemporaryFolder.make()
    for (name, text) in files {
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    }
    return folder
  }

  private func remove(_ folder: String) { try? FileManager.default.removeItem(atPath: folder) }

  private static let files = [
    "hello.de.yaml": "- text: Tag\n", "hello.yaml": "- text: Hello\n", "notes.md": "none",
  ]

  @Test("D09 A folder becomes letters by name and locale")
  func read() throws {
    let folder = try folder(Self.files)
    defer { remove(folder) }
    let letters = try LetterFiles.read(folder)
    #expect(letters.map(\.title) == ["hello de", "hello"])
    #expect(letters.map(\.file) == ["hello.de.yaml", "hello.yaml"])
    #expect(letters[0].text == "- text: Tag\n")
    let error = #expect(throws: CommandError.self) { try LetterFiles.parse(["a.yaml": [0xFF]]) }
    #expect(error?.message == "a.yaml is not UTF-8 text")
    #expect(throws: CommandError.self) {
      try LetterFiles.parse(["a.yaml": Array(repeating: 0x61, count: LetterFiles.sizeMax + 1)])
    }
    let empty = try self.folder(["a.txt": "b"])
    defer { remove(empty) }
    #expect(throws: CommandError.self) { try LetterFiles.read(empty) }
  }

  @Test("What a store has is left, what has changed is made from its version, what is new is new")
  func apply() async throws {
    let folder = try folder(Self.files.merging(["new.en.yaml": "- text: New\n"]) { $1 })
    defer { remove(folder) }
    channel.answer(Methods.getTemplate) { (request: DirectMailV1.GetTemplateRequest) in
      if request.template == "new" { throw RPCError(.notFound, "no such template") }
      return DirectMailV1.Template(
        name: request.template, locale: request.locale, format: .a4FormA,
        text: request.locale == "de" ? "- text: Alt\n" : "- text: Hello\n", version: 4)
    }
    channel.answer(Methods.putTemplate) { (request: DirectMailV1.PutTemplateRequest) in
      DirectMailV1.Template(
        name: request.template, locale: request.locale, version: request.version + 1)
    }
    let command = try LettersTemplateApplyCommand.parse(
      Self.at + [folder, "--format", "a4-form-a", "--idempotency-key", "k"])
    try await command.apply(caller, try await command.source.letters()) { printed.add($0) }
    let put: [DirectMailV1.PutTemplateRequest] = try channel.requests(Methods.putTemplate)
    #expect(put.map(\.template) == ["hello", "new"])
    #expect(put.map(\.version) == [4, 0])
    #expect(put.map(\.format) == [.a4FormA, .a4FormA])
    #expect(
      printed.lines == [
        "hello de: version 5 applied", "hello: version 4 is in force already",
        "new en: version 1 applied",
      ])
    let checked: [DirectMailV1.RenderPreviewRequest] = try channel.requests(Methods.renderPreview)
    #expect(checked.map(\.text) == ["- text: Tag\n", "- text: Hello\n", "- text: New\n"])
  }

  @Test("The letters that come with the program can be read")
  func shipped() async throws {
    let command = try LettersTemplateApplyCommand.parse(Self.at + ["--shipped"])
    let titles = try await command.source.letters().map(\.title)
    #expect(titles == ["cart-letter de", "cart-letter en", "quote-letter de", "quote-letter en"])
    let one = try LettersTemplateApplyCommand.parse(
      Self.at + ["--shipped", "--name", "cart-leter"])
    let error = await #expect(throws: CommandError.self) { try await one.source.letters() }
    #expect(error?.message.contains("did you mean \"cart-letter\"?") == true)
  }

  @Test("Each letter that comes with the program is one that the program ships")
  func files() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Services/Homing/Shipped/letters")
    let names = try FileManager.default.contentsOfDirectory(
      atPath: folder.path(percentEncoded: false))
    #expect(names.sorted() == ShippedFiles.letters.keys.sorted())
    for (name, bytes) in ShippedFiles.letters {
      #expect(try Array(Data(contentsOf: folder.appending(path: name))) == bytes)
    }
  }

  @Test("D09 A preview is written as it comes; without a page there is no file")
  func preview() async throws {
    let folder = try TemporaryFolder.make()
    defer { remove(folder) }
    let command = try LettersPreviewCommand.parse(
      Self.at + [
        "hello", "--cart", "c", "--locale", "de", "--parameter", "a=b=c", "--png", "2", "--out",
        folder + "/a.png",
      ])
    await #expect(throws: CommandError.self) {
      try await command.preview(caller, []) { printed.add($0) }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    try channel.stream(
      Methods.renderPreview,
      [DirectMailV1.Chunk(data: [1, 2]), DirectMailV1.Chunk(data: [3])])
    try await command.preview(caller, []) { printed.add($0) }
    #expect(try Array(Data(contentsOf: URL(fileURLWithPath: folder + "/a.png"))) == [1, 2, 3])
    #expect(printed.lines == [folder + "/a.png"])
    let requests: [DirectMailV1.RenderPreviewRequest] = try channel.requests(
      Methods.renderPreview)
    #expect(requests.last?.template == "hello")
    #expect(requests.last?.format == .unspecified)
    #expect(requests.last?.pngPage == 2)
    #expect(requests.last?.dotsPerInch == 150)
    #expect(requests.last?.parameters == [.init(name: "a", value: .text("b=c"))])
    #expect(throws: (any Error).self) {
      try LettersPreviewCommand.parse(Self.at + ["a", "--file", "b", "--out", "c"])
    }
  }

  @Test("A paper that is none is told with those there are")
  func format() {
    let error = #expect(throws: CommandError.self) { try LetterTexts.format("a3") }
    #expect(error?.message.hasPrefix("--format: \"a3\" is none of a4_form_a, a4_form_b") == true)
  }
}
