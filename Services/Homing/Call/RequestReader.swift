internal import DynamicMessages
internal import Glibc

/// The request messages that `--data` names, one after the other, each as soon as its JSON has
/// come.
actor RequestReader {
  /// Where JSON comes from.
  enum Source: Hashable, Sendable {
    /// On the command line itself.
    case text(String)
    case file(String)
    case standardInput

    /// `@FILE`, `-`, or JSON.
    init(_ argument: String) {
      if argument == "-" {
        self = .standardInput
      } else if argument.hasPrefix("@") {
        self = .file(String(argument.dropFirst()))
      } else {
        self = .text(argument)
      }
    }

    /// What messages call it.
    var name: String {
      switch self {
      case .text: "--data"
      case .file(let path): path
      case .standardInput: "standard input"
      }
    }
  }

  private let source: Source
  private let type: MessageType
  private let schema: Schema
  private var splitter = JSONSplitter()
  private var pieces: [JSONSplitter.Piece] = []
  /// Nil before the first read and at the end.
  private var descriptor: Int32?
  private var isTextRead = false
  private var isAtEnd = false
  private var count = 0

  init(_ source: Source, _ type: MessageType, _ schema: Schema) {
    self.source = source
    self.type = type
    self.schema = schema
  }

  deinit {
    if let descriptor, descriptor != STDIN_FILENO { close(descriptor) }
  }

  /// The next message, nil at the end.
  ///
  /// - Throws: `CommandError` with the place in the text or the path in the message.
  func next() async throws -> DynamicMessage? {
    while pieces.isEmpty && !isAtEnd { try await readMore() }
    guard !pieces.isEmpty else { return nil }
    let piece = pieces.removeFirst()
    count += 1
    do {
      let json = try JSONReader.value(piece.bytes, at: piece.start)
      return try DynamicMessage(json: json, type, schema)
    } catch let error as DynamicError {
      let which = count > 1 ? ", value \(count)" : ""
      throw CommandError.usage(Printable.text("\(source.name)\(which): \(error)"))
    } catch {
      throw CommandError.usage(Printable.text("\(source.name), \(error)"))
    }
  }

  /// The one message of a call that takes exactly one.
  func only() async throws -> DynamicMessage {
    guard let message = try await next() else {
      throw CommandError.usage("\(source.name) has no JSON value; the method takes one request")
    }
    guard try await next() == nil else {
      throw CommandError.usage(
        "\(source.name) has more than one JSON value; the method takes one request")
    }
    return message
  }

  private func readMore() async throws {
    let chunk = try await chunk()
    do {
      if let chunk {
        pieces += try splitter.feed(chunk)
      } else {
        isAtEnd = true
        if let last = splitter.finish() { pieces.append(last) }
      }
    } catch {
      throw CommandError.usage("\(source.name), \(error)")
    }
  }

  private func chunk() async throws -> [UInt8]? {
    switch source {
    case .text(let text):
      defer { isTextRead = true }
      return isTextRead ? nil : Array(text.utf8)
    case .file(let path):
      let descriptor = try openFile(path)
      return try await BlockingWork.run { try InputFile.chunk(descriptor, path) }
    case .standardInput:
      return try await BlockingWork.run {
        try InputFile.chunk(STDIN_FILENO, "standard input")
      }
    }
  }

  private func openFile(_ path: String) throws -> Int32 {
    if let descriptor { return descriptor }
    let opened = open(path, O_RDONLY | O_CLOEXEC)
    guard opened >= 0 else {
      throw CommandError.file("cannot read \(path): \(SystemError.text(errno))")
    }
    descriptor = opened
    return opened
  }
}
