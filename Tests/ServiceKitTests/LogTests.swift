internal import Foundation
internal import Logging
@testable internal import ServiceKit
internal import Synchronization
internal import TestSupport
internal import Testing

@Suite struct LogLineTests {
  private func line(_ message: String, _ fields: Logger.Metadata = [:]) -> LogLine {
    LogLine(
      time: Instant(microseconds: 1_763_805_600_123_456), level: .warning, service: "cart-tracker",
      message: message, fields: fields)
  }

  private func parsed(_ line: LogLine) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(line.json)) as? [String: Any])
  }

  @Test("A line is one JSON object with time, level, service, message and fields in order")
  func json() {
    let line = line("slow", ["b": "2", "a": .array(["x", .dictionary(["y": "z"])])])
    #expect(
      String(decoding: line.json, as: UTF8.self) == """
        {"time":"2025-11-22T10:00:00.123Z","level":"warning","service":"cart-tracker",\
        "message":"slow","fields":{"a":["x",{"y":"z"}],"b":"2"}}

        """)
    #expect(!String(decoding: self.line("m").json, as: UTF8.self).contains("fields"))
  }

  @Test("Whatever a text holds, the line is one line, and reads back the same")
  func escapes() throws {
    let all = String(String.UnicodeScalarView((0..<0x3000).compactMap { Unicode.Scalar($0) }))
    let text = String(all.prefix(2000)) + "\u{2028}\u{202E}😀\u{7f}\u{9b}\"\\"
    let line = line(text, [text: "\(text)"])
    #expect(line.json.count { $0 == 0x0A } == 1)
    #expect(line.json.last == 0x0A)
    #expect(line.json.dropLast().allSatisfy { $0 >= 0x20 && $0 != 0x7F })
    let object = try parsed(line)
    #expect(object["message"] as? String == text)
    #expect((object["fields"] as? [String: String])?[text] == text)
    #expect(line.text.count { $0 == 0x0A } == 1)
    #expect(line.text.dropLast().allSatisfy { $0 >= 0x20 && $0 != 0x7F })
  }

  @Test("Bytes that are no UTF-8 are no longer so in a line")
  func invalid() throws {
    let text = String(decoding: [0x61, 0xFF, 0xC0, 0x62] as [UInt8], as: UTF8.self)
    let line = line(text)
    #expect(String(validating: line.json, as: UTF8.self) != nil)
    #expect(try parsed(line)["message"] as? String == "a\u{FFFD}\u{FFFD}b")
  }

  @Test("A text too long is cut, a tree too deep is flattened")
  func limits() throws {
    var deep = Logger.MetadataValue.string("x")
    for _ in 0..<100 { deep = .array([deep]) }
    let line = line(String(repeating: "é", count: 100_000), ["deep": deep])
    #expect(line.json.count < 20_000)
    let message = try #require(try parsed(line)["message"] as? String)
    #expect(message.hasSuffix("… (200000 bytes)"))
  }

  @Test("The text for people has the same in one line")
  func text() {
    let line = line("slow\n", ["b": "2", "a": "1"])
    #expect(
      String(decoding: line.text, as: UTF8.self)
        == "2025-11-22T10:00:00.123Z warning  cart-tracker: slow\\u000a a=1 b=2\n")
  }
}

@Suite struct LineLogTests {
  /// A pipe whose other end is read on a thread until it is closed.
  private func lines(_ body: (LogSink) async throws -> Void) async throws -> [String] {
    let pipe = Pipe()
    let sink = LogSink(descriptor: pipe.fileHandleForWriting.fileDescriptor)
    let reading = pipe.fileHandleForReading
    async let bytes = Blocking.run(name: "reader") { reading.readDataToEndOfFile() }
    try await body(sink)
    try pipe.fileHandleForWriting.close()
    return try await String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  @Test("A logger writes what is at its level or over, with its own and the event's fields")
  func levels() async throws {
    let lines = try await lines { sink in
      var log = LineLog.logger(
        LineLog(service: "a", format: .json, level: .info, clock: VirtualClock(), sink: sink))
      log[metadataKey: "own"] = "1"
      log.debug("hidden")
      log.info("seen", metadata: ["event": "2"])
      #expect(log[metadataKey: "own"] == "1")
    }
    #expect(
      lines == [
        #"{"time":"1970-01-01T00:00:00.000Z","level":"info","service":"a","message":"seen","#
          + #""fields":{"event":"2","own":"1"}}"#
      ])
  }

  @Test("Lines of many threads do not mix, also those that a pipe takes in parts")
  func atomic() async throws {
    let long = String(repeating: "x", count: 8000)
    let lines = try await lines { sink in
      let log = LineLog.logger(
        LineLog(service: "a", format: .text, level: .info, clock: VirtualClock(), sink: sink))
      await withTaskGroup(of: Void.self) { tasks in
        for task in 0..<4 {
          tasks.addTask { for _ in 0..<50 { log.info("\(task)\(long)\(task)") } }
        }
      }
    }
    #expect(lines.count == 200)
    for task in 0..<4 { #expect(lines.count { $0.hasSuffix(": \(task)\(long)\(task)") } == 50) }
  }
}

@Suite struct RedactionTests {
  @Test("A tag is HMAC-SHA-256 of the text, the same each time for the same key only")
  func tags() {
    // RFC 4231, test case 1.
    let key = RedactionKey([UInt8](repeating: 0x0B, count: 20))
    #expect(key.redact("Hi There").description == "#b0344c61d8db3853")
    // Test case 6: a key over one block.
    let long = RedactionKey([UInt8](repeating: 0xAA, count: 131))
    let text = "Test Using Larger Than Block-Size Key - Hash Key First"
    #expect(long.redact(text).description == "#60e431591ee0b67f")
    #expect(key.redact("a") == key.redact("a"))
    #expect(key.redact("a") != RedactionKey.ofProcess().redact("a"))
  }
}
