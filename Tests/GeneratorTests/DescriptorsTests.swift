internal import Descriptors
internal import Testing

@Suite struct DescriptorsTests {
  @Test func `A file is read with names, kinds, options, comments and lines`() throws {
    let text = ProtoCompiler.file(
      """
      // A message.
      message M {
        // A field.
        repeated int32 numbers = 1 [(homing.options.v1.items_max) = 5];
        optional string note = 2; // Behind.
        oneof choice { bytes data = 3; Kind kind = 4; }
        enum Kind { NONE = 0; ODD = -1; }
      }
      service S {
        rpc Watch(M) returns (stream M) { option (homing.options.v1.roles) = "a"; }
      }
      """)
    let bytes = try ProtoCompiler.requestBytes(["homing/test/v1/t.proto": text])
    let files = try WireText.fields(15, of: bytes).map { try FileDescriptor(serialized: $0) }
    let pool = try DescriptorPool(files: files)
    let message = try #require(pool.message(named: "homing.test.v1.M"))
    #expect(message.comment == "A message.")
    #expect(message.line == 5)
    let fields = message.fields
    #expect(fields.map(\.name) == ["numbers", "note", "data", "kind"])
    #expect(fields[0].isPacked && fields[0].options.itemsMax == 5)
    #expect(fields[0].comment == "A field.")
    #expect(fields[1].isProto3Optional && fields[1].declaredOneof == nil)
    #expect(fields[1].comment == "Behind.")
    #expect(fields[3].declaredOneof == 0 && fields[3].typeName == "homing.test.v1.M.Kind")
    #expect(pool.enumeration(named: "homing.test.v1.M.Kind")?.value(-1)?.name == "ODD")
    let method = try #require(pool.method(named: "homing.test.v1.S/Watch"))
    #expect(method.kind == .serverStreaming && method.roles == ["a"])
    #expect(pool.file(declaring: "homing.test.v1.S.Watch")?.name == "homing/test/v1/t.proto")
    #expect(pool.message(named: "homing.test.v1.N") == nil)
  }

  @Test func `Bytes cut or changed anywhere throw or are read, and never crash`() throws {
    let text = ProtoCompiler.file("message M { string a = 1; enum E { X = 0; } }")
    let request = try ProtoCompiler.requestBytes(["homing/test/v1/t.proto": text])
    let bytes = try #require(try WireText.fields(15, of: request).last)
    var refused = 0
    for index in bytes.indices {
      if (try? FileDescriptor(serialized: Array(bytes[..<index]))) == nil { refused += 1 }
      for bit in 0..<8 {
        var changed = bytes
        changed[index] ^= 1 << UInt8(bit)
        if (try? FileDescriptor(serialized: changed)) == nil { refused += 1 }
      }
    }
    #expect(refused > bytes.count)
  }

  @Test func `Nesting past the bound, and files over the limit, throw`() {
    var nested: [UInt8] = []
    for _ in 0..<40 {
      var writer = WireWriter()
      writer.bytes(3, nested)
      nested = writer.bytes
    }
    var file = WireWriter()
    file.bytes(4, nested)
    #expect(throws: DescriptorError(.tooDeep, "")) { try FileDescriptor(serialized: file.bytes) }
    let large = [UInt8](repeating: 0, count: FileDescriptor.sizeMax + 1)
    #expect(throws: DescriptorError(.tooLarge, "")) { try FileDescriptor(serialized: large) }
  }

  @Test func `Two declarations of one name throw`() throws {
    var message = WireWriter()
    message.text(1, "M")
    var file = WireWriter()
    file.bytes(4, message.bytes)
    let descriptor = try FileDescriptor(serialized: file.bytes)
    #expect(throws: DescriptorError(.duplicate, "")) {
      _ = try DescriptorPool(files: [descriptor, descriptor])
    }
  }

  @Test func `A group is passed over with all it holds, and an unfinished one throws`() throws {
    var reader = WireReader([0x0b, 0x10, 5, 0x13, 0x14, 0x0c, 0x18, 7])
    let group = try #require(try reader.next())
    try reader.skip(group)
    let tag = try #require(try reader.next())
    #expect(tag.number == 3)
    #expect(try reader.varint() == 7)
    #expect(reader.isAtEnd)
    for bytes: [UInt8] in [[0x0b], [0x0b, 0x14], [0x0c], [UInt8](repeating: 0x0b, count: 100)] {
      var reader = WireReader(bytes)
      let tag = try #require(try reader.next())
      #expect(throws: DescriptorError.self) { try reader.skip(tag) }
    }
  }

  @Test func `Varints over 64 bits and keys of no field throw`() {
    let long = [UInt8](repeating: 0xff, count: 10)
    #expect(throws: DescriptorError(.malformed, "")) {
      var reader = WireReader(long + [1])
      _ = try reader.varint()
    }
    for bytes: [UInt8] in [[0], [7], [0x0e], [0xff, 0xff, 0xff, 0xff, 0xff, 1]] {
      #expect(throws: DescriptorError(.malformed, "")) {
        var reader = WireReader(bytes)
        _ = try reader.next()
      }
    }
  }
}
