internal import Messages

/// Whether an opening or a click is a person's (M19). Simple on purpose, and over what is stored:
/// another rule can be asked about the same history.
///
/// A machine's, if one of these holds:
/// 1. it came ahead of anybody's wish (a HEAD, a prefetch), or the browser is none: its name is
///    empty, that of a robot, a scanner, a library, or the bare `Mozilla/5.0` with which mail
///    programmes fetch pictures ahead of their reader;
/// 2. a link is followed within 5 seconds of the hand-off: scanners look at mail before its reader
///    can;
/// 3. three or more different links of a message are followed within 10 seconds: nobody reads so
///    fast.
enum HumanFilter {
  enum Agent: Int64, Sendable {
    case browser = 1
    case machine = 2
  }

  static let soonest: Int64 = 5 * 1_000_000
  static let span: Int64 = 10 * 1_000_000
  static let linksMax = 3

  private static let machines = [
    "bot", "crawl", "spider", "scan", "preview", "monitor", "headless", "curl/", "wget", "python",
    "java/", "go-http", "okhttp", "libwww", "httpclient", "barracuda", "mimecast", "proofpoint",
    "safelinks", "fireeye", "symantec", "trendmicro", "bitdefender", "slurp", "facebookexternal",
    "phantomjs", "apache-http", "axios", "node-fetch", "prefetch",
  ]

  static func agent(_ text: String) -> Agent {
    let text = text.lowercased()
    if text.isEmpty || text == "mozilla/5.0" { return .machine }
    return machines.contains { text.contains($0) } ? .machine : .browser
  }

  /// - Parameters:
  ///   - at: of the visit, in microseconds.
  ///   - sentAt: of the hand-off.
  ///   - linksSeen: different links followed within `span` before, this one included; 1 for an
  ///     opening.
  static func actor(
    _ agent: Agent, isClick: Bool, at: Int64, sentAt: Int64?, linksSeen: Int
  ) -> CommonV1.Outcome.Actor {
    if agent == .machine { return .machine }
    if isClick, let sentAt, at - sentAt < soonest { return .machine }
    return linksSeen >= linksMax ? .machine : .human
  }
}
