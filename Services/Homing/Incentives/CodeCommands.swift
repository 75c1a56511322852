internal import ArgumentParser
internal import DynamicMessages
internal import Messages
internal import Stubs
internal import Wire

/// `homing incentives upload`: personal codes for a pool.
struct IncentivesUploadCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "upload", abstract: "Add codes from a CSV file to an incentive's pool.",
    discussion: """
      One code a line, in the first column; a first line that says code is passed over, as are \
      empty ones. Codes that are known or stand twice are refused with their lines, the others are \
      added. Cut off, it may be run again.
      """)

  static let sizeMax = 64 << 20
  /// Codes of a call.
  static let batchSize = 5000

  @OptionGroup var at: SchedulerStore
  @Argument(help: "The incentive's name.") var name: String
  @Argument(help: "CSV file; - for standard input.") var file: String
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await at.call { try await upload($0) { Terminal.print($0) } }
  }

  func upload(_ caller: SchedulerCaller, _ print: (String) -> Void) async throws {
    let path = file == "-" ? "/dev/stdin" : file
    let bytes = try await BlockingWork.run {
      try InputFile.bytes(path, bytesMax: IncentivesUploadCommand.sizeMax)
    }
    let codes = try CodeFile.codes(bytes)
    var sum = SchedulerV1.UploadCodesResponse()
    for start in stride(from: 0, to: codes.count, by: Self.batchSize) {
      let part = codes[start..<min(start + Self.batchSize, codes.count)]
      let answer = try await caller.incentives.uploadCodes(
        .init(
          store: at.store, idempotencyKey: IdempotencyKey.make(nil), incentive: name,
          codes: part.map(\.code), firstLine: 1), options: caller.options)
      sum.added += answer.added
      for refused in answer.refused {
        let index = part.startIndex + Int(refused.line) - 1
        let line = codes.indices.contains(index) ? codes[index].line : refused.line
        sum.refused.append(.init(line: line, problem: problem(refused.problem, part)))
      }
    }
    if output.isJSON { return print(output.line(try ContractJSON().value(sum))) }
    for refused in sum.refused {
      print(Printable.text("line \(refused.line): \(refused.problem)"))
    }
    print("\(sum.added) added, \(sum.refused.count) refused")
  }

  /// `stands in line N too` counts the codes of the call; people count the file's lines.
  private func problem(_ text: String, _ part: ArraySlice<CodeFile.Line>) -> String {
    let words = text.split(separator: " ")
    guard words.count == 5, words.starts(with: ["stands", "in", "line"]),
      let number = Int(words[3]), number >= 1, number <= part.count
    else { return text }
    return "stands in line \(part[part.startIndex + number - 1].line) too"
  }
}

/// Codes of a CSV file with their lines.
enum CodeFile {
  struct Line: Hashable, Sendable {
    let line: UInt32
    let code: String
  }

  /// - Throws: `CommandError` for what is no text.
  static func codes(_ bytes: [UInt8]) throws(CommandError) -> [Line] {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .file("the file is not UTF-8 text")
    }
    var codes: [Line] = []
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (index, line) in lines.enumerated() {
      let first = line.prefix { $0 != "," && $0 != ";" && $0 != "\t" }
      let code = first.filter { $0 != "\"" && $0 != " " && $0 != "\u{feff}" }
      if code.isEmpty || (codes.isEmpty && code.lowercased() == "code") { continue }
      codes.append(Line(line: UInt32(index + 1), code: String(code)))
    }
    return codes
  }
}

/// `homing incentives redeem`: what the shop asks at its checkout.
struct IncentivesRedeemCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "redeem", abstract: "Ask whether a code holds for an order, and redeem it.",
    discussion: "Ends with 0 where the code holds, with 3 where it does not.")

  static let refused: Int32 = 3

  @OptionGroup var at: SchedulerStore
  @Argument(help: "The code.") var code: String
  @Option(help: "The shop's id of the order.") var order: String
  @Option(help: "Whose order it is.") var contact = ""
  @Option(help: "The cart that was ordered.") var cart = ""
  @Option(help: ArgumentHelp("The order's total, such as \"99.90 EUR\".", valueName: "amount"))
  var total: String
  @Flag(help: "Only ask; nothing is marked.") var check = false
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await at.call { try await redeem($0) { Terminal.print($0) } }
  }

  func redeem(_ caller: SchedulerCaller, _ print: (String) -> Void) async throws {
    let answer = try await caller.incentives.redeem(
      .init(
        store: at.store, code: code, order: order, contact: contact, cart: cart,
        total: try GiftText.money([total], "--total").first, checkOnly: check),
      options: caller.options)
    if output.isJSON {
      print(output.line(try ContractJSON().value(answer)))
    } else if answer.refusal == .unspecified {
      let worth = answer.value.map { " worth \(ValueText.text($0))" } ?? ""
      print(Printable.text("holds: \(answer.incentive)\(worth)"))
    } else {
      print("refused: \(IncentiveCells.words(answer.refusal))")
    }
    if answer.refusal != .unspecified { throw ExitCode(Self.refused) }
  }
}

/// `homing incentives reverse`: the order was cancelled.
struct IncentivesReverseCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "reverse", abstract: "Take a redemption back, as its order was cancelled.")

  @OptionGroup var at: SchedulerStore
  @Argument(help: "The code.") var code: String
  @Option(help: "The shop's id of the order.") var order: String
  @Option(help: "Idempotency key, to repeat a call safely.") var idempotencyKey: String?
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    try await at.call { try await reverse($0) { Terminal.print($0) } }
  }

  func reverse(_ caller: SchedulerCaller, _ print: (String) -> Void) async throws {
    let answer = try await caller.incentives.reverseRedemption(
      .init(
        store: at.store, idempotencyKey: IdempotencyKey.make(idempotencyKey), code: code,
        order: order), options: caller.options)
    if output.isJSON { return print(output.line(try ContractJSON().value(answer))) }
    print(answer.holds ? "taken back: the code holds again" : "taken back")
  }
}

/// `homing incentives void`: ends a code.
struct IncentivesVoidCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "void", abstract: "End a code that was not redeemed.")

  @OptionGroup var at: SchedulerStore
  @Argument(help: "The code.") var code: String
  @Option(help: "For a fixed code: whose.") var contact = ""
  @Option(help: "Idempotency key, to repeat a call safely.") var idempotencyKey: String?
  @OptionGroup var output: OutputOptions

  func perform() async throws { try await at.call { try await void($0) { Terminal.print($0) } } }

  func void(_ caller: SchedulerCaller, _ print: (String) -> Void) async throws {
    let answer = try await caller.incentives.voidCode(
      .init(
        store: at.store, idempotencyKey: IdempotencyKey.make(idempotencyKey), code: code,
        contact: contact), options: caller.options)
    if output.isJSON { return print(output.line(try ContractJSON().value(answer))) }
    print("void")
  }
}
