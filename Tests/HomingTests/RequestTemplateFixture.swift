internal import DynamicMessages

@testable internal import Homing

/// So that suites about messages need not import the command line.
enum RequestTemplateFixture {
  static func json(_ type: MessageType, _ schema: Schema) -> JSONValue {
    RequestTemplate.json(type, schema)
  }
}
