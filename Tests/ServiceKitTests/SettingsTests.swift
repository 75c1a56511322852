@testable internal import ServiceKit
internal import TestSupport
internal import Testing

@Suite struct SettingsTests {
  private enum Colour: String, CaseIterable { case red, blue }

  private func problems(_ settings: Settings) -> [String] {
    do throws(SettingsError) { try settings.check() } catch { return error.problems }
    return []
  }

  @Test("Each type is read from the environment")
  func types() throws {
    var settings = Settings(environment: [
      "HOMING_TEXT": "a b", "HOMING_COUNT": "12", "HOMING_SPAN": "1h30m", "HOMING_SIZE": "64MiB",
      "HOMING_FLAG": "true", "HOMING_COLOUR": "blue", "HOMING_LIST": " a=b,c@d ;e\nf;", "PATH": "x",
    ])
    #expect(settings.text("HOMING_TEXT", "T.") == "a b")
    #expect(settings.integer("HOMING_COUNT", in: 1...20, "T.") == 12)
    #expect(settings.span("HOMING_SPAN", in: .zero ... .seconds(7200), "T.") == .seconds(5400))
    #expect(settings.bytes("HOMING_SIZE", in: 1...(1 << 30), "T.") == 64 << 20)
    #expect(settings.flag("HOMING_FLAG", default: false, "T.") == true)
    #expect(settings.choice("HOMING_COLOUR", default: Colour.red, "T.") == .blue)
    #expect(settings.list("HOMING_LIST", "T.") == ["a=b,c@d", "e", "f"])
    try settings.check()
  }

  @Test("A key that is not given has its default, or is nil, and stops nothing")
  func defaults() throws {
    var settings = Settings(environment: [:])
    #expect(settings.text("HOMING_TEXT", default: "x", "T.") == "x")
    #expect(settings.optionalText("HOMING_OTHER", "T.") == nil)
    #expect(settings.integer("HOMING_COUNT", in: 1...20, default: 3, "T.") == 3)
    #expect(settings.optionalInteger("HOMING_NUMBER", in: 1...20, "T.") == nil)
    let span = settings.span("HOMING_SPAN", in: .zero ... .seconds(9), default: .seconds(1), "T.")
    #expect(span == .seconds(1))
    #expect(settings.bytes("HOMING_SIZE", in: 1...100, default: 9, "T.") == 9)
    #expect(settings.flag("HOMING_FLAG", default: true, "T.") == true)
    #expect(settings.choice("HOMING_COLOUR", default: Colour.red, "T.") == .red)
    #expect(settings.list("HOMING_LIST", "T.") == [])
    #expect(settings.optionalFile("HOMING_FILE", "T.") == nil)
    try settings.check()
  }

  @Test("All that is wrong is told at once, with key, what is allowed, and the value")
  func all() {
    var settings = Settings(environment: [
      "HOMING_COUNT": "21", "HOMING_SPAN": "soon", "HOMING_FLAG": "yes", "HOMING_TYPO": "1",
      "HOMING_COLOUR": "green\u{1b}[0m", "HOMING_SIZE": "-1", "HOMING_TEXT": "",
      "HOMING_FILE": "/nowhere", "HOMING_FOLDER": "/etc/hostname",
    ])
    _ = settings.text("HOMING_NEEDED", "T.")
    _ = settings.text("HOMING_TEXT", default: "x", "T.")
    _ = settings.integer("HOMING_COUNT", in: 1...20, "T.")
    _ = settings.span("HOMING_SPAN", in: .seconds(1) ... .seconds(90), "T.")
    _ = settings.bytes("HOMING_SIZE", in: 1024...2048, "T.")
    _ = settings.flag("HOMING_FLAG", default: false, "T.")
    _ = settings.choice("HOMING_COLOUR", default: Colour.red, "T.")
    _ = settings.file("HOMING_FILE", "T.")
    _ = settings.folder("HOMING_FOLDER", "T.")
    #expect(
      problems(settings) == [
        "HOMING_NEEDED is required: text",
        "HOMING_TEXT is ``, allowed is text: it is empty",
        "HOMING_COUNT is `21`, allowed is integer, 1 to 20: it is outside",
        "HOMING_SPAN is `soon`, allowed is span, 1s to 1m30s: it is no span such as 5s",
        "HOMING_SIZE is `-1`, allowed is bytes, 1KiB to 2KiB: it is no size such as 64MiB",
        "HOMING_FLAG is `yes`, allowed is true or false: it is neither",
        "HOMING_COLOUR is `green\u{FFFD}[0m`, allowed is red or blue: it is none of these",
        "HOMING_FILE is `/nowhere`, allowed is file: there is none",
        "HOMING_FOLDER is `/etc/hostname`, allowed is folder: it is not a folder",
        "HOMING_TYPO is no key of this service",
      ])
  }

  @Test("A secret comes from a file, and neither it nor its path is told")
  func secrets() throws {
    let folder = try TemporaryFolder()
    try folder.write(Array("s3cret\n".utf8), to: "key")
    var settings = Settings(environment: [
      "HOMING_GOOD": folder.file("key"), "HOMING_BAD": folder.file("other"),
    ])
    let secret = settings.secretFile("HOMING_GOOD", "T.")
    #expect(secret.reveal() == "s3cret")
    var dumped = ""
    dump(secret, to: &dumped)
    for text in ["\(secret)", String(reflecting: secret), dumped, "\([secret])"] {
      #expect(!text.contains("s3cret"))
    }
    _ = settings.optionalSecretFile("HOMING_BAD", "T.")
    #expect(
      problems(settings) == ["HOMING_BAD is a secret, allowed is file with a secret: there is none"]
    )
  }

  @Test("The environment beats the file, in which a key has any of its forms")
  func file() throws {
    let folder = try TemporaryFolder()
    let text = #"{"tailRows": 5, "drain": {"seconds": 7}, "log.level": "debug", "list": ["a", 2]}"#
    try folder.write(Array(text.utf8), to: "config.json")
    var settings = Settings(environment: [
      "HOMING_CONFIG": folder.file("config.json"), "HOMING_TAIL_ROWS": "6",
    ])
    #expect(settings.integer("HOMING_TAIL_ROWS", in: 1...9, "T.") == 6)
    #expect(settings.integer("HOMING_DRAIN_SECONDS", in: 1...9, "T.") == 7)
    #expect(settings.text("HOMING_LOG_LEVEL", "T.") == "debug")
    #expect(settings.list("HOMING_LIST", "T.") == ["a", "2"])
    try settings.check()
    #expect(settings.declarations.map(\.name).first == "HOMING_CONFIG")
  }

  @Test("A key of the file that no getter asked for stops the start, as a broken file does")
  func unknownInFile() throws {
    let folder = try TemporaryFolder()
    try folder.write(Array(#"{"tailRow": 5}"#.utf8), to: "config.json")
    let settings = Settings(environment: ["HOMING_CONFIG": folder.file("config.json")])
    #expect(problems(settings) == ["HOMING_TAIL_ROW is no key of this service"])
    #expect(problems(Settings(environment: ["HOMING_CONFIG": folder.file("none")])).count == 1)
  }

  @Test("The listing names every key with its type, default and purpose")
  func listing() {
    var settings = Settings(environment: [:])
    _ = settings.integer("HOMING_COUNT", in: 1...20, default: 3, "How many.")
    _ = settings.secretFile("HOMING_KEY", "What opens it.")
    #expect(
      settings.listing.hasSuffix(
        """
        HOMING_COUNT
            How many.
            integer, 1 to 20; default 3
        HOMING_KEY
            What opens it.
            file with a secret; required, never shown
        """))
  }
}

@Suite struct SettingsFileTests {
  private func parse(_ text: String) throws -> [String: String] {
    try SettingsFile.parse(Array(text.utf8))
  }

  @Test("Escapes, numbers, flags and nested objects are read")
  func reads() throws {
    let text =
      #" { "a" : {"b" : {"c" : -1.5e3}} , "d":true,"e":"\"\\\/\n\u00e9\ud83d\ude00","f":[] } "#
    #expect(
      try parse(text) == [
        "HOMING_A_B_C": "-1.5e3", "HOMING_D": "true", "HOMING_E": "\"\\/\né😀", "HOMING_F": "",
      ])
    #expect(try parse("{}").isEmpty)
  }

  @Test(
    "What is not such JSON is refused",
    arguments: [
      "", "[]", "{", #"{"a"}"#, #"{"a":}"#, #"{"a":null}"#, #"{"a":1}x"#, #"{"a":1,}"#,
      #"{"a":[1,]}"#, #"{"a":[[1]]}"#, #"{"a":"b"#, #"{"a":"\x"}"#, #"{"a":"\ud800"}"#,
      #"{"a":"\u12"}"#, #"{"a":1,"a":2}"#, #"{"a.b":1,"a":{"b":2}}"#, #"{"A":1}"#, #"{"":1}"#,
      #"{"a_b":1}"#, #"{"a":["b;c"]}"#, "{\"a\":\"\u{1}\"}", #"{"a":1e999}"#, #"{"é":1}"#,
      #"{"a":{"b":{"c":{"d":{"e":{"f":{"g":{"h":{"i":1}}}}}}}}}"#, #"{"a":inf}"#, #"{"a":nan}"#,
    ])
  func refused(text: String) {
    #expect(throws: SettingsError.self) { try parse(text) }
  }

  @Test("Any file, cut anywhere, is read or refused")
  func cut() throws {
    let whole = Array(#"{"a":{"b":[1,"\ud83d\ude00",true]},"c":"é"}"#.utf8)
    for count in 0..<whole.count {
      #expect(throws: SettingsError.self) { try SettingsFile.parse(Array(whole[..<count])) }
    }
    #expect(try SettingsFile.parse(whole).count == 2)
  }

  @Test("The line of a mistake is told")
  func line() {
    #expect(throws: SettingsError(["HOMING_CONFIG, line 3: a `:` is missing"])) {
      try parse("{\n\"a\":1,\n\"b\" 2}")
    }
  }
}

@Suite struct UnitTextTests {
  @Test(
    "Spans are written as they are read",
    arguments: ["5s", "250ms", "1h30m", "3d", "1d2h3m4s5ms6us7ns", "0s"])
  func spans(text: String) throws {
    #expect(UnitText.span(try #require(UnitText.parseSpan(text))) == text)
  }

  @Test("Sizes are written as they are read", arguments: ["64MiB", "1KiB", "512B", "3TiB", "0B"])
  func sizes(text: String) throws {
    #expect(UnitText.bytes(try #require(UnitText.parseBytes(text))) == text)
  }

  @Test(
    "Other text is neither",
    arguments: ["", "5", "s", "-5s", "1.5h", "5 s", "9999999999999d", "٣s"])
  func refused(text: String) {
    #expect(UnitText.parseSpan(text) == nil)
    #expect(text == "5" || UnitText.parseBytes(text) == nil)
  }
}

@Suite struct ProcessEnvironmentTests {
  @Test("Variables are read, the first of a name, values with any bytes but zero")
  func parses() throws {
    let bytes = Array("A=1\0B=x=y\0A=2\0nothing\0C=\0".utf8)
    #expect(ProcessEnvironment.parse(bytes) == ["A": "1", "B": "x=y", "C": ""])
    #expect(try ProcessEnvironment.read()["PATH"] != nil)
  }
}
