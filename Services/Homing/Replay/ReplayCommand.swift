internal import ArgumentParser
internal import Glibc
internal import ServiceKit
internal import Synchronization
internal import Transport
internal import Wire

/// `homing replay`: a shop's log through running services, in a fraction of its time.
struct ReplayCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "replay", abstract: "Send a log of events through services on a virtual clock.",
    discussion: """
      Reads CSV, plain or gzip, in order of time (a file in another order is sorted), and moves \
      the clock from one due instant to the next, so that months take seconds. Give --local to \
      start services for this replay alone, or --target for ones that run on a virtual clock.

      Columns: \(ReplayColumn.allCases.map(\.rawValue).joined(separator: ", ")). \
      Kinds: \(ReplayKind.allCases.map(\.rawValue).joined(separator: ", ")).
      """)

  enum Activity: String, CaseIterable, ExpressibleByArgument {
    case cart
    case any
  }

  @Argument(help: "CSV, plain or gzip.") var file: String

  @Option(help: "The shape of a known log: taobao, rees46 or sample.")
  var preset: String?

  @Option(
    help: ArgumentHelp(
      "Which column is what, OURS=THEIRS,…; THEIRS is a position where there is no header.",
      valueName: "map"))
  var columns: String?

  @Option(
    help: ArgumentHelp(
      "Which word is which kind of event, OURS=THEIRS|THEIRS,….", valueName: "map"))
  var kinds: String?

  @Flag(name: .customLong("no-header"), help: "The first line is a row.")
  var hasNoHeader = false

  @Option(help: "unix, unix-ms, iso8601, or a pattern as strptime has it.")
  var timeFormat: String?

  @Option(help: "Store of rows that name none.") var store = "replay"
  @Option(help: "Currency of prices that name none.") var currency = "EUR"
  @Option(help: "Silence after which a cart is abandoned: 90s, 30m, 1h, 1d, 1w, 1mo.")
  var window = "1h"
  @Option(help: ArgumentHelp("How late events may come.", valueName: "span"))
  var lateness = "0s"
  @Option(help: "Whether views count as activity: cart (they do not) or any.")
  var activity = Activity.cart
  @Option(help: "Time zone of stores that are new.") var timeZone = "UTC"
  @Option(
    help: ArgumentHelp(
      "Record rows of so long a span before deciding its timers (default: every instant).",
      valueName: "span"))
  var step: String?
  @Flag(name: .customLong("no-drain"), help: "Leave carts open that are so at the end.")
  var doesNotDrain = false
  @Option(
    help: ArgumentHelp(
      "The flow to run: a file, the name of one that came with us, or none (default: "
        + "\(ShippedFiles.referenceFlow); none for a --target without --scheduler).",
      valueName: "file|name|none"))
  var flow: String?

  @Option(
    help: "E-mail address of each contact (default with a flow: '{contact}@replay.invalid').")
  var email: String?
  @Option(help: "Phone number of each contact (default with a flow: '+999{number}').")
  var phone: String?
  @Option(
    help: ArgumentHelp(
      "Postal address of each contact, 'STREET; POSTCODE TOWN; COUNTRY' (default with a flow: "
        + "'Beispielweg {number}; 12345 Musterstadt; DE')."))
  var address: String?

  @Flag(help: "Start services for this replay and stop them at its end.") var local = false
  @Option(
    help: ArgumentHelp(
      "The folder of the services' programs (default: beside this one).", valueName: "path"))
  var bin: String?
  @Option(
    help: ArgumentHelp(
      "Folder for what --local sends: mails/*.eml, texts/*.txt, letters/*.pdf; made.",
      valueName: "folder"))
  var out: String?
  @Option(
    help: ArgumentHelp("A cart-tracker that runs on a virtual clock.", valueName: "host:port"))
  var target: String?
  @Option(help: ArgumentHelp("Its scheduler, for a flow.", valueName: "host:port"))
  var scheduler: String?
  @Option(help: ArgumentHelp("Its notifier, for a flow.", valueName: "host:port"))
  var notifier: String?
  @Option(
    help: ArgumentHelp("Its direct-mail, for a flow with letters.", valueName: "host:port"))
  var directMail: String?

  @Option(help: .hidden) var shuffle: String?
  @Option(help: .hidden) var seed: UInt64 = 1
  @Option(help: .hidden) var copies = 1
  @Option(help: .hidden) var killEvery: Int?

  @OptionGroup var connection: ConnectionOptions
  @OptionGroup var output: OutputOptions

  func perform() async throws {
    let order = try ReplayOrder(self)
    let signals = Signals([.interrupt, .terminate])
    let session = try ReplaySession(order)
    let outcome = await withTaskGroup(of: Result<ReplayCounts, any Error>?.self) { group in
      group.addTask {
        do { return .success(try await session.run()) } catch { return .failure(error) }
      }
      group.addTask {
        for await _ in signals.received { return nil }
        return nil
      }
      let first = await group.next() ?? nil
      group.cancelAll()
      return first
    }
    signals.endOnNext()
    // Out of the group, so that no cancellation reaches it.
    await session.stop()
    if local, let out {
      try await BlockingWork.run { try LetterLinks.make(in: out + "/letters") }
    }
    guard let outcome else { throw ExitCode(128 + SIGINT) }
    let counts: ReplayCounts
    do {
      counts = try outcome.get()
    } catch let error as RPCError {
      throw CommandError.call(error, target ?? "the suite")
    }
    if output.isJSON { output.printObject(counts.json) } else { counts.table.print() }
  }
}
