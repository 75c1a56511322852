internal import Testing

@testable internal import Generator

@Suite struct GeneratorTests {
  private static let sample = """
    // What is wanted.
    enum EventKind { EVENT_KIND_UNSPECIFIED = 0; EVENT_KIND_CHECKED_OUT = 1; }
    // Asks.
    message Request {
      // Whose.
      string store_id = 1 [(homing.options.v1.store) = true, (homing.options.v1.bytes_max) = 64];
      optional int32 default = 2;
      oneof choice { EventKind kind = 3; Answer answer = 4; }
      repeated Answer image_urls = 5 [(homing.options.v1.items_max) = 10];
    }
    message Answer { enum Channel { CHANNEL_NONE = 0; } Channel channel = 1; string String = 2; }
    // Serves.
    service Echo {
      // Does it.
      rpc Do(Request) returns (Answer) {
        option idempotency_level = IDEMPOTENT;
        option (homing.options.v1.roles) = "peer";
      }
      rpc Both(stream Request) returns (stream Answer);
    }
    """

  @Test func `The same protos give the same bytes, in whatever order the files come`() throws {
    let files = [
      "homing/test/v1/a.proto": "syntax = \"proto3\"; package homing.test.v1; message A {}",
      "homing/test/v1/b.proto": ProtoCompiler.file(GeneratorTests.sample),
    ]
    let first = try ProtoCompiler.generate(files: files)
    let second = try ProtoCompiler.generate(files: files)
    #expect(first == second)
    #expect(first.keys.contains("Shared/CMessages/homing/test/v1/b.pb-c.c"))
    #expect(first.keys.contains("Shared/CMessages/include/homing/test/v1/b.pb-c.h"))
  }

  @Test func `A message becomes a struct with its comments, limits and names`() throws {
    let files = try ProtoCompiler.generate(GeneratorTests.sample)
    let swift = try #require(files["Shared/Messages/Generated/homing.test.v1.swift"])
    for line in [
      "public enum TestV1 {}",
      "  /// Asks.\n  public struct Request: Message {",
      "    /// Whose.\n    ///\n    /// The store the caller must be granted, at most 64 bytes.\n"
        + "    public var storeID: String",
      "    public var `default`: Int32?",
      "    public var choice: Choice?",
      "      case kind(EventKind)",
      "    /// At most 10 elements.\n    public var imageURLs: [Answer]",
      "    public static let checkedOut = Self(rawValue: 1)",
      "      case 1: \"EVENT_KIND_CHECKED_OUT\"",
    ] {
      #expect(swift.contains(line), "\(line)")
    }
  }

  @Test func `A service becomes methods, a client and a server protocol`() throws {
    let files = try ProtoCompiler.generate(GeneratorTests.sample)
    let client = try #require(files["Shared/Stubs/Generated/homing.test.v1.client.swift"])
    #expect(client.contains("\"homing.test.v1.Echo/Do\""))
    #expect(client.contains("isIdempotent: true"))
    #expect(client.contains("roles: [\"peer\"]"))
    #expect(client.contains("roles: []"))
    #expect(client.contains("    /// Does it.\n    public func `do`("))
    let server = try #require(files["Shared/Stubs/Generated/homing.test.v1.server.swift"])
    #expect(server.contains("package protocol EchoService: Sendable"))
    #expect(server.contains(".storeID"))
  }

  @Test func `A type that hides one of another module is told apart`() throws {
    let files = try ProtoCompiler.generate(
      """
      message Message { string text = 1; }
      message String { Channel route = 1; message Channel { Message m = 1; } }
      message Channel {}
      service S { rpc Do(Channel) returns (Channel); }
      """)
    let swift = try #require(files["Shared/Messages/Generated/homing.test.v1.swift"])
    #expect(swift.contains("public struct Message: Messages.Message {"))
    #expect(swift.contains("public var text: Swift.String"))
    #expect(swift.contains("    public var route: String.Channel?"))
    let client = try #require(files["Shared/Stubs/Generated/homing.test.v1.client.swift"])
    #expect(client.contains("any Transport.Channel"))
    #expect(client.contains("TestV1.Channel"))
  }

  @Test func `Strings are bytes in C, and our options and services are gone from it`() throws {
    let files = try ProtoCompiler.generate(GeneratorTests.sample)
    let header = try #require(files["Shared/CMessages/include/homing/test/v1/test.pb-c.h"])
    #expect(header.contains("ProtobufCBinaryData store_id;"))
    #expect(!header.contains("char *"))
    #expect(!header.contains("options.pb-c.h"))
    #expect(!header.contains("ProtobufCService"))
  }

  @Test func `No generated Swift line is over 100 columns and no file over 600 lines`() throws {
    let fields = (0..<30).map { "string a_long_name_of_a_field_\($0) = \($0 + 1);" }
    let messages = (0..<20).map { "message M\($0) { \(fields.joined(separator: " ")) }" }
    let files = try ProtoCompiler.generate(messages.joined(separator: "\n"))
    let swift = files.filter { $0.key.hasSuffix(".swift") }
    #expect(swift.count > 8)
    for (name, text) in swift {
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      #expect(lines.allSatisfy { $0.count <= 100 }, "\(name)")
      #expect(lines.count <= 601, "\(name)")
    }
  }

  @Test func `A refusal is the plugin's answer, and nothing is generated`() throws {
    let request = try ProtoCompiler.request([
      "homing/test/v1/test.proto": ProtoCompiler.file("message M { M m = 1; }")
    ])
    #expect(throws: Refusal.self) {
      try Generator.generate(request) { (_) throws(Refusal) in
        Issue.record("protoc-gen-c was asked for a refused contract")
        return []
      }
    }
    var response = PluginResponse()
    response.error = "no"
    let back = try PluginResponse(serialized: response.serialized)
    #expect(back.error == "no")
    #expect(back.files == [])
  }
}
