internal import Descriptors
internal import DynamicMessages
internal import Testing
internal import Transport

@testable internal import Homing

@Suite struct DescribeTests {
  private let reflection = Reflection(ScriptedChannel(), target: "here:1", timeout: nil)

  private func source(_ symbol: String) async throws -> String {
    try await Description.of(symbol, by: reflection).source.joined(separator: "\n")
  }

  @Test func `A message is printed with comments, options and a oneof`() async throws {
    #expect(
      try await source("homing.echo.v1.ServerStreamRequest") == """
        message ServerStreamRequest {
          repeated ResponsePart parts = 1 [(homing.options.v1.items_max) = 10000];
          // Status to end with after the parts; OK or absent means success.
          homing.rpc.v1.Status response_status = 2;
          // Sent back in each part where its `payload_bytes` is 0.
          bytes payload = 3;
        }
        """)
    let everything = try await source("homing.echo.v1.Everything")
    #expect(everything.contains("  optional int32 optional_int32 = 20;"))
    #expect(everything.contains("  repeated int32 unpacked_list = 39 [packed = false];"))
    #expect(everything.contains("  oneof choice {\n    string choice_text = 50;\n"))
    #expect(
      everything.contains(
        "    // Negative numbers are legal for enums and take ten bytes on the wire.\n"
          + "    MOOD_ODD = -1;"
      ))
    #expect(!everything.contains("_optional_int32"))
  }

  @Test func `A method is printed with its messages, and its template is taken`() async throws {
    let description = try await Description.of("homing.echo.v1.Echo/ClientStream", by: reflection)
    #expect(
      description.source.joined(separator: "\n").hasPrefix(
        """
        // Answers the sum of the payload sizes received.
        rpc ClientStream(stream ClientStreamRequest) returns (ClientStreamResponse) {
          option (homing.options.v1.roles) = "peer";
        }

        message ClientStreamRequest {
        """))
    #expect(
      description.lines.suffix(4) == [
        "// Request as JSON, for homing call:", "{", "  \"payload\": \"\"", "}",
      ])
    let dotted = try await Description.of("homing.echo.v1.Echo.ClientStream", by: reflection)
    #expect(dotted.source == description.source)
    #expect(description.json["template"] == ["payload": ""])
    #expect(description.json["file"] == "homing/echo/v1/echo.proto")
  }

  @Test func `Services and enums are printed`() async throws {
    let service = try await source("homing.health.v1.Health")
    #expect(
      service.contains(
        "  rpc Watch(CheckRequest) returns (stream CheckResponse) {\n"
          + "    option idempotency_level = NO_SIDE_EFFECTS;"
      ))
    #expect(
      try await source("homing.echo.v1.EventKind").hasPrefix(
        "enum EventKind {\n  EVENT_KIND_UNSPECIFIED = 0;"))
  }

  @Test func `Every template of the contract is taken by the method it is for`() throws {
    let schema = try ContractFixture.schema()
    var count = 0
    for file in schema.pool.files {
      for service in file.services {
        for method in service.methods {
          let method = try DynamicMethod(method, schema)
          let template = RequestTemplate.json(method.request, schema)
          _ = try DynamicMessage(json: template, method.request, schema)
          count += 1
        }
      }
    }
    #expect(count >= 15)
  }

  @Test(arguments: [
    (
      "homing.echo.v1.Ecko",
      "here:1 knows no service, method, message or enum \"homing.echo.v1.Ecko\"; "
        + "did you mean \"homing.echo.v1.Echo\"?"
    ),
    (
      "homing.echo.v1.Echo/Unnary",
      "homing.echo.v1.Echo has no method \"Unnary\"; did you mean \"Unary\"?"
    ),
    (
      "homing.echo.v1.Ecko/Unary",
      "here:1 serves no service \"homing.echo.v1.Ecko\"; did you mean \"homing.echo.v1.Echo\"?"
    ),
    ("x/", "the method must be SERVICE/METHOD, such as homing.echo.v1.Echo/Unary, is \"x/\""),
  ])
  func `A misspelt name is answered with the nearest`(
    _ symbol: String, _ complaint: String
  ) async throws {
    let error = await #expect(throws: CommandError.self) {
      try await Description.of(symbol, by: reflection)
    }
    #expect(error?.kind == .usage && error?.message == complaint)
  }

  @Test func `A comment's first sentence sums it up`() {
    #expect(SymbolText.summary("One two.\nThree.") == "One two.")
    #expect(SymbolText.summary("") == "")
    #expect(SymbolText.short("a.b.C", near: "a.b.S") == "C")
    #expect(SymbolText.short("x.b.C", near: "a.b.S") == "x.b.C")
  }
}
