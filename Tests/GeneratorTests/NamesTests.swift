internal import Testing

@testable internal import Generator

@Suite struct NamesTests {
  @Test(arguments: [
    ("cart_id", "cartID"), ("id", "id"), ("image_url", "imageURL"), ("url_path", "urlPath"),
    ("contact_ids", "contactIDs"), ("sku", "sku"), ("line_sku", "lineSKU"), ("ts_ms", "tsMs"),
    ("int32_value", "int32Value"), ("NOT_SERVING", "notServing"), ("a__b", "aB"),
  ])
  func `Fields are lower camel case with initialisms in capitals`(proto: String, swift: String) {
    #expect(Names.lowerCamel(proto) == swift)
  }

  @Test(arguments: [
    ("EVENT_KIND_CREATED", "EventKind", "created"), ("NOT_SERVING", "ServingStatus", "notServing"),
    ("SMS_STATE_OK", "SMSState", "ok"), ("FORMAT_4X6", "Format", "format4x6"),
    ("MOOD_", "Mood", "mood"), ("CODE_HTTP_URL", "Code", "httpURL"), ("OK", "Code", "ok"),
  ])
  func `Enum values lose the prefix of their enum`(value: String, entry: String, swift: String) {
    #expect(Names.enumValue(value, of: entry) == swift)
  }

  @Test(arguments: [
    ("BidirectionalStream", "bidirectionalStream"), ("Do", "do"), ("URLCheck", "urlCheck"),
    ("GetURL", "getURL"), ("A", "a"),
  ])
  func `Methods begin small`(method: String, swift: String) {
    #expect(Names.lowerFirst(method) == swift)
  }

  @Test(arguments: [
    ("homing.echo.v1", "EchoV1"), ("homing.cart_tracker.v1", "CartTrackerV1"),
    ("google.protobuf", "Protobuf"), ("homing.rpc.v1", "RpcV1"),
  ])
  func `Packages become namespaces`(package: String, namespace: String) {
    #expect(Names.namespace(package) == namespace)
  }

  @Test func `C names are those of protoc-gen-c`() {
    #expect(Names.cType("homing.cart_tracker.v1.CartEvent") == "Homing__CartTracker__V1__CartEvent")
    #expect(
      Names.cFunction("homing.cart_tracker.v1.CartEvent") == "homing__cart_tracker__v1__cart_event")
    #expect(Names.cFunction("homing.x.v1.SMSText") == "homing__x__v1__smstext")
    #expect(Names.cField("default") == "default_")
    #expect(Names.cField("Name") == "name")
    #expect(Names.cField("in") == "`in`")
  }
}
