internal import Descriptors
internal import Messages
internal import Testing

@Suite struct FileDescriptorsTests {
  @Test func `Every file is described under its own name, behind the files it imports`() throws {
    var seen: Set<String> = []
    for name in FileDescriptors.names {
      let bytes = try #require(FileDescriptors.file(named: name))
      let file = try FileDescriptor(serialized: bytes)
      #expect(file.name == name)
      #expect(FileDescriptors.imports(of: name) == file.imports)
      #expect(seen.isSuperset(of: file.imports))
      seen.insert(name)
    }
    #expect(seen.contains("homing/echo/v1/echo.proto"))
    #expect(seen.contains("google/protobuf/timestamp.proto"))
  }

  @Test func `A name that is not known has no description`() {
    #expect(FileDescriptors.file(named: "nothing.proto") == nil)
    #expect(FileDescriptors.imports(of: "nothing.proto") == nil)
  }

  @Test func `Comments, options and methods are kept`() throws {
    let pool = SchemaSampler.pool
    let whoami = try #require(pool.method(named: "homing.echo.v1.Echo/Whoami"))
    #expect(whoami.roles == ["shop"])
    #expect(whoami.idempotency == .noSideEffects)
    #expect(whoami.comment.hasPrefix("Answers who is calling"))
    #expect(pool.method(named: "homing.echo.v1.Echo.BidirectionalStream")?.kind == .bidirectional)
    let event = try #require(pool.message(named: "homing.echo.v1.CartEvent"))
    #expect(event.fields.first { $0.name == "cart_id" }?.options.bytesMax == 64)
    #expect(event.fields.first { $0.name == "items" }?.options.itemsMax == 1000)
    let inner = try #require(pool.message(named: "homing.echo.v1.Everything.Inner"))
    #expect(inner.comment == "A message declared inside a message.")
    let mood = pool.file(declaring: "homing.echo.v1.Everything.Mood")
    #expect(mood?.name == "homing/echo/v1/echo.proto")
  }

  @Test func `Every message type of the descriptions has its Swift type`() {
    func names(_ message: MessageDescriptor) -> [String] {
      [message.fullName] + message.messages.flatMap(names)
    }
    let files = SchemaSampler.pool.files.filter { $0.name != "google/protobuf/descriptor.proto" }
    let described = files.flatMap(\.messages).flatMap(names)
    #expect(Set(described) == Set(messageTypes.map { $0.fullName }))
    #expect(described.count == messageTypes.count)
  }
}
