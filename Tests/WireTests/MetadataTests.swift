internal import Messages
internal import Testing

@testable internal import Wire

@Suite struct MetadataTests {
  private func fault(_ key: String, _ value: [UInt8], bytesMax: Int = 1000) -> RPCError.Code? {
    var metadata: Metadata = ["first": "fine"]
    metadata.append(key, bytes: value)
    return metadata.fault(bytesMax: bytesMax)?.code
  }

  @Test(
    "Keys of 1 to 64 lower-case letters, digits, - _ and . are taken",
    arguments: [
      "a", "z", "0", "9", "-", "_", ".", "homing-previous-attempts", "-bin", "a.b_c-0",
      String(repeating: "k", count: 64),
    ])
  func takesKey(key: String) {
    #expect(fault(key, [0x20, 0x41, 0x7e]) == nil)
  }

  @Test(
    "Any other key is refused",
    arguments: [
      "", "A", "key!", "a b", "a/b", "a:b", "`", "{", "é", "a\0", "\n", "k\u{301}",
      String(repeating: "k", count: 65), String(repeating: "é", count: 33),
    ])
  func refusesKey(key: String) {
    #expect(fault(key, []) == .invalidArgument)
    #expect(fault(key + "-bin", []) == (key.isEmpty ? nil : .invalidArgument))
  }

  @Test("A value is printable ASCII, unless its key ends in -bin")
  func values() {
    for byte in UInt8.min ... .max {
      let isPrintable = (0x20...0x7e).contains(byte)
      #expect(fault("key", [0x61, byte]) == (isPrintable ? nil : .invalidArgument))
      #expect(fault("key-bin", [byte]) == nil)
      #expect(fault("key-bin2", [byte]) == (isPrintable ? nil : .invalidArgument))
    }
  }

  @Test("Keys and values of exactly the limit are taken, one byte more is refused")
  func limit() {
    var metadata: Metadata = ["ab": "cde"]
    metadata.append("f-bin", bytes: [0, 1])
    #expect(metadata.byteCount == 12)
    #expect(metadata.fault(bytesMax: 12) == nil)
    let fault = metadata.fault(bytesMax: 11)
    #expect(fault?.code == .resourceExhausted)
    #expect(fault?.message == "metadata takes 12 bytes, the limit is 11")
  }

  @Test("A fault names the rule and not the value")
  func faultKeepsValue() {
    let fault = Metadata(dictionaryLiteral: ("token", "geheim\n")).fault(bytesMax: 100)
    #expect(fault?.message.contains("geheim") == false)
    #expect(fault?.message.contains("token") == true)
  }

  @Test("No metadata is never at fault")
  func empty() {
    #expect(Metadata().fault(bytesMax: 0) == nil)
    #expect(Metadata().wire.isEmpty)
    #expect(Metadata().isEmpty)
  }

  @Test("Pairs keep their order and their repetitions, on the wire and back")
  func roundTrip() throws {
    var metadata: Metadata = ["b": "1", "a": "2"]
    metadata.append("b", "3")
    metadata.append("c-bin", bytes: [0, 255])
    #expect(metadata.wire.map(\.key) == ["b", "a", "b", "c-bin"])
    #expect(metadata.wire.map(\.value) == [[0x31], [0x32], [0x33], [0, 255]])
    #expect(Metadata(metadata.wire) == metadata)
    #expect(metadata.map(\.key) == ["b", "a", "b", "c-bin"])
    #expect(metadata.count == 4)
    let frame = RpcV1.Frame(streamID: 1, metadata: metadata.wire)
    #expect(try Metadata(RpcV1.Frame(encoded: frame.encoded()).metadata) == metadata)
  }

  @Test("A key is looked up by its first value, as text only where it is text")
  func lookUp() {
    var metadata: Metadata = ["a": "1", "a": "2"]
    metadata.append("x-bin", bytes: [0xff])
    #expect(metadata.text("a") == "1")
    #expect(metadata.text("b") == nil)
    #expect(metadata.text("x-bin") == nil)
    #expect(metadata.bytes("x-bin") == [0xff])
  }
}
