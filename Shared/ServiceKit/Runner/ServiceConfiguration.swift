package import Logging
package import Transport

/// The keys that every service has.
package struct ServiceConfiguration: Sendable {
  package enum ClockKind: String, CaseIterable, Sendable {
    case system, virtual
  }

  /// `HOMING_LISTEN`.
  package var listen: Target
  /// `HOMING_CERT`, `HOMING_KEY`, `HOMING_CA`.
  package var tls: TLSConfiguration
  /// `HOMING_GRANTS`.
  package var grants: Grants
  /// `HOMING_DATA`; empty for a service that keeps none.
  package var dataFolder: String
  /// `HOMING_LOG_LEVEL`.
  package var logLevel: Logger.Level
  /// `HOMING_LOG_FORMAT`.
  package var logFormat: LogFormat
  /// `HOMING_THREADS`; nil: one per core.
  package var threads: Int?
  /// `HOMING_CONNECTIONS_MAX`.
  package var connectionsMax: Int
  /// `HOMING_DRAIN_SECONDS`.
  package var drainTime: Duration
  /// `HOMING_STOP_SECONDS`.
  package var stopTime: Duration
  /// `HOMING_CLOCK`.
  package var clock: ClockKind
  /// `HOMING_SEED`; nil: one from the system.
  package var seed: UInt64?

  /// - Parameter hasData: whether the service keeps data, so that `HOMING_DATA` is required.
  package init(_ settings: inout Settings, hasData: Bool) {
    listen =
      settings.parsed(
        "HOMING_LISTEN", type: "HOST:PORT", fallback: nil,
        "Where to listen; port 0 takes a free one below 32768.", { try Target($0) })
      ?? Target(host: "", port: 0)
    tls = TLSConfiguration(
      certificateFile: settings.file("HOMING_CERT", "The service's certificate chain, PEM."),
      keyFile: settings.file("HOMING_KEY", "The certificate's private key, PEM."),
      authorityFile: settings.file("HOMING_CA", "Whose certificates are accepted, PEM."))
    grants =
      settings.parsed(
        "HOMING_GRANTS", type: "list of URI=ROLE[,ROLE…][@STORE,…] between `;`", fallback: "empty",
        "Who may do what; nobody else holds more than the role peer.",
        { try Grants(parsing: Settings.items($0)) }) ?? Grants()
    dataFolder =
      hasData ? settings.folder("HOMING_DATA", "Where the service keeps its data.") : ""
    logLevel =
      settings.parsed(
        "HOMING_LOG_LEVEL",
        type: Logger.Level.allCases.map { "\($0)" }.joined(separator: " or "), fallback: "info",
        "The least level that is logged.", ServiceConfiguration.level) ?? .info
    logFormat = settings.choice(
      "HOMING_LOG_FORMAT", default: LogFormat.json, "How log lines on standard error look.")
    threads = settings.optionalInteger(
      "HOMING_THREADS", in: 1...256, "Event loops; none is one per core.")
    connectionsMax = settings.integer(
      "HOMING_CONNECTIONS_MAX", in: 1...1_000_000, default: 16_384, "Most connections at once.")
    drainTime = .seconds(
      settings.integer(
        "HOMING_DRAIN_SECONDS", in: 0...3600, default: 5,
        "How long running calls may go on after a signal to end."))
    stopTime = .seconds(
      settings.integer(
        "HOMING_STOP_SECONDS", in: 1...3600, default: 10,
        "How long background work may take to stop after that; later the process ends with 1."))
    clock = settings.choice(
      "HOMING_CLOCK", default: ClockKind.system,
      "A virtual clock stands still until homing.clock.v1.Clock moves it.")
    seed = settings.optionalInteger(
      "HOMING_SEED", in: 0...Int.max, "Of all chance, to repeat a run; none is a new one."
    ).map { UInt64($0) }
  }

  private struct UnknownLevel: Error, CustomStringConvertible {
    let description = "it is none of these"
  }

  private static func level(_ text: String) throws -> Logger.Level {
    guard let level = Logger.Level(rawValue: text) else { throw UnknownLevel() }
    return level
  }
}
