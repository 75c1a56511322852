internal import Testing

@testable internal import DynamicMessages

@Suite struct JSONReaderTests {
  private func read(_ text: String) throws(JSONError) -> JSONValue {
    try JSONReader.value(Array(text.utf8))
  }

  private func message(_ text: String) -> String {
    do {
      return "taken as \(try read(text))"
    } catch {
      return error.description
    }
  }

  @Test func `Values of every kind are read as they stand`() throws {
    let text =
      #" {"a": [1, -2.50e+3, true, false, null], "b": {}, "c": "x\n\u00e9\ud83d\ude00\/"} "#
    #expect(
      try read(text) == [
        "a": [.number("1"), .number("-2.50e+3"), true, false, .null], "b": [:],
        "c": "x\né😀/",
      ])
  }

  @Test func `Members keep their order`() throws {
    guard case .object(let members) = try read(#"{"z":1,"a":2,"m":3}"#) else {
      Issue.record("not an object")
      return
    }
    #expect(members.map(\.name) == ["z", "a", "m"])
  }

  @Test(arguments: [
    "", "  ", "{", "[", "[1,]", "{\"a\":1,}", "{a:1}", "{'a':1}", "{\"a\" 1}", "{\"a\":}", "[1 2]",
    "1 2",
    "{} {}", "nul", "nulll", "True", "NaN", "Infinity", "-", "+1", "01", "-01", "1.", ".5", "1e",
    "1e+", "0x10",
    "1_000", "1.2.3", "\"", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\u{1}\"", "\"\n\"",
    "// x\n1",
    "[1]]", "\u{feff}1", "\"\\ud83d\"", "\"\\ude00\"", "\"\\ud83d\\u0041\"", "\"\\ud83dx\"",
  ])
  func `Text outside the grammar is refused`(_ text: String) {
    #expect(throws: JSONError.self) { try read(text) }
  }

  @Test func `An error names line and column`() {
    #expect(
      message("{\n  \"é\": 1,\n  \"é\": x\n}")
        == "line 3, column 3: the name \"é\" is given twice in one object")
    #expect(
      message("[1,\n 2,\n  ?]") == "line 3, column 3: expected a value, found \"?\"")
    #expect(
      message("\"äöü\" x") == "line 1, column 7: expected the end after the value, found \"x\"")
    #expect(
      message("[1")
        == "line 1, column 3: expected \",\" or \"]\" in the list, found the end of the text")
  }

  @Test func `A name twice in one object is refused, also in another spelling of its characters`()
    throws
  {
    #expect(throws: JSONError.self) { try read(#"{"a":1,"\u0061":2}"#) }
    // The same to Swift, other characters to JSON.
    #expect(try read("{\"e\u{301}\":1,\"\u{e9}\":2}") != .null)
    #expect(try read(#"{"a":{"a":1},"b":{"a":2}}"#) != .null)
  }

  @Test func `Bytes that are not UTF-8 are refused`() {
    for bytes: [UInt8] in [[0xC3], [0xFF], [0xED, 0xA0, 0x80], [0xC0, 0x80]] {
      #expect(throws: JSONError.self) { try JSONReader.value([0x22] + bytes + [0x22]) }
    }
  }

  @Test func `Nesting is taken up to 32 and refused beyond, however deep`() throws {
    let atLimit = String(repeating: "[", count: 32) + String(repeating: "]", count: 32)
    #expect(try read(atLimit) != .null)
    for depth in [33, 10_000, 1_000_000] {
      #expect(message(String(repeating: "[", count: depth)).contains("deeper than 32"))
      #expect(message(String(repeating: "{\"a\":", count: depth)).contains("deeper than 32"))
    }
  }

  @Test func `A text cut at any place is refused`() throws {
    let text = Array(#"{"a":[1.5e3,"\u00e9é",{"b":null}],"c":true}"#.utf8)
    _ = try JSONReader.value(text)
    for count in text.indices {
      #expect(throws: JSONError.self) { try JSONReader.value(Array(text[..<count])) }
    }
  }

  @Test func `Random bytes are read or refused, never anything else`() {
    var random = SeededRandom(seed: 7)
    let alphabet = Array("{}[]\",:0123456789.eE+-truefalsn\\u \n\u{e9}".utf8) + [0x00, 0xFF]
    var taken = 0
    for _ in 0..<20_000 {
      let count = Int.random(in: 0...12, using: &random)
      let bytes = (0..<count).map { _ in alphabet.randomElement(using: &random)! }
      if let value = try? JSONReader.value(bytes) {
        taken += 1
        // What was taken is written and read back as itself.
        let again = try? JSONReader.value(Array(JSONWriter.text(value).utf8))
        #expect(again == value)
      }
    }
    #expect(taken > 0)
  }
}

@Suite struct JSONWriterTests {
  @Test func `Compact text has no space, indented text two a level`() {
    let value: JSONValue = ["a": [1, "x"], "b": [:], "c": []]
    #expect(JSONWriter.text(value) == #"{"a":[1,"x"],"b":{},"c":[]}"#)
    #expect(
      JSONWriter.text(value, .indented)
        == "{\n  \"a\": [\n    1,\n    \"x\"\n  ],\n  \"b\": {},\n  \"c\": []\n}")
  }

  @Test func `What a terminal or a line reader could obey is escaped`() throws {
    let text = "\"\\\n\r\t\u{0}\u{1b}\u{7f}\u{9b}\u{2028}é😀/"
    let written = JSONWriter.text(.string(text))
    #expect(written == #""\"\\\n\r\t\u0000\u001b\u007f\u009b\u2028é😀/""#)
    #expect(try JSONReader.value(Array(written.utf8)) == .string(text))
  }
}

@Suite struct JSONSplitterTests {
  private let text = #" {"a":"}]\"{"} [1,[2]] 12 true "x y" {}{} "#
  private let values = [#"{"a":"}]\"{"}"#, "[1,[2]]", "12", "true", #""x y""#, "{}", "{}"]

  @Test func `Values are cut the same wherever the stream is split`() throws {
    let bytes = Array(text.utf8)
    for place in 0...bytes.count {
      var splitter = JSONSplitter()
      var pieces = try splitter.feed(bytes[..<place])
      pieces += try splitter.feed(bytes[place...])
      #expect(splitter.finish() == nil)
      #expect(pieces.map { String(decoding: $0.bytes, as: UTF8.self) } == values)
    }
  }

  @Test func `A value is given as soon as it ends`() throws {
    var splitter = JSONSplitter()
    #expect(try splitter.feed(Array("{\"a\":1".utf8)).isEmpty)
    #expect(try splitter.feed(Array("}".utf8)).count == 1)
    #expect(try splitter.feed(Array("7".utf8)).isEmpty)
    #expect(splitter.finish()?.bytes == Array("7".utf8))
    #expect(splitter.finish() == nil)
  }

  @Test func `A piece knows where it began`() throws {
    var splitter = JSONSplitter()
    let pieces = try splitter.feed(Array("{}\n  {\"é\":\n?}".utf8))
    #expect(pieces.map(\.start.line) == [1, 2])
    #expect(pieces.map(\.start.column) == [1, 3])
    #expect(throws: JSONError(line: 3, column: 1, message: "expected a value, found \"?\"")) {
      try JSONReader.value(pieces[1].bytes, at: pieces[1].start)
    }
  }

  @Test func `An unfinished value is left for the reader to refuse`() throws {
    for text in ["{\"a\":", "[[", "\"x", "tru", "}", "]{}"] {
      var splitter = JSONSplitter()
      var pieces = try splitter.feed(Array(text.utf8))
      if let last = splitter.finish() { pieces.append(last) }
      let first = try #require(pieces.first)
      #expect(throws: JSONError.self) { try JSONReader.value(first.bytes) }
    }
  }

  @Test func `A value over the limit is refused with the limit`() throws {
    var splitter = JSONSplitter(bytesMax: 10)
    #expect(try splitter.feed(Array("[1234567890".utf8.prefix(10))).isEmpty)
    #expect(throws: JSONError.self) { try splitter.feed(Array("1".utf8)) }
  }
}
