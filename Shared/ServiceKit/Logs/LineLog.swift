package import Logging
internal import Glibc
internal import Synchronization

/// How a log line looks.
package enum LogFormat: String, CaseIterable, Sendable {
  /// One JSON object a line.
  case json
  /// For people.
  case text
}

/// Writes each event of a log as one line.
package struct LineLog: LogHandler {
  package var metadata: Logger.Metadata = [:]
  package var logLevel: Logger.Level
  package var metadataProvider: Logger.MetadataProvider?
  private let service: String
  private let format: LogFormat
  private let clock: any WallClock
  private let sink: LogSink

  package init(
    service: String, format: LogFormat, level: Logger.Level, clock: any WallClock,
    sink: LogSink = LogSink()
  ) {
    self.service = service
    self.format = format
    logLevel = level
    self.clock = clock
    self.sink = sink
  }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    var fields = metadata
    if let provided = metadataProvider?.get() { fields.merge(provided) { $1 } }
    if let own = event.metadata { fields.merge(own) { $1 } }
    if let error = event.error { fields["error"] = "\(error)" }
    let line = LogLine(
      time: clock.now, level: event.level, service: service, message: event.message.description,
      fields: fields)
    sink.write(format == .json ? line.json : line.text)
  }

  /// A logger of such lines.
  package static func logger(_ handler: LineLog) -> Logger {
    Logger(label: handler.service, factory: { _ in handler })
  }
}

/// Where lines go: standard error, or a test.
package final class LogSink: Sendable {
  private let descriptor: Int32
  /// A line is one call of the system; the lock keeps those apart that a pipe takes in parts.
  private let turn = Mutex(())

  package init(descriptor: Int32 = 2) { self.descriptor = descriptor }

  /// - Parameter line: with its end. What the other side does not take is lost.
  func write(_ line: [UInt8]) {
    turn.withLock { _ in
      line.withUnsafeBytes { bytes in
        var start = 0
        while start < bytes.count {
          let count = Glibc.write(descriptor, bytes.baseAddress! + start, bytes.count - start)
          if count < 0 && errno == EINTR { continue }
          if count <= 0 { return }
          start += count
        }
      }
    }
  }
}
