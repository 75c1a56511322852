internal import Testing

@testable internal import Generator

@Suite struct RulesTests {
  private static let option = "homing.options.v1"

  /// A field's declaration, and what must be said about it behind its name.
  @Test(arguments: [
    (
      "map<string, string> f = 1;",
      "map fields are not supported; use a repeated message with a key"
    ),
    (
      "bool f = 1 [(\(option).required) = true];",
      "required on a bool would forbid false; make it optional"
    ),
    ("oneof o { string f = 1 [(\(option).required) = true]; }", "required on a member of a oneof"),
    ("int32 f = 1 [(\(option).bytes_max) = 5];", "bytes_max on a field without bytes"),
    ("string f = 1 [(\(option).bytes_max) = 0];", "bytes_max of 0"),
    ("string f = 1 [(\(option).items_max) = 5];", "items_max on a field that is not repeated"),
    ("repeated string f = 1 [(\(option).items_max) = 0];", "items_max of 0"),
    ("bytes f = 1 [(\(option).store) = true];", "store on something else than a plain string"),
    (
      "repeated string f = 1 [(\(option).store) = true];",
      "store on something else than a plain string"
    ),
    (
      "optional string f = 1 [(\(option).store) = true];",
      "store on something else than a plain string"
    ),
  ])
  func `An option or a shape that cannot be kept is refused with file and line`(
    field: String, reason: String
  ) throws {
    let faults = try ProtoCompiler.refusal("message M {\n\(field)\n}")
    #expect(faults == ["homing/test/v1/test.proto:5: homing.test.v1.M.f: \(reason)"])
  }

  @Test func `Proto2 and its groups are refused`() throws {
    let faults = try ProtoCompiler.refusal(
      "message M { required int32 a = 1; optional group G = 2 {} }", syntax: "proto2")
    #expect(faults.contains { $0.hasSuffix("syntax must be proto3") })
    #expect(
      faults.contains { $0.hasSuffix("homing.test.v1.M.a: proto2's required is not supported") })
    #expect(faults.contains { $0.hasSuffix("homing.test.v1.M.g: groups are not supported") })
  }

  @Test func `A message that contains itself is refused with the way round`() throws {
    let direct = try ProtoCompiler.refusal("message M { M again = 1; }")
    #expect(
      direct == [
        "homing/test/v1/test.proto:4: homing.test.v1.M: contains itself: "
          + "homing.test.v1.M → homing.test.v1.M"
      ])
    let far = try ProtoCompiler.refusal(
      "message A { repeated B b = 1; }\nmessage B { oneof o { C d = 1; } }\nmessage C { A a = 1; }")
    #expect(far.count == 3)
    #expect(
      far[0].hasSuffix(
        "homing.test.v1.A: contains itself: "
          + "homing.test.v1.A → homing.test.v1.B → homing.test.v1.C → homing.test.v1.A"))
  }

  @Test func `Nesting past what a decoder may refuse is refused here`() throws {
    let chain = (0..<33).map { "message M\($0) { M\($0 + 1) next = 1; }" } + ["message M33 {}"]
    let faults = try ProtoCompiler.refusal(chain.joined(separator: "\n"))
    #expect(faults.first?.hasSuffix("homing.test.v1.M0: nests 34 deep, over 32") == true)
    #expect(faults.count == 2)
  }

  @Test func `A message with more fields than the scan has bits is refused`() throws {
    let fields = (1...65).map { "int32 f\($0) = \($0);" }.joined(separator: " ")
    let faults = try ProtoCompiler.refusal("message M { \(fields) }")
    #expect(faults == ["homing/test/v1/test.proto:4: homing.test.v1.M: has more than 64 fields"])
  }

  @Test func `A second store field is refused`() throws {
    let faults = try ProtoCompiler.refusal(
      """
      message M {
        string a = 1 [(homing.options.v1.store) = true];
        string b = 2 [(homing.options.v1.store) = true];
      }
      service S { rpc Do(M) returns (M); }
      """)
    #expect(
      faults == [
        "homing/test/v1/test.proto:6: homing.test.v1.M: more than one field has the option store"
      ])
  }

  @Test func `A store field where nothing would check it is refused`() throws {
    let faults = try ProtoCompiler.refusal(
      """
      message Inner { string store = 1 [(homing.options.v1.store) = true]; }
      message M { Inner inner = 1; }
      service S { rpc Do(M) returns (M); }
      """)
    #expect(faults.count == 1)
    #expect(faults[0].hasSuffix("so nothing would check it"))
  }

  @Test(arguments: [
    ("string kind = 1; oneof Kind { string x = 2; }", "kind and Kind are both kind in Swift"),
    ("enum Kind { K = 0; } oneof kind { string x = 2; }", "Kind and kind are both Kind in Swift"),
    ("string self = 1;", "self is self in Swift, which is taken"),
    ("string c = 1;", "c is c in Swift, which is taken"),
    ("string hash_value = 1;", "hash_value is hashValue in Swift, which is taken"),
  ])
  func `Names that meet in Swift are refused`(body: String, reason: String) throws {
    let faults = try ProtoCompiler.refusal("message M { \(body) }")
    #expect(faults.count == 1)
    #expect(faults.first?.hasSuffix(reason) == true, "\(faults)")
  }

  @Test func `Fields, enum values, methods and types that meet in Swift are refused`() throws {
    // protoc itself refuses most of these for proto3, which is not to be relied on.
    let values = try ProtoCompiler.refusal(
      "enum Kind { KIND_A_B = 0; KIND_A__B = 1; }", syntax: "proto2")
    #expect(values.contains { $0.hasSuffix("KIND_A_B and KIND_A__B are both aB in Swift") })
    let fields = try ProtoCompiler.refusal(
      "message M { optional string cart_id = 1; optional string cart_ID = 2; }", syntax: "proto2")
    #expect(fields.contains { $0.hasSuffix("cart_id and cart_ID are both cartID in Swift") })
    let methods = try ProtoCompiler.refusal(
      "message M {} service S { rpc Do(M) returns (M); rpc do(M) returns (M); }")
    #expect(methods.first?.hasSuffix("Do and do are both do in Swift") == true)
    let types = try ProtoCompiler.refusal(
      "message SClient {} service S { rpc Do(SClient) returns (SClient); }")
    #expect(types.first?.contains("SClient is made twice in Swift") == true)
  }

  @Test func `Types without generated code and extensions elsewhere are refused`() throws {
    let any = try ProtoCompiler.refusal(
      "import \"google/protobuf/empty.proto\";\nmessage M { google.protobuf.Empty e = 1; }")
    #expect(
      any == [
        "homing/test/v1/test.proto:5: homing.test.v1.M.e: "
          + "no code is generated for google.protobuf.Empty"
      ])
    let extended = try ProtoCompiler.refusal(
      "import \"google/protobuf/descriptor.proto\";\n"
        + "extend google.protobuf.FieldOptions { bool mine = 50999; }\n"
        + "message M { int32 a = 1 [(mine) = true]; }")
    #expect(extended.contains { $0.hasSuffix("extensions belong into homing/options/v1") })
    #expect(extended.contains { $0.hasSuffix("homing.test.v1.M.a: option 50999 is not known") })
  }

  @Test func `An enum that does not begin with 0 is refused`() throws {
    // protoc refuses it for proto3 by itself; a descriptor from elsewhere may still have it.
    let faults = try ProtoCompiler.refusal("enum E { E_A = 1; }", syntax: "proto2")
    #expect(faults.contains { $0.hasSuffix("the first value of an enum must be 0, unspecified") })
  }

  @Test func `Packages that meet in Swift are refused`() throws {
    let faults = try ProtoCompiler.refusal(files: [
      "homing/a_b/v1/x.proto": "syntax = \"proto3\"; package homing.a_b.v1; message M {}",
      "homing/ab/v1/x.proto": "syntax = \"proto3\"; package homing.a.b.v1; message M {}",
    ])
    #expect(faults.first?.contains("are both ABV1 in Swift") == true)
  }

  @Test func `Sound files have no faults`() throws {
    let faults = try ProtoCompiler.refusal(
      """
      message Request { string store = 1 [(homing.options.v1.store) = true]; Answer a = 2; }
      message Answer { optional bool b = 1 [(homing.options.v1.required) = true]; }
      service S { rpc Do(stream Request) returns (Answer); }
      """)
    #expect(faults == [])
  }
}
