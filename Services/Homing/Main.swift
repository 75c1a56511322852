internal import ArgumentParser

/// The command line of Homing.
@main
struct HomingCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "homing",
    abstract: "Call, inspect and measure Homing services.",
    discussion: """
      TARGET is HOST:PORT, such as localhost:7443 or [::1]:7443. Every connection is mutual TLS: \
      give your certificate by --cert, --key and --ca, or once by the environment variables \
      HOMING_CERT, HOMING_KEY and HOMING_CA. `homing certs` makes certificates for development.
      """,
    subcommands: [
      CallCommand.self, ListCommand.self, DescribeCommand.self, HealthCommand.self,
      BenchCommand.self, CertsCommand.self, EchoCommand.self, ReplayCommand.self,
      SampleCommand.self, CartsCommand.self, ContactsCommand.self, ConsentsCommand.self,
      PersonsCommand.self, RestoresCommand.self,
      StoresCommand.self,
      FlowCommand.self, TemplateCommand.self, MessagesCommand.self, LettersCommand.self,
      MailCommand.self, IncentivesCommand.self,
      PauseCommand.self, ResumeCommand.self, PausesCommand.self,
      AuditCommand.self, ExplainCommand.self, ReportCommand.self, ExitCodesCommand.self,
    ])

  /// As ArgumentParser's own, except that every wrong use ends with 1: its usual 64 belongs to
  /// statuses here.
  static func main() async {
    do {
      var command = try parseAsRoot()
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch {
      guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
      Terminal.printError(fullMessage(for: error))
      exit(withError: ExitCode(ExitStatus.usage))
    }
  }
}

/// `homing exit-codes`, and `homing help exit-codes`: what the numbers mean.
struct ExitCodesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "exit-codes", abstract: "Say what the exit codes mean.",
    discussion: ExitStatus.text)

  func run() {
    Terminal.print(ExitStatus.text)
  }
}
