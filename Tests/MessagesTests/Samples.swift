internal import Messages

extension EchoV1.Everything {
  /// A message with no field at its default.
  static let full = EchoV1.Everything(
    int32Value: -1, int64Value: .min, uint32Value: .max, uint64Value: .max, sint32Value: .min,
    sint64Value: .min, fixed32Value: .max, fixed64Value: .max, sfixed32Value: -2,
    sfixed64Value: -3, floatValue: -1.5, doubleValue: 1e300, boolValue: true,
    stringValue: "caf\u{e9} \u{1f355}", bytesValue: [0, 255, 10], enumValue: .checkedOut,
    messageValue: Inner(
      text: "inner", mood: .odd, words: ["a", "", "c"], deeper: Inner.Deeper(number: 7, note: "n")),
    at: Protobuf.Timestamp(seconds: 1_765_432_100, nanos: 123_000_000),
    span: Protobuf.Duration(seconds: -3, nanos: -500_000_000), optionalInt32: 0,
    optionalString: "", optionalBytes: [], optionalBool: false, optionalEnum: .unspecified,
    optionalDouble: 0, int32List: [0, -1, .max], sint64List: [0, -1, .min],
    fixed64List: [1, .max], doubleList: [0.5, -.infinity], boolList: [true, false, true],
    stringList: ["", "x", "a text longer than fifteen bytes"], bytesList: [[], [1], [0, 0]],
    enumList: [.created, .unspecified], messageList: [Inner(), Inner(text: "t", mood: .late)],
    unpackedList: [5, -6], atList: [Protobuf.Timestamp(seconds: -1, nanos: 999_999_999)],
    choice: .choiceSpan(Protobuf.Duration(seconds: 1)))
}

/// Decodes with the memory that a server would give, in a fresh arena.
func decode<M: Message>(
  _ type: M.Type, _ bytes: [UInt8], arenaLimit: Int = 12 << 20
) throws(MessageError) -> M {
  try decode(type, bytes, in: Arena(limit: arenaLimit))
}

func decode<M: Message>(
  _ type: M.Type, _ bytes: [UInt8], in arena: Arena
) throws(MessageError) -> M {
  let result = bytes.withUnsafeBytes { raw in
    Result { () throws(MessageError) in try M.decode(raw, in: arena) }
  }
  return try result.get()
}

/// The error that decoding gives, or nil.
func refusal<M: Message>(_ type: M.Type, _ bytes: [UInt8]) -> MessageError? {
  do throws(MessageError) {
    _ = try decode(type, bytes)
    return nil
  } catch {
    return error
  }
}
