internal import Descriptors
internal import Messages
internal import Testing

@testable internal import DynamicMessages

@Suite struct DynamicMessageTests {
  private typealias Fixture = ContractFixture

  // MARK: Round trips

  @Test(arguments: [
    #"{}"#,
    #"{"int32Value":-2147483648,"int64Value":"-9223372036854775808","uint32Value":4294967295}"#,
    #"{"uint64Value":"18446744073709551615","sint32Value":-2147483648}"#,
    #"{"sint64Value":"9223372036854775807"}"#, #"{"sint64Value":"-9223372036854775808"}"#,
    #"{"fixed32Value":4294967295,"fixed64Value":"18446744073709551615"}"#,
    #"{"sfixed32Value":-1,"sfixed64Value":"-1"}"#,
    #"{"floatValue":3.4028235e+38,"doubleValue":5e-324}"#,
    #"{"floatValue":"NaN","doubleValue":"-Infinity"}"#,
    #"{"floatValue":0.1,"doubleValue":-0.0}"#,
    #"{"boolValue":true,"stringValue":"a\u0000é😀","bytesValue":"AAH//g=="}"#,
    #"{"enumValue":"EVENT_KIND_CHECKED_OUT","messageValue":{"text":"x","mood":"MOOD_ODD"}}"#,
    #"{"enumValue":77,"messageValue":{"mood":-7}}"#,
    #"{"messageValue":{"words":["","b"],"deeper":{"number":"1","note":""}}}"#,
    #"{"at":"2026-11-22T10:00:00.120Z","span":"-1.500s"}"#,
    #"{"optionalInt32":0,"optionalString":"","optionalBytes":"","optionalBool":false}"#,
    #"{"optionalEnum":"EVENT_KIND_UNSPECIFIED","optionalDouble":0}"#,
    #"{"int32List":[0,-1,2147483647],"sint64List":["0","-9223372036854775808"]}"#,
    #"{"fixed64List":["0"],"doubleList":[0,"NaN",1.5],"boolList":[false,true]}"#,
    #"{"stringList":["",""],"bytesList":[""],"enumList":["EVENT_KIND_UNSPECIFIED",-1]}"#,
    #"{"messageList":[{},{"text":"y"}],"unpackedList":[0,1,-1],"atList":["1970-01-01T00:00:00Z"]}"#,
    #"{"choiceText":""}"#, #"{"choiceInner":{}}"#, #"{"choiceKind":"EVENT_KIND_UNSPECIFIED"}"#,
    #"{"choiceBytes":""}"#, #"{"choiceNumber":"0"}"#, #"{"choiceSpan":"0s"}"#,
  ])
  func `JSON comes back from protobuf as it was`(_ json: String) throws {
    #expect(try Fixture.roundTrip(json) == json)
  }

  @Test(arguments: [
    (#"{"int32_value":1,"string_list":["a"]}"#, #"{"int32Value":1,"stringList":["a"]}"#),
    (
      #"{"int32Value":1e2,"int64Value":1.0,"uint64Value":"18446744073709551615.0"}"#,
      #"{"int32Value":100,"int64Value":"1","uint64Value":"18446744073709551615"}"#
    ),
    (
      #"{"int32Value":"-5","sint64Value":"1E3","uint32Value":0.5e1}"#,
      #"{"int32Value":-5,"uint32Value":5,"sint64Value":"1000"}"#
    ),
    (#"{"doubleValue":"1e3","floatValue":"-2.5"}"#, #"{"floatValue":-2.5,"doubleValue":1000}"#),
    (#"{"bytesValue":"__79"}"#, #"{"bytesValue":"//79"}"#),
    (#"{"bytesValue":"AQ"}"#, #"{"bytesValue":"AQ=="}"#),
    (#"{"enumValue":3}"#, #"{"enumValue":"EVENT_KIND_ABANDONED"}"#),
    (#"{"at":"2026-11-22T12:30:00.5+02:30"}"#, #"{"at":"2026-11-22T10:00:00.500Z"}"#),
    (#"{"span":"1.000000001s"}"#, #"{"span":"1.000000001s"}"#),
    (
      #"{"int32Value":null,"int32List":null,"messageValue":null,"at":null,"optionalInt32":null}"#,
      #"{}"#
    ),
    (#"{"choiceText":null,"choiceNumber":"5"}"#, #"{"choiceNumber":"5"}"#),
    (#"{"int32Value":0,"stringValue":"","int32List":[],"enumValue":0}"#, #"{}"#),
  ])
  func `Other spellings of a value are taken`(_ json: String, _ expected: String) throws {
    #expect(try Fixture.roundTrip(json) == expected)
  }

  @Test func `Defaults are printed on request, absent messages and optional fields are not`() throws
  {
    let text = try Fixture.roundTrip(
      "{}", "homing.echo.v1.CartEvent", JSONOptions(emitsDefaults: true))
    #expect(
      text
        == #"{"storeId":"0","cartId":"","contactId":"","kind":"EVENT_KIND_UNSPECIFIED","#
        + #""items":[],"tsMs":"0"}"#
    )
    let everything = try Fixture.roundTrip(
      "{}", Fixture.everything, JSONOptions(emitsDefaults: true))
    #expect(everything.contains(#""floatValue":0,"doubleValue":0,"boolValue":false"#))
    #expect(!everything.contains("optionalInt32") && !everything.contains("choice"))
    #expect(!everything.contains("messageValue") && !everything.contains("\"at\""))
  }

  @Test func `The generated binding reads what JSON became, and the other way round`() throws {
    let json = #"""
      {"int32Value":-1,"uint64Value":"18446744073709551615","sint32Value":-2,"fixed64Value":"3",
       "doubleValue":0.1,"stringValue":"a\u0000b","bytesValue":"AP8=","enumValue":77,
       "messageValue":{"mood":"MOOD_ODD","deeper":{"note":""}},"at":"2026-11-22T10:00:00.5Z",
       "span":"-0.000000001s","optionalInt32":0,"int32List":[1,-1],"unpackedList":[5,6],
       "choiceInner":{"text":"x"}}
      """#
    let bytes = try Fixture.message(json: json).encoded()
    let value = try EchoV1.Everything(encoded: bytes)
    #expect(value.int32Value == -1 && value.uint64Value == .max && value.sint32Value == -2)
    #expect(value.stringValue == "a\0b" && value.bytesValue == [0, 255])
    #expect(value.enumValue.rawValue == 77 && value.messageValue?.mood.rawValue == -1)
    #expect(value.messageValue?.deeper?.note == "" && value.optionalInt32 == 0)
    #expect(value.span?.nanos == -1 && value.int32List == [1, -1] && value.unpackedList == [5, 6])
    let again = try Fixture.message(encoded: try value.encoded())
    #expect(again.encoded() == bytes)
  }

  // MARK: Refused JSON

  @Test(arguments: [
    (#"[]"#, "homing.echo.v1.Everything must be an object, is a list"),
    (
      #"{"int32Valu":1}"#,
      "int32Valu: homing.echo.v1.Everything has no such field; did you mean \"int32Value\"?"
    ),
    (
      #"{"messageValue":{"deeper":{"notes":""}}}"#,
      "message_value.deeper.notes: homing.echo.v1.Everything.Inner.Deeper has no such field; "
        + "did you mean \"note\"?"
    ),
    (#"{"message_list":[{},{"text":7}]}"#, "message_list[1].text: must be a string, is a number"),
    (#"{"int32Value":1,"int32_value":2}"#, "int32_value: is given twice, also as \"int32Value\""),
    (
      #"{"choiceText":"","choice_number":"1"}"#,
      "choice_number: only one of \"choice\" may be set, \"choiceText\" is set too"
    ),
    (
      #"{"int32Value":2147483648}"#,
      "int32_value: must be from -2147483648 to 2147483647, is 2147483648"
    ),
    (#"{"uint32Value":-1}"#, "uint32_value: must be from 0 to 4294967295, is -1"),
    (
      #"{"int64Value":9223372036854775808}"#,
      "int64_value: must be from -9223372036854775808 to 9223372036854775807, "
        + "is 9223372036854775808"
    ),
    (
      #"{"uint64Value":1e999999999999}"#,
      "uint64_value: must be from 0 to 18446744073709551615, is 1e999999999999"
    ),
    (#"{"int32Value":0.5}"#, "int32_value: must be an integer, is 0.5"),
    (#"{"int32Value":1e-1}"#, "int32_value: must be an integer, is 1e-1"),
    (#"{"int32Value":"1 "}"#, "int32_value: must be an integer, is a string that is no number"),
    (#"{"int32Value":"0x1"}"#, "int32_value: must be an integer, is a string that is no number"),
    (#"{"int32Value":true}"#, "int32_value: must be an integer, is a boolean"),
    (#"{"floatValue":3.5e38}"#, "float_value: must be within ±3.4028235e+38, is 3.5e38"),
    (#"{"doubleValue":1e309}"#, "double_value: must be within ±1.7976931348623157e+308, is 1e309"),
    (#"{"boolValue":"true"}"#, "bool_value: must be true or false, is a string"),
    (#"{"bytesValue":"A"}"#, "bytes_value: is not base64"),
    (#"{"bytesValue":"A+/_= "}"#, "bytes_value: is not base64"),
    (
      #"{"enumValue":"EVENT_KIND_CREATE"}"#,
      "enum_value: homing.echo.v1.EventKind has no value \"EVENT_KIND_CREATE\"; "
        + "did you mean \"EVENT_KIND_CREATED\"?"
    ),
    (#"{"enumValue":1.5}"#, "enum_value: must be an integer, is 1.5"),
    (#"{"int32List":5}"#, "int32_list: must be a list, is a number"),
    (#"{"int32List":[1,null]}"#, "int32_list[1]: must not be null"),
    (
      #"{"at":"yesterday"}"#, "at: is not a time in RFC 3339's form, such as 2026-11-22T10:00:00.5Z"
    ),
    (#"{"span":{"seconds":1}}"#, "span: must be a string, is an object"),
    // Field names are ASCII; the Kelvin sign is no K, though Swift compares them as equal.
    ("{\"\u{212A}ind\":1}", "\u{212A}ind: homing.echo.v1.Everything has no such field"),
  ])
  func `A wrong value is refused with its path`(_ json: String, _ complaint: String) {
    #expect(Fixture.complaint(json) == complaint)
  }

  // MARK: Protobuf bytes

  @Test func `Lists are read packed or not, whatever the declaration says`() throws {
    var writer = WireWriter()
    writer.varint(30, 1)
    writer.bytes(30, [2, 3])
    writer.varint(30, 4)
    writer.bytes(39, [5, 6])
    writer.varint(39, 7)
    let message = try Fixture.message(encoded: writer.bytes)
    #expect(
      JSONWriter.text(try message.json()) == #"{"int32List":[1,2,3,4],"unpackedList":[5,6,7]}"#)
    var expected = WireWriter()
    expected.bytes(30, [1, 2, 3, 4])
    for value: UInt64 in [5, 6, 7] { expected.varint(39, value) }
    #expect(message.encoded() == expected.bytes)
  }

  @Test func `The last scalar counts, messages are merged, the last of a oneof stays`() throws {
    var writer = WireWriter()
    writer.varint(1, 1)
    writer.varint(1, 2)
    writer.bytes(17, [0x0A, 1, UInt8(ascii: "a")])
    writer.bytes(17, [0x10, 2])
    writer.text(50, "x")
    writer.varint(54, 9)
    let message = try Fixture.message(encoded: writer.bytes)
    #expect(
      JSONWriter.text(try message.json())
        == #"{"int32Value":2,"messageValue":{"text":"a","mood":"MOOD_LATE"},"choiceNumber":"9"}"#)
  }

  @Test(.timeLimit(.minutes(1)))
  func `Merging message upon message into a long list takes time in proportion`() throws {
    var words = WireWriter()
    for _ in 0..<20_000 { words.text(3, "") }
    var writer = WireWriter()
    writer.bytes(17, words.bytes)
    var one = WireWriter()
    one.text(3, "x")
    // Copied each time, the list would be walked 20,000 times.
    for _ in 0..<20_000 { writer.bytes(17, one.bytes) }
    let message = try Fixture.message(encoded: writer.bytes)
    guard case .object(let members) = try message.json(), let inner = members.first?.value,
      case .array(let list)? = inner["words"]
    else {
      Issue.record("no list of words")
      return
    }
    #expect(list.count == 40_000)
  }

  @Test func `Unknown fields of every wire type are dropped`() throws {
    var writer = WireWriter()
    writer.varint(900, 1)
    writer.fixed32(901, 1)
    writer.fixed64(902, 1)
    writer.text(903, "x")
    writer.key(904, .startGroup)
    writer.varint(1, 1)
    writer.key(904, .endGroup)
    writer.varint(1, 7)
    #expect(
      JSONWriter.text(try Fixture.message(encoded: writer.bytes).json()) == #"{"int32Value":7}"#)
  }

  @Test func `A field of another wire type than declared is refused with its path`() {
    #expect(throws: DynamicError.self) { try Fixture.message(encoded: [0x0D, 0, 0, 0, 0]) }
    let error = #expect(throws: DynamicError.self) {
      // messageValue.text as a varint.
      try Fixture.message(encoded: [0x8A, 0x01, 2, 0x08, 1])
    }
    #expect(error?.path == "message_value.text")
  }

  @Test func `Text that is not UTF-8 is refused with its path`() {
    var writer = WireWriter()
    writer.text(35, "fine")
    writer.bytes(35, [0xFF])
    let error = #expect(throws: DynamicError.self) {
      try Fixture.message(encoded: writer.bytes)
    }
    #expect(error?.path == "string_list[1]")
  }

  @Test func `A Timestamp or Duration outside its range has no JSON form`() throws {
    for (number, inner): (Int, [UInt8]) in [
      (18, [0x10, 0x80, 0x94, 0xEB, 0xDC, 0x03]), (19, [0x08, 1, 0x10] + minusOne),
    ] {
      var writer = WireWriter()
      writer.bytes(number, inner)
      let message = try Fixture.message(encoded: writer.bytes)
      #expect(throws: DynamicError.self) { try message.json() }
    }
  }

  private var minusOne: [UInt8] { [UInt8](repeating: 0xFF, count: 9) + [0x01] }

  @Test func `Bytes cut at any place are read or refused`() throws {
    let bytes = try Fixture.message(json: Self.rich).encoded()
    var refused = 0
    for count in bytes.indices {
      do {
        _ = try Fixture.message(encoded: Array(bytes[..<count]))
      } catch is DynamicError {
        refused += 1
      }
    }
    #expect(refused > bytes.count / 2)
  }

  @Test func `Changed bytes are read or refused, and what was read is written and read alike`()
    throws
  {
    let bytes = try Fixture.message(json: Self.rich).encoded()
    var random = SeededRandom(seed: 20_261_122)
    var taken = 0
    for _ in 0..<3_000 {
      var changed = bytes
      for _ in 0...Int.random(in: 0...3, using: &random) {
        let place = Int.random(in: changed.indices, using: &random)
        switch Int.random(in: 0...2, using: &random) {
        case 0: changed[place] = UInt8.random(in: 0...255, using: &random)
        case 1: changed.remove(at: place)
        default: changed.insert(UInt8.random(in: 0...255, using: &random), at: place)
        }
      }
      guard let message = try? Fixture.message(encoded: changed) else { continue }
      taken += 1
      let written = message.encoded()
      #expect(try Fixture.message(encoded: written).encoded() == written)
      if let json = try? message.json() {
        // JSON has one NaN, so bytes are compared only after one trip.
        let text = JSONWriter.text(json)
        #expect(try Fixture.roundTrip(text) == text)
      }
    }
    #expect(taken > 100)
  }

  static let rich = #"""
    {"int32Value":-1,"int64Value":"5","floatValue":1.5,"doubleValue":2.5,"stringValue":"some text",
     "bytesValue":"AAEC","enumValue":1,
     "messageValue":{"text":"t","words":["a","b"],"deeper":{"note":"n"}},
     "at":"2026-11-22T10:00:00.5Z","span":"3.25s","optionalString":"o","int32List":[1,300,70000],
     "fixed64List":["1","2"],"doubleList":[0.5],"stringList":["x","y"],
     "messageList":[{"text":"m"},{}],
     "unpackedList":[1,2],"atList":["1970-01-01T00:00:01Z"],"choiceInner":{"mood":"MOOD_ODD"}}
    """#
}
