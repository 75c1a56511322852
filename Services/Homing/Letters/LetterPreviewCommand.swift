internal import ArgumentParser
internal import Messages
internal import Stubs
internal import Transport
internal import Wire

/// `homing letters preview`: a letter as somebody would get it, marked as a sample; nothing is
/// stored or ordered (D09).
struct LettersPreviewCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "preview", abstract: "Draw a letter for a sample or a real cart, as PDF or PNG.",
    discussion: "Its codes are samples that lead nowhere.")

  @OptionGroup var at: LetterStore
  @Argument(help: "The template's name.") var name: String?
  @Option(help: ArgumentHelp("A letter's file, before it is applied.", valueName: "file"))
  var file: String?
  @Option(help: "Of --file: a4_form_a or a4_form_b.") var format = "a4_form_b"
  @Option(help: "For this cart (default: a sample cart).") var cart = ""
  @Option(help: "In this locale (default: the contact's).") var locale = ""
  @Option(
    name: .customLong("parameter"),
    help: ArgumentHelp("A further value, several times.", valueName: "name=value"))
  var parameters: [String] = []
  @Option(help: ArgumentHelp("This page as PNG, from 1 (default: all as PDF).", valueName: "page"))
  var png: UInt32 = 0
  @Option(help: ArgumentHelp("Dots per inch of a PNG, 36 to 600.", valueName: "dots"))
  var dots: UInt32 = 150
  @Option(help: ArgumentHelp("Where it is written; - is standard output.", valueName: "file"))
  var out: String
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if (name == nil) == (file == nil) {
      throw ValidationError("A template's name or --file is needed, not both.")
    }
  }

  func perform() async throws {
    var text: [UInt8] = []
    if let file {
      text = try await BlockingWork.run {
        try InputFile.bytes(file, bytesMax: LetterFiles.sizeMax)
      }
    }
    let bytes = text
    try await at.call { try await preview($0, bytes) { Terminal.print($0) } }
  }

  /// - Parameter bytes: of `file`.
  func preview(
    _ caller: LetterCaller, _ bytes: [UInt8], _ print: (String) -> Void
  ) async throws {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw CommandError.file("\(Printable.text(file ?? "")) is not UTF-8 text")
    }
    let call = try await caller.client.renderPreview(
      .init(
        store: at.store, template: name ?? "", text: text,
        format: file == nil ? .unspecified : try LetterTexts.format(format), cart: cart,
        locale: locale, parameters: try ParameterOption.attributes(parameters), pngPage: png,
        dotsPerInch: png == 0 ? 0 : dots))
    // Made when the first bytes are there: a letter with a fault leaves no empty file.
    var target: OutputFile?
    while let chunk = try await call.next() {
      let file = try target ?? OutputFile(out)
      try file.write(chunk.data)
      target = file
    }
    guard let target else { throw CommandError.file("nothing was drawn: is there such a page?") }
    try target.close()
    if out != "-" && !output.isJSON { print(Printable.text(out)) }
  }
}

/// Options `--parameter name=value`.
enum ParameterOption {
  static func attributes(_ options: [String]) throws(CommandError) -> [CommonV1.Attribute] {
    var attributes: [CommonV1.Attribute] = []
    for option in options {
      let halves = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard halves.count == 2, !halves[0].isEmpty else {
        throw .usage("--parameter must be name=value, is \"\(Printable.text(option))\"")
      }
      attributes.append(.init(name: String(halves[0]), value: .text(String(halves[1]))))
    }
    return attributes
  }
}
