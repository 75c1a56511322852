/// A mail server that keeps what it takes in memory, and misbehaves as a test wants it to.
///
/// A mail is recorded when its final dot is answered with success. Speaks EHLO, MAIL, RCPT, DATA,
/// RSET, NOOP, QUIT in clear, with pipelining.
package final class SMTPSink: Sendable {
  package struct Mail: Sendable {
    /// From 1.
    package let connection: Int
    package let from: String
    package let to: [String]
    /// RFC 5322, its dots unstuffed.
    package let bytes: [UInt8]
    package let at: ContinuousClock.Instant

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The value of a header with its folds taken out; nil where there is none.
    package func header(_ name: String) -> String? {
      let prefix = name.lowercased() + ":"
      var value: String?
      for line in text.split(separator: "\r\n", omittingEmptySubsequences: false) {
        if line.isEmpty { break }
        if let begun = value {
          guard line.hasPrefix(" ") || line.hasPrefix("\t") else { break }
          value = begun + line
        } else if line.lowercased().hasPrefix(prefix) {
          value = String(line.dropFirst(prefix.count))
        }
      }
      return value.map { String($0.drop { $0 == " " }) }
    }
  }

  package enum Stage: Sendable, Hashable {
    /// Before the greeting.
    case greeting
    case hello, mail, recipient, data
    /// The whole mail has come.
    case dot
  }

  package enum Action: Sendable, Hashable {
    case accept
    /// Such as `451 4.3.0 later`.
    case reply(String)
    case cut
    /// No answer until the other side gives up.
    case hang
    /// At the dot: the mail is kept and its answer lost.
    case keepAndCut
  }

  /// What a decision may rest on.
  package struct Moment: Sendable {
    package let stage: Stage
    package let connection: Int
    /// Mails taken on any connection so far.
    package let taken: Int
    /// For `recipient` and later.
    package let recipient: String
  }

  package let mails = Journal<Mail>()
  private let listener: LoopbackListener

  package var port: Int { listener.port }

  /// - Parameter script: what to do at each stage; called on the connection's thread.
  package init(
    port: Int = 0, script: @escaping @Sendable (Moment) -> Action = { _ in .accept }
  ) throws {
    let mails = mails
    listener = try LoopbackListener(port: port) { connection in
      SMTPSession(connection, mails, script).run()
    }
    listener.start()
  }

  deinit { listener.close() }

  /// Cuts all connections and takes no more.
  package func close() { listener.close() }
}

private struct SMTPSession {
  private let connection: LoopbackConnection
  private let mails: Journal<SMTPSink.Mail>
  private let script: @Sendable (SMTPSink.Moment) -> SMTPSink.Action
  private var from = ""
  private var to: [String] = []

  init(
    _ connection: LoopbackConnection, _ mails: Journal<SMTPSink.Mail>,
    _ script: @escaping @Sendable (SMTPSink.Moment) -> SMTPSink.Action
  ) {
    self.connection = connection
    self.mails = mails
    self.script = script
  }

  func run() {
    var session = self
    session.serve()
  }

  private mutating func serve() {
    guard answer(.greeting, "220 sink ESMTP") != nil else { return }
    while let line = connection.line() {
      let verb = line.prefix(4).uppercased()
      let isOpen: Bool
      switch verb {
      case "EHLO", "HELO":
        isOpen = answer(.hello, "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8") != nil
      case "MAIL":
        from = SMTPSession.address(line)
        to = []
        isOpen = answer(.mail, "250 2.1.0 ok") != nil
      case "RCPT":
        let recipient = SMTPSession.address(line)
        let isTaken = answer(.recipient, "250 2.1.5 ok", recipient)
        if isTaken == true { to.append(recipient) }
        isOpen = isTaken != nil
      case "DATA": isOpen = data()
      case "RSET", "NOOP": isOpen = connection.write("250 2.0.0 ok\r\n")
      case "QUIT":
        connection.write("221 2.0.0 bye\r\n")
        return
      default: isOpen = connection.write("500 5.5.1 not known\r\n")
      }
      if !isOpen { return }
    }
  }

  private mutating func data() -> Bool {
    if to.isEmpty { return connection.write("554 5.5.1 no recipients\r\n") }
    guard let isWanted = answer(.data, "354 go on") else { return false }
    if !isWanted { return true }
    var bytes: [UInt8] = []
    while true {
      guard let line = connection.bytes(until: [0x0D, 0x0A]) else { return false }
      if line == [0x2E] { break }
      bytes += line.first == 0x2E ? line.dropFirst() : line[...]
      bytes += [0x0D, 0x0A]
    }
    let mail = SMTPSink.Mail(
      connection: connection.number, from: from, to: to, bytes: bytes, at: .now)
    let recipient = to[0]
    to = []
    let moment = SMTPSink.Moment(
      stage: .dot, connection: connection.number, taken: mails.entries.count, recipient: recipient)
    switch script(moment) {
    case .accept:
      // It is taken now, whether or not the other side is still there to hear it.
      mails.add(mail)
      return connection.write("250 2.0.0 taken\r\n")
    case .keepAndCut:
      mails.add(mail)
      return false
    case .reply(let text): return connection.write(text + "\r\n")
    case .cut: return false
    case .hang:
      connection.waitForEnd()
      return false
    }
  }

  /// Whether the answer was the good one; nil where the connection is over.
  private func answer(_ stage: SMTPSink.Stage, _ good: String, _ recipient: String = "") -> Bool? {
    let moment = SMTPSink.Moment(
      stage: stage, connection: connection.number, taken: mails.entries.count,
      recipient: recipient.isEmpty ? to.first ?? "" : recipient)
    switch script(moment) {
    case .accept, .keepAndCut: return connection.write(good + "\r\n") ? true : nil
    case .reply(let text): return connection.write(text + "\r\n") ? false : nil
    case .cut: return nil
    case .hang:
      connection.waitForEnd()
      return nil
    }
  }

  /// What stands between < and >.
  private static func address(_ line: String) -> String {
    guard let start = line.firstIndex(of: "<"), let end = line.lastIndex(of: ">"), start < end
    else { return "" }
    return String(line[line.index(after: start)..<end])
  }
}
