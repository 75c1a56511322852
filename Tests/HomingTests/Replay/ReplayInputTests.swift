internal import Foundation
internal import Messages
internal import Testing

@testable internal import Homing

/// Bytes in pieces of one size, as they may come from a file.
private func pieces(_ bytes: [UInt8], of size: Int) -> () -> [UInt8]? {
  var rest = bytes[...]
  return {
    let piece = Array(rest.prefix(size))
    rest = rest.dropFirst(size)
    return piece.isEmpty ? nil : piece
  }
}

@Suite struct CSVReaderTests {
  private func read(_ text: String, pieceSize: Int = 1 << 16) throws -> [[String]] {
    var reader = CSVReader(pieces(Array(text.utf8), of: pieceSize))
    var records: [[String]] = []
    while let record = try reader.read() {
      records.append(
        record.fault.map { ["!" + $0] } ?? (0..<record.count).map { record.text($0) ?? "?" })
    }
    return records
  }

  @Test("Quotes, commas, line breaks and empty fields are read, at every split of the bytes")
  func rfc4180() throws {
    let text = "\u{FEFF}a,\"b,\"\"c\"\"\",\r\n\"x\ny\",,\"\"\n\n\r\nlast,é"
    let expected = [["a", "b,\"c\"", ""], ["x\ny", "", ""], ["last", "é"]]
    // A byte-order mark comes whole in the first piece of any file.
    for size in 3...40 { #expect(try read(text, pieceSize: size) == expected, "\(size)") }
  }

  @Test("A quote inside a plain field is a character like any other")
  func quoteInside() throws {
    #expect(try read("a\"b,c\n") == [["a\"b", "c"]])
  }

  @Test("A record that is none says why, and the next line is read")
  func faults() throws {
    #expect(try read("\"a\"b,c\nd\n") == [["!has text after a closing quote"], ["d"]])
    #expect(try read("a\n\"b\nc") == [["a"], ["!has a quote that is never closed"]])
    let long = "\"" + String(repeating: "x", count: CSVReader.recordBytesMax + 1) + "\"\nnext\n"
    #expect(try read(long).last == ["next"])
    #expect(try read(long).first?.first?.hasPrefix("!is longer than") == true)
  }

  @Test("Text with a NUL or without UTF-8 is no text")
  func hostileText() throws {
    var reader = CSVReader(pieces([0x61, 0x00, 0x2C, 0xFF, 0x2C, 0x62, 0x0A], of: 99))
    let record = try #require(try reader.read())
    #expect((0..<3).map { record.text($0) } == [nil, nil, "b"])
  }

  @Test("Each record says where it stands in the file")
  func offsets() throws {
    let bytes = Array("ab,c\n\"d\ne\"\n\nf\n".utf8)
    for size in 1...bytes.count {
      var reader = CSVReader(pieces(bytes, of: size))
      var places: [[Int]] = []
      while let record = try reader.read() {
        places.append([Int(record.offset), record.byteCount])
      }
      #expect(places == [[0, 5], [5, 6], [12, 2]])
    }
  }
}

@Suite struct GzipTests {
  /// "homing\n" by gzip(1).
  private static let member: [UInt8] = [
    0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xFF, 0xCB, 0xC8, 0xCF, 0xCD, 0xCC, 0x4B,
    0xE7, 0x02, 0x00, 0x52, 0x99, 0x3B, 0x73, 0x07, 0x00, 0x00, 0x00,
  ]

  private func inflate(_ bytes: [UInt8], pieceSize: Int = 1 << 16) throws -> String {
    let inflater = GzipInflater()
    let next = pieces(bytes, of: pieceSize)
    var result: [UInt8] = []
    while let piece = next() {
      inflater.feed(piece)
      while let bytes = try inflater.next() { result += bytes }
    }
    try inflater.finish()
    return String(decoding: result, as: UTF8.self)
  }

  @Test("Members one after the other and zeros at the end are read, at every split")
  func members() throws {
    let bytes = Self.member + Self.member + [0, 0, 0]
    for size in 1...bytes.count {
      #expect(try inflate(bytes, pieceSize: size) == "homing\nhoming\n")
    }
  }

  @Test("Every damage to a file is an error with its place, but for bytes that nobody reads")
  func damage() throws {
    // Time, flags and system in the header and the bits after the last block say nothing.
    var unread = Set(4..<10)
    unread.insert(18)
    for index in Self.member.indices {
      var bytes = Self.member
      bytes[index] ^= 0x10
      if unread.contains(index) {
        #expect(try inflate(bytes) == "homing\n", "byte \(index)")
      } else {
        #expect(throws: GzipInflater.Damage.self, "byte \(index)") { try inflate(bytes) }
      }
    }
    for count in 1..<Self.member.count {
      let error = #expect(throws: GzipInflater.Damage.self) {
        try inflate(Array(Self.member.prefix(count)))
      }
      #expect(error?.offset == UInt64(count))
    }
    #expect(throws: GzipInflater.Damage.self) { try inflate(Self.member + [7]) }
  }

  @Test("A damaged file is told with its name and the place")
  func damagedFile() throws {
    let path = NSTemporaryDirectory() + "homing-damaged-\(UUID().uuidString).gz"
    try Data(Self.member.dropLast(5)).write(to: URL(fileURLWithPath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    let error = #expect(throws: CommandError.self) {
      let source = try ByteSource(path)
      while try source.next() != nil {}
    }
    #expect(error?.message.hasPrefix("\(path) is damaged gzip at byte 22: ") == true)
  }
}

@Suite struct TimeFormatTests {
  private func read(_ format: String, _ text: String) throws -> Int64? {
    try TimeFormat(format).microseconds(Array(text.utf8)[...])
  }

  @Test("Every form of the same instant is read alike")
  func forms() throws {
    let instant: Int64 = 1_664_582_403_250_000
    let forms = [
      ("unix", "1664582403.25"), ("unix-ms", "1664582403250"),
      ("iso8601", "2022-10-01T00:00:03.250Z"), ("iso8601", "2022-10-01 02:00:03.25+02:00"),
      ("iso8601", "2022-09-30T19:00:03,25-0500"),
      ("%Y-%m-%d %H:%M:%S.%f UTC", "2022-10-01 00:00:03.25 UTC"),
      ("%d/%b/%Y:%T.%f %z", "01/Oct/2022:02:00:03.25 +0200"),
      ("%B %e, %Y %I:%M:%S.%f %p", "October 1, 2022 12:00:03.25 AM"), ("%s.%f", "1664582403.25"),
      ("%j %Y %T.%f", "274 2022 00:00:03.25"), ("%D %T.%f", "10/01/22 00:00:03.25"),
    ]
    for (format, text) in forms { #expect(try read(format, text) == instant, "\(format) \(text)") }
    #expect(try read("unix", "-1") == -1_000_000)
    #expect(try read("iso8601", "2022-10-01T00:00") == 1_664_582_400_000_000)
    #expect(try read("iso8601", "2016-12-31T23:59:60Z") == 1_483_228_800_000_000)
  }

  @Test(
    "What is no instant is refused",
    arguments: [
      ("unix", ""), ("unix", "12a"), ("unix", "."), ("unix", "99999999999999"),
      ("unix-ms", "9223372036854775807"), ("iso8601", "2022-02-29T00:00:00Z"),
      ("iso8601", "2022-10-01T24:00:00Z"), ("iso8601", "2022-10-01T00:00:00Zx"),
      ("iso8601", "2022-10-01"), ("%Y-%m-%d %H:%M:%S UTC", "2022-10-01 00:00:00 CET"),
      ("%Y-%m-%d", "2022-13-01"), ("%j %Y", "366 2022"), ("%I %p %d %Y", "13 PM 01 2022"),
    ])
  func refused(format: String, text: String) throws {
    #expect(try read(format, text) == nil)
  }

  @Test(
    "A pattern that cannot say a day is refused", arguments: ["seconds", "%Q", "%H:%M", "%", ""])
  func patterns(text: String) {
    #expect(throws: CommandError.self) { try TimeFormat(text) }
  }
}

@Suite struct WindowTextTests {
  @Test("Windows are read as a person writes them")
  func windows() {
    let spans = [
      "90s": 90, "30m": 1800, "1h": 3600, "1h30m": 5400, "1d": 86_400, "1w": 604_800,
      "1d12h": 129_600,
    ]
    for (text, seconds) in spans {
      #expect(WindowText(text)?.window.length == .span(.init(.seconds(seconds))), "\(text)")
    }
    #expect(WindowText("1mo")?.window.length == .months(1))
    for text in ["", "0s", "0", "25mo", "0mo", "1", "h", "1y", "-1h", "1mo1d"] {
      #expect(WindowText(text) == nil, "\(text)")
    }
  }
}

@Suite struct DecimalTextTests {
  @Test("Decimal numbers keep every digit both ways")
  func numbers() {
    for (text, units, nanos) in [
      ("0", 0, 0), ("12.5", 12, 500_000_000), ("-0.000000001", 0, -1), ("7.", 7, 0),
      (".5", 0, 500_000_000),
      ("1.0000000010", 1, 1),
    ] as [(String, Int64, Int32)] {
      let number = DecimalText(text.utf8)
      #expect(number?.units == units && number?.nanos == nanos, "\(text)")
    }
    for text in ["", ".", "-", "1,5", "1.0000000001", "99999999999999999999", "1e3", "+1", "--1"] {
      #expect(DecimalText(text.utf8) == nil, "\(text)")
    }
    #expect(DecimalText.text(units: -1, nanos: -500_000_000, placesMin: 2) == "-1.50")
    #expect(DecimalText.text(units: 3, nanos: 0) == "3")
    #expect(DecimalText.text(units: 0, nanos: 1) == "0.000000001")
  }
}
