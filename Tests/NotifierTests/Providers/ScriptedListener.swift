internal import Glibc
internal import Synchronization
internal import TestSupport
internal import Transport

/// A server on 127.0.0.1 whose every connection is a script on a thread of its own.
final class ScriptedListener: Sendable {
  /// One connection, with blocking calls.
  final class Connection: Sendable {
    /// From 1, in order of their acceptance.
    let number: Int
    private let descriptor: Int32
    private let buffer = Mutex<[UInt8]>([])

    init(_ descriptor: Int32, number: Int) {
      self.descriptor = descriptor
      self.number = number
      // A test that waits for what never comes shall end all the same.
      var limit = timeval(tv_sec: 60, tv_usec: 0)
      setsockopt(
        descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// The next line without its end; nil at the peer's end.
    func line() -> String? {
      buffer.withLock { buffer in
        while true {
          if let end = buffer.firstIndex(of: 0x0A) {
            let line = buffer[..<end].filter { $0 != 0x0D }
            buffer.removeSubrange(...end)
            return String(decoding: line, as: UTF8.self)
          }
          guard fill(&buffer) else { return nil }
        }
      }
    }

    /// So many bytes; fewer at the peer's end.
    func bytes(_ count: Int) -> [UInt8] {
      buffer.withLock { buffer in
        while buffer.count < count, fill(&buffer) {}
        let bytes = Array(buffer.prefix(count))
        buffer.removeFirst(bytes.count)
        return bytes
      }
    }

    private func fill(_ buffer: inout [UInt8]) -> Bool {
      var chunk = [UInt8](repeating: 0, count: 65_536)
      let count = recv(descriptor, &chunk, chunk.count, 0)
      if count > 0 { buffer += chunk[..<count] }
      return count > 0
    }

    func say(_ text: String) {
      let bytes = Array(text.utf8)
      var sent = 0
      while sent < bytes.count {
        let count = bytes.withUnsafeBytes {
          Glibc.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
        }
        if count <= 0 { return }
        sent += count
      }
    }

    func close() { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }

    fileprivate func end() { Glibc.close(descriptor) }
  }

  let port: Int
  private let descriptor: Int32

  /// - Parameter script: ends the connection by returning.
  init(_ script: @escaping @Sendable (Connection) -> Void) throws {
    let port = try RawListener.freePort()
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var yes: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    let bound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard bound == 0, listen(descriptor, 64) == 0 else { throw NoListener() }
    self.port = port
    self.descriptor = descriptor
    try Thread.start(name: "listener") {
      var number = 0
      while case let accepted = accept(descriptor, nil, nil), accepted >= 0 {
        number += 1
        let connection = Connection(accepted, number: number)
        try? Thread.start(name: "script") {
          script(connection)
          connection.close()
          connection.end()
        }
      }
    }
  }

  struct NoListener: Error {}

  deinit {
    _ = shutdown(descriptor, Int32(SHUT_RDWR))
    close(descriptor)
  }
}

/// An SMTP server that says what a test tells it to, and keeps what it takes.
final class MailSink: Sendable {
  /// What it does at a step instead of going on well.
  enum Action: Sendable {
    case reply(String)
    case cut
    /// Says nothing more, and keeps the connection.
    case silence
  }

  struct Mail: Sendable {
    let from: String
    let to: [String]
    /// Without the dots that were stuffed.
    let text: String
    let connection: Int
  }

  /// Steps: `greeting`, the commands `EHLO`, `MAIL`, `RCPT`, `DATA`, and `body` after its end;
  /// `middle` after the body's first line.
  typealias Script = @Sendable (_ step: String, _ connection: Int) -> Action?

  let mails = Journal<Mail>()
  let steps = Journal<String>()
  private let extensions: [String]
  private let script: Mutex<Script>
  private let listener: Mutex<ScriptedListener?> = Mutex(nil)

  init(extensions: [String] = ["8BITMIME"], _ script: @escaping Script = { _, _ in nil }) throws {
    self.extensions = extensions
    self.script = Mutex(script)
    let made = try ScriptedListener { [weak self] in self?.serve($0) }
    listener.withLock { $0 = made }
  }

  var port: Int { listener.withLock { $0?.port ?? 0 } }

  func answers(_ new: @escaping Script) { script.withLock { $0 = new } }

  /// False where the connection is to end.
  private func answer(
    _ step: String, _ usual: String, _ connection: ScriptedListener.Connection
  ) -> Bool? {
    steps.add(step)
    let script = script.withLock { $0 }
    switch script(step, connection.number) {
    case nil:
      connection.say(usual + "\r\n")
      return true
    case .reply(let text):
      connection.say(text + "\r\n")
      return nil
    case .cut: return false
    case .silence:
      while connection.line() != nil {}
      return false
    }
  }

  private func serve(_ connection: ScriptedListener.Connection) {
    guard answer("greeting", "220 sink ESMTP", connection) != false else { return }
    var (from, to): (String, [String]) = ("", [])
    while let line = connection.line() {
      let command = String(line.prefix(4)).uppercased()
      switch command {
      case "EHLO", "HELO":
        let lines = ["sink"] + extensions
        let text = lines.enumerated().map { index, line in
          (index == lines.count - 1 ? "250 " : "250-") + line
        }.joined(separator: "\r\n")
        if answer("EHLO", text, connection) == false { return }
      case "MAIL":
        from = MailSink.address(line)
        to = []
        if answer(command, "250 ok", connection) == false { return }
      case "RCPT":
        let said = answer(command, "250 ok", connection)
        if said == false { return }
        if said == true { to.append(MailSink.address(line)) }
      case "DATA":
        let said = answer(command, "354 go on", connection)
        if said == false { return }
        if said == true, !body(from, to, connection) { return }
      case "QUIT":
        connection.say("221 bye\r\n")
        return
      default:
        if answer(command, "250 ok", connection) == false { return }
      }
    }
  }

  private func body(
    _ from: String, _ to: [String], _ connection: ScriptedListener.Connection
  ) -> Bool {
    var lines: [String] = []
    while let line = connection.line(), line != "." {
      lines.append(line.hasPrefix(".") ? String(line.dropFirst()) : line)
      let script = script.withLock { $0 }
      if lines.count == 1, case .cut = script("middle", connection.number) { return false }
    }
    let mail = Mail(
      from: from, to: to, text: lines.joined(separator: "\n"), connection: connection.number)
    let script = script.withLock { $0 }
    if case .reply = script("body", connection.number) {
      _ = answer("body", "", connection)
      return true
    }
    // Before the answer: who sees it finds the mail.
    mails.add(mail)
    return answer("body", "250 taken", connection) != false
  }

  private static func address(_ line: String) -> String {
    guard let start = line.firstIndex(of: "<"), let end = line.lastIndex(of: ">") else { return "" }
    return String(line[line.index(after: start)..<end])
  }
}
