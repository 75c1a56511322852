internal import ArgumentParser
internal import DynamicMessages
internal import Messages
internal import ServiceKit
internal import Stubs
internal import Transport
internal import Wire

/// `homing mail`: mails that come back (M18).
struct MailCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mail", abstract: "Hand in bounces, complaints and replies.",
    subcommands: [MailTakeCommand.self])
}

/// `homing mail take`: one mail, such as a mail server pipes it.
struct MailTakeCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "take", abstract: "Hand one raw mail to the notifier.",
    discussion: """
      For the mailbox that bounces and replies go to. Postfix, in master.cf: \
      `homing unix - n n - 4 pipe user=homing argv=/usr/bin/homing mail take notifier:7443 - \
      --to ${original_recipient}`. It ends with 0 also for a mail that is about nothing of ours; \
      where the notifier cannot be reached it ends with another number, and the mail server is to \
      bring the mail again.
      """)

  @Argument(help: "HOST:PORT of notifier.") var target: String
  @Argument(help: "File with the mail; - for standard input.") var file: String
  @Option(help: "Envelope recipient that it came to.") var to = ""
  @Option(help: ArgumentHelp("Time for the call.", valueName: "span"))
  var deadline = TimeSpan(.seconds(60))
  @OptionGroup var connection: ConnectionOptions
  @OptionGroup var output: OutputOptions

  static let sizeMax = 1 << 20

  func perform() async throws {
    let client = try connection.client(target, timeout: deadline.duration)
    defer { client.close() }
    do {
      try await take(NotifierCaller(client, timeout: deadline.duration)) { Terminal.print($0) }
    } catch let error as RPCError {
      throw CommandError.call(error, target)
    }
  }

  func take(_ caller: NotifierCaller, _ print: (String) -> Void) async throws {
    let path = file == "-" ? "/dev/stdin" : file
    let mail = try await BlockingWork.run {
      try InputFile.bytes(path, bytesMax: MailTakeCommand.sizeMax)
    }
    let answer = try await caller.client.takeMail(
      .init(mail: mail, recipient: to, receivedAt: SystemClock().now.timestamp),
      options: caller.options)
    if output.isJSON { return print(output.line(try ContractJSON().value(answer))) }
    let kind = "\(answer.kind)".dropFirst("INBOUND_KIND_".count).lowercased()
    let about = answer.messages.first.map { "message \($0)" } ?? "nothing of ours"
    print(Printable.text("\(kind) about \(about): \(answer.suppressed) suppressed"))
  }
}
