internal import ArgumentParser
internal import DynamicMessages
internal import Messages
internal import Stubs
internal import Wire

/// `homing template preview`: a message as somebody would get it; nothing is stored or sent (F21).
struct TemplatePreviewCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "preview", abstract: "Render a template for a sample or a real cart.",
    discussion: """
      With --folder the parts come from files, before they are applied. Links in it are samples \
      that lead nowhere.
      """)

  @OptionGroup var at: NotifierStore
  @Argument(help: "The template's name.") var name: String
  @Option(help: "For this cart (default: a sample cart).") var cart = ""
  @Option(help: "In this locale (default: the contact's).") var locale = ""
  @Option(help: ArgumentHelp("Take the parts from this folder.", valueName: "folder"))
  var folder: String?
  @Option(
    name: .customLong("parameter"),
    help: ArgumentHelp("A further value, several times.", valueName: "name=value"))
  var parameters: [String] = []
  @Option(
    help: ArgumentHelp(
      "Write NAME.html, NAME.txt and NAME.eml into this folder.", valueName: "folder"))
  var out: String?
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    let parts = try await parts()
    try await at.call { try await preview($0, parts) { Terminal.print($0) } }
  }

  func preview(
    _ caller: NotifierCaller, _ parts: NotifierV1.TemplateParts?, _ print: (String) -> Void
  ) async throws {
    let answer = try await caller.client.renderPreview(
      .init(
        store: at.store, template: name, parts: parts, cart: cart, locale: locale,
        parameters: try ParameterOption.attributes(parameters)),
      options: caller.options)
    if let out { try write(answer, to: out) }
    if output.isJSON { return print(output.line(try ContractJSON().value(answer))) }
    if out == nil {
      if !answer.subject.isEmpty {
        print(Printable.text("Subject: \(answer.subject)"))
        print("")
      }
      PrintedText.lines(answer.text).forEach(print)
    } else {
      for file in files(answer) { print("\(out ?? "")/\(file.name)") }
    }
    if !answer.missing.isEmpty {
      print("")
      print(
        Printable.text(
          "missing: \(answer.missing.joined(separator: ", ")); the message would be held"))
    }
  }

  /// Of the folder, in the wanted locale or the first there is.
  private func parts() async throws -> NotifierV1.TemplateParts? {
    guard let folder else { return nil }
    let all = try await BlockingWork.run { try TemplateFolder.read(folder) }
    let named = all.filter { $0.name == name }
    let found =
      named.first { $0.locale == locale }
      ?? named.first { locale.hasPrefix($0.locale + "-") } ?? (locale.isEmpty ? named.first : nil)
    guard let found else {
      throw CommandError.usage(
        "\(Printable.text(folder)) has no template \"\(Printable.text(name))\""
          + (named.isEmpty
            ? NearestName.hint(for: name, in: Set(all.map(\.name)).sorted())
            : NearestName.hint(for: locale, in: named.map(\.locale))))
    }
    return found.parts
  }

  private func files(
    _ answer: NotifierV1.RenderPreviewResponse
  ) -> [(name: String, bytes: [UInt8])] {
    let stem = locale.isEmpty ? name : "\(name).\(locale)"
    return [
      ("\(stem).html", Array(answer.html.utf8)), ("\(stem).txt", Array(answer.text.utf8)),
      ("\(stem).eml", answer.mime),
    ].filter { !$0.1.isEmpty }
  }

  private func write(
    _ answer: NotifierV1.RenderPreviewResponse, to folder: String
  ) throws(CommandError) {
    try TemplateFolder.make(folder)
    for file in files(answer) { try TemplateFolder.write(file.bytes, to: folder, file.name) }
  }
}
