internal import Messages
internal import Testing

@Suite struct RoundTripTests {
  @Test func `A message with every field set comes back equal`() throws {
    let bytes = try EchoV1.Everything.full.encoded()
    #expect(try EchoV1.Everything(encoded: bytes) == .full)
  }

  @Test func `Every member of a oneof comes back as itself`() throws {
    let choices: [EchoV1.Everything.Choice] = [
      .choiceText("text"), .choiceText(""), .choiceInner(.init(text: "in")), .choiceInner(.init()),
      .choiceKind(.created), .choiceKind(.unspecified), .choiceBytes([]), .choiceBytes([0]),
      .choiceNumber(0), .choiceNumber(.max), .choiceSpan(.init()),
    ]
    for choice in choices {
      let message = EchoV1.Everything(choice: choice)
      #expect(try EchoV1.Everything(encoded: message.encoded()).choice == choice)
    }
  }

  @Test func `A message at its defaults takes no bytes and no bytes give the defaults`() throws {
    #expect(try EchoV1.Everything().encoded() == [])
    #expect(try EchoV1.Everything(encoded: []) == EchoV1.Everything())
  }

  @Test func `An optional field set to its default is not an absent one`() throws {
    let set = EchoV1.Everything(optionalInt32: 0, optionalString: "", optionalBytes: [])
    let back = try EchoV1.Everything(encoded: set.encoded())
    #expect(back.optionalInt32 == 0)
    #expect(back.optionalString == "")
    #expect(back.optionalBytes == [])
    #expect(back.optionalBool == nil)
  }

  @Test func `Enum numbers that are not known are kept, negative ones too`() throws {
    let strange = EchoV1.EventKind(rawValue: 4711)
    let message = EchoV1.Everything(
      enumValue: strange, messageValue: .init(mood: .init(rawValue: -77)),
      enumList: [strange, .init(rawValue: .min), .init(rawValue: .max)],
      choice: .choiceKind(.init(rawValue: -5)))
    let back = try EchoV1.Everything(encoded: message.encoded())
    #expect(back == message)
    #expect(back.enumValue.description == "4711")
    #expect(EchoV1.EventKind.checkedOut.description == "EVENT_KIND_CHECKED_OUT")
  }

  @Test func `NUL inside text is kept`() throws {
    let message = EchoV1.Everything(stringValue: "a\0b\0", stringList: ["\0", "x\0y"])
    #expect(try EchoV1.Everything(encoded: message.encoded()) == message)
  }

  @Test func `The last of several values of one field counts`() throws {
    // int32_value 1, then 2; string_value "a", then "b"; choice_text "c", then choice_number 3.
    let bytes: [UInt8] = [
      0x08, 1, 0x08, 2, 0x72, 1, 0x61, 0x72, 1, 0x62, 0x92, 3, 1, 0x63, 0xb0, 3, 3,
    ]
    let expected = EchoV1.Everything(
      int32Value: 2, stringValue: "b", choice: .choiceNumber(3))
    #expect(try EchoV1.Everything(encoded: bytes) == expected)
  }

  @Test func `Lists of numbers are read packed and unpacked`() throws {
    let packed: [UInt8] = [0xf2, 1, 2, 7, 8, 0xba, 2, 2, 5, 6]
    let unpacked: [UInt8] = [0xf0, 1, 7, 0xf0, 1, 8, 0xb8, 2, 5, 0xb8, 2, 6]
    let expected = EchoV1.Everything(int32List: [7, 8], unpackedList: [5, 6])
    #expect(try EchoV1.Everything(encoded: packed) == expected)
    #expect(try EchoV1.Everything(encoded: unpacked) == expected)
  }

  @Test func `Fields that are not known are passed over`() throws {
    let unknown: [UInt8] = [0xa0, 6, 1, 0xa2, 6, 2, 9, 9, 0xa5, 6, 0, 0, 0, 0]
    let bytes = try unknown + EchoV1.Ack(seq: 9).encoded() + unknown
    #expect(try EchoV1.Ack(encoded: bytes) == EchoV1.Ack(seq: 9))
  }

  @Test(arguments: 0..<UInt64(40))
  func `Valid encodings of every message are read, and written back equal`(
    seed: UInt64
  ) throws {
    var sampler = SchemaSampler(seed: seed)
    let arena = Arena(limit: 12 << 20)
    for type in messageTypes { try checkRoundTrip(type, &sampler, arena) }
  }

  private func checkRoundTrip<M: Message>(
    _ type: M.Type, _ sampler: inout SchemaSampler, _ arena: Arena
  ) throws {
    arena.reset()
    let bytes = sampler.message(M.fullName)
    let message = try decode(type, bytes, in: arena)
    let encoded = try message.encoded()
    let again = try decode(type, encoded, in: arena)
    #expect(again == message, "\(M.fullName)")
    #expect(try again.encoded() == encoded, "\(M.fullName)")
  }
}
