internal import Messages
internal import Testing

@Suite struct RefusalTests {
  @Test func `Text that is not UTF-8 is refused with its path`() {
    let bad: [[UInt8]] = [
      [0xff], [0xc0, 0x80], [0xe4, 0xb8], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0x80],
      Array("a text longer than sixteen bytes".utf8) + [0xfe],
    ]
    for text in bad {
      let size = UInt8(text.count)
      #expect(
        refusal(EchoV1.Everything.self, [0x72, size] + text)
          == MessageError(.invalidText, path: "string_value", detail: ""))
      #expect(
        refusal(EchoV1.Everything.self, [0x9a, 2, 0, 0x9a, 2, size] + text)
          == MessageError(.invalidText, path: "string_list[1]", detail: ""))
      // message_list[1].words[0]
      let inner = [0xb2, 2, size + 2, 0x1a, size] + text
      #expect(
        refusal(EchoV1.Everything.self, [0xb2, 2, 0] + inner)
          == MessageError(.invalidText, path: "message_list[1].words[0]", detail: ""))
      // choice_inner.deeper.note
      let note = [0x9a, 3, size + 4, 0x22, size + 2, 0x12, size] + text
      #expect(
        refusal(EchoV1.Everything.self, note)
          == MessageError(.invalidText, path: "choice_inner.deeper.note", detail: ""))
    }
  }

  @Test func `A required field that is missing is named`() throws {
    let number = EchoV1.CartEvent(cartID: "c")
    #expect(
      refusal(EchoV1.CartEvent.self, try number.encoded())
        == MessageError(.missing, path: "store_id", detail: ""))
    let text = EchoV1.CartEvent(storeID: 1)
    #expect(
      refusal(EchoV1.CartEvent.self, try text.encoded())
        == MessageError(.missing, path: "cart_id", detail: ""))
    #expect(
      refusal(EchoV1.WhoamiRequest.self, []) == MessageError(.missing, path: "store", detail: ""))
  }

  @Test func `Text over its limit is refused with both sizes and without the text`() throws {
    let long = String(repeating: "\u{e9}", count: 33)
    let event = EchoV1.CartEvent(storeID: 1, cartID: long)
    let error = try #require(refusal(EchoV1.CartEvent.self, try event.encoded()))
    #expect(error == MessageError(.tooLong, path: "cart_id", detail: ""))
    #expect(error.description == "cart_id: may have 64 bytes, has 66")
    let fits = EchoV1.CartEvent(storeID: 1, cartID: String(repeating: "\u{e9}", count: 32))
    #expect(try EchoV1.CartEvent(encoded: fits.encoded()) == fits)
  }

  @Test func `A list over its limit is refused with both counts`() throws {
    var event = EchoV1.CartEvent(storeID: 1, cartID: "c")
    event.items = Array(repeating: EchoV1.LineItem(sku: "s"), count: 1000)
    #expect(try EchoV1.CartEvent(encoded: event.encoded()) == event)
    event.items.append(EchoV1.LineItem())
    let error = try #require(refusal(EchoV1.CartEvent.self, try event.encoded()))
    #expect(error == MessageError(.tooMany, path: "items", detail: ""))
    #expect(error.description == "items: may have 1000 elements, has 1001")
  }

  @Test func `A limit inside a list names the element`() throws {
    let long = EchoV1.Everything.Inner(text: String(repeating: "x", count: 4097))
    let message = EchoV1.Everything(messageList: [.init(), .init(), long])
    #expect(
      refusal(EchoV1.Everything.self, try message.encoded())
        == MessageError(.tooLong, path: "message_list[2].text", detail: ""))
  }

  @Test func `Known fields of the wrong wire type and impossible bytes are malformed`() {
    let bad: [[UInt8]] = [
      [0x0a, 1, 0], [0x70, 1], [0x08], [0x08, 0xff], [0x72, 5, 0x61], [0x03], [0x04], [0x07, 1],
      [0xf2, 1, 2, 0x80, 0x80], [0x82, 2, 3, 1, 2, 3], [0x6a, 1, 1], [0x6d, 1, 0, 0, 0],
      [0x80, 0, 1], [0x88, 0x80, 0x80, 0x80, 0x10, 1], [0x95, 2, 1, 0, 0, 0],
      [0x72, 0xff, 0xff, 0xff, 0xff, 0x0f],
    ]
    for bytes in bad {
      #expect(refusal(EchoV1.Everything.self, bytes) == MessageError(.malformed, detail: ""))
    }
  }

  @Test func `A field that holds one message and stands twice is refused, at any depth`() {
    let inPieces: [[UInt8]] = [
      // message_value, message_value; choice_span, choice_span; at, (something else), at.
      [0x8a, 1, 0, 0x8a, 1, 0], [0xba, 3, 0, 0xba, 3, 0], [0x92, 1, 0, 0x08, 1, 0x92, 1, 0],
      // message_value.deeper twice; message_list[1].deeper twice.
      [0x8a, 1, 4, 0x22, 0, 0x22, 0], [0xb2, 2, 0, 0xb2, 2, 4, 0x22, 0, 0x22, 0],
    ]
    for bytes in inPieces {
      #expect(refusal(EchoV1.Everything.self, bytes) == MessageError(.malformed, detail: ""))
    }
    // A list of messages, and one message each in two elements, are no pieces.
    let whole: [UInt8] = [0xb2, 2, 2, 0x22, 0, 0xb2, 2, 2, 0x22, 0]
    #expect(refusal(EchoV1.Everything.self, whole) == nil)
  }

  @Test func `A message that needs more than the arena has is refused as memory`() throws {
    let message = EchoV1.Everything(bytesValue: [UInt8](repeating: 1, count: 100_000))
    let bytes = try message.encoded()
    #expect(throws: MessageError(.memory, detail: "")) {
      try decode(EchoV1.Everything.self, bytes, arenaLimit: 50_000)
    }
    #expect(try decode(EchoV1.Everything.self, bytes, arenaLimit: 300_000) == message)
    #expect(throws: MessageError(.memory, detail: "")) {
      try message.encode(in: Arena(limit: 50_000)) { _ in
        Issue.record("asked for room although the arena was full")
        return UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1)
      }
    }
  }
}
