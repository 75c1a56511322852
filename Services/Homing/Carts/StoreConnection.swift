internal import ArgumentParser
internal import DynamicMessages
internal import Glibc
internal import Messages
internal import ServiceKit
internal import Stubs
internal import Transport
internal import Wire

/// Which cart-tracker, and which of its stores.
struct StoreConnection: ParsableArguments {
  @Argument(help: "HOST:PORT of cart-tracker.") var target: String

  @Option(help: "The store's id.") var store: String

  @OptionGroup var tracker: TrackerOptions
}

/// How a cart-tracker is called.
struct TrackerOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Time for each call.", valueName: "span"))
  var deadline = TimeSpan(.seconds(60))

  @OptionGroup var connection: ConnectionOptions

  /// Calls what `body` asks for and closes the connection.
  ///
  /// - Throws: `CommandError` for the status of a call.
  func call<Result>(
    _ target: String, _ body: (TrackerCaller) async throws -> Result
  ) async throws -> Result {
    let client = try connection.client(target, timeout: deadline.duration)
    defer { client.close() }
    do {
      return try await body(TrackerCaller(client, timeout: deadline.duration))
    } catch let error as RPCError {
      throw CommandError.call(error, target)
    }
  }
}

/// The client with what all its calls have in common.
struct TrackerCaller: Sendable {
  let client: CartTrackerV1.CartTrackerClient
  /// Of unary calls.
  let options: CallOptions

  init(_ channel: any Channel, timeout: Duration?) {
    client = CartTrackerV1.CartTrackerClient(channel)
    options = CallOptions(timeout: timeout)
  }

  /// Every item of a list, page after page, never more than one page in memory.
  ///
  /// - Parameters:
  ///   - limit: items wanted at the most; 0: all.
  ///   - page: asks for the next page.
  ///   - show: is given each page that is not empty.
  func pages<Item>(
    limit: Int, _ page: (CommonV1.Page) async throws -> (items: [Item], next: String),
    _ show: ([Item]) throws -> Void
  ) async throws {
    var after = ""
    var left = limit == 0 ? Int.max : limit
    repeat {
      let wanted = CommonV1.Page(limit: UInt32(min(left, 1000)), after: after)
      let answer = try await page(wanted)
      let items = answer.items.prefix(left)
      if !items.isEmpty { try show(Array(items)) }
      left -= items.count
      after = answer.next
    } while !after.isEmpty && left > 0
  }
}

/// Prints the pages of one list: as a table whose heading comes once, or an object a line.
struct ListPrinter {
  private let columns: [(heading: String, alignment: Table.Alignment)]
  private var isFirst = true

  init(_ columns: [(heading: String, alignment: Table.Alignment)]) { self.columns = columns }

  /// The lines of the next page.
  mutating func lines(_ rows: [[String]]) -> [String] {
    var table = Table(columns)
    for row in rows { table.add(row) }
    let lines = table.lines(style: isFirst ? Terminal.heading : { $0 })
    defer { isFirst = false }
    return isFirst ? lines : Array(lines.dropFirst())
  }
}

/// A key that no other call of this machine has: a person's repeat is a new request.
enum IdempotencyKey {
  static func make(_ given: String?) -> String {
    given ?? "homing-\(SystemClock().now.microseconds)-\(getpid())"
  }
}

/// Values as a person reads them.
enum ValueText {
  static func text(_ time: Protobuf.Timestamp?) -> String {
    guard let time else { return "" }
    return (try? Instant(time).description) ?? "?"
  }

  static func text(_ money: CommonV1.Money?) -> String {
    guard let money else { return "" }
    let number = DecimalText.text(units: money.units, nanos: money.nanos, placesMin: 2)
    return "\(number) \(money.currencyCode)"
  }

  static func text(_ quantity: CommonV1.Quantity?) -> String {
    guard let quantity else { return "1" }
    let number = DecimalText.text(units: quantity.units, nanos: quantity.nanos)
    return quantity.unitCode.isEmpty ? number : "\(number) \(quantity.unitCode)"
  }

  static func text(_ window: CartTrackerV1.Window?) -> String {
    switch window?.length {
    case .months(let months): "\(months)mo"
    case .span(let span): spanText(span.span)
    case nil: ""
    }
  }

  /// Such as `90s` or `1h`: the largest unit that leaves no rest.
  static func spanText(_ span: Duration) -> String {
    let (seconds, attoseconds) = span.components
    guard attoseconds == 0 else { return TimeSpan.text(span) }
    let units: [(Int64, String)] = [(86_400, "d"), (3600, "h"), (60, "m")]
    for (length, unit) in units where seconds != 0 && seconds % length == 0 {
      return "\(seconds / length)\(unit)"
    }
    return "\(seconds)s"
  }
}
