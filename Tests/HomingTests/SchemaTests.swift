internal import Descriptors
internal import Testing

@testable internal import DynamicMessages

@Suite struct SchemaTests {
  /// A file with one message `t.M`, whose fields are given as encoded FieldDescriptorProtos.
  private func file(_ fields: [[UInt8]], oneofs: [String] = []) -> [UInt8] {
    var message = WireWriter()
    message.text(1, "M")
    for field in fields { message.bytes(2, field) }
    for name in oneofs {
      var oneof = WireWriter()
      oneof.text(1, name)
      message.bytes(8, oneof.bytes)
    }
    var file = WireWriter()
    file.text(1, "t.proto")
    file.text(2, "t")
    file.bytes(4, message.bytes)
    file.text(12, "proto3")
    return file.bytes
  }

  private func field(
    _ name: String, _ number: UInt64, _ kind: FieldDescriptor.Kind, type: String = "",
    oneof: UInt64? = nil
  ) -> [UInt8] {
    var field = WireWriter()
    field.text(1, name)
    field.varint(3, number)
    field.varint(4, 1)
    field.varint(5, UInt64(kind.rawValue))
    if !type.isEmpty { field.text(6, "." + type) }
    if let oneof { field.varint(9, oneof) }
    return field.bytes
  }

  @Test func `The whole contract is taken`() throws {
    let schema = try ContractFixture.schema()
    #expect(try schema.message(named: "homing.rpc.v1.Frame").fields.count == 13)
  }

  @Test(arguments: [0, 1 << 29, UInt64.max])
  func `A field number out of range is refused`(_ number: UInt64) {
    #expect(throws: DynamicError.self) {
      try Schema(serializedFiles: [file([field("a", number, .int32)])])
    }
  }

  @Test func `Two fields with one number or one name are refused`() {
    for other in [field("b", 1, .int32), field("a", 2, .int32)] {
      #expect(throws: DynamicError.self) {
        try Schema(serializedFiles: [file([field("a", 1, .int32), other])])
      }
    }
    // "a_b" is "aB" in JSON.
    #expect(throws: DynamicError.self) {
      try Schema(serializedFiles: [file([field("a_b", 1, .int32), field("aB", 2, .int32)])])
    }
  }

  @Test func `A type or oneof that is missing is refused, and a group`() {
    for field in [
      field("a", 1, .message, type: "t.N"), field("a", 1, .enum, type: "t.M"),
      field("a", 1, .int32, oneof: 3), field("a", 1, .group, type: "t.M"),
    ] {
      #expect(throws: DynamicError.self) { try Schema(serializedFiles: [file([field])]) }
    }
  }

  @Test func `The same file twice is refused`() {
    let file = file([])
    #expect(throws: DynamicError.self) { try Schema(serializedFiles: [file, file]) }
  }

  @Test func `Bytes that are no descriptors are refused`() {
    for bytes: [UInt8] in [[0xFF], [0x0A, 5, 1], [0x22, 2, 0x0A, 9]] {
      #expect(throws: DynamicError.self) { try Schema(serializedFiles: [bytes]) }
    }
  }

  @Test func `A message that nests itself is read to a depth of 32 and no deeper`() throws {
    let schema = try Schema(serializedFiles: [file([field("m", 1, .message, type: "t.M")])])
    let type = try schema.message(named: "t.M")
    for (depth, isTaken) in [(1, true), (32, true), (33, false), (200, false)] {
      var bytes: [UInt8] = []
      for _ in 0..<depth {
        var outer = WireWriter()
        outer.bytes(1, bytes)
        bytes = outer.bytes
      }
      let message = try? DynamicMessage(encoded: bytes, type, schema)
      #expect((message != nil) == isTaken)
      if let message { #expect(message.encoded() == bytes) }
    }
    let json = String(repeating: "{\"m\":", count: 31) + "{}" + String(repeating: "}", count: 31)
    let value = try JSONReader.value(Array(json.utf8))
    #expect(try JSONWriter.text(DynamicMessage(json: value, type, schema).json()) == json)
    // A template of such a message ends too, and is taken.
    let template = RequestTemplateFixture.json(type, schema)
    #expect(try DynamicMessage(json: template, type, schema).encoded().isEmpty == false)
  }

  @Test
  func `Random changes of real descriptors are taken or refused, and what is taken can be used`() {
    var random = SeededRandom(seed: 3)
    let files = ContractFixture.files
    var refused = 0
    for _ in 0..<100 {
      var changed = files
      let index = Int.random(in: files.indices, using: &random)
      for _ in 0..<3 {
        let place = Int.random(in: changed[index].indices, using: &random)
        changed[index][place] = UInt8.random(in: 0...255, using: &random)
      }
      guard let schema = try? Schema(serializedFiles: changed) else {
        refused += 1
        continue
      }
      for file in schema.pool.files {
        for message in file.messages {
          guard let type = try? schema.message(named: message.fullName) else { continue }
          #expect(RequestTemplateFixture.json(type, schema) != .null)
        }
      }
    }
    #expect(refused > 0)
  }
}
