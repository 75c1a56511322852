internal import Descriptors
internal import DynamicMessages

/// A request as JSON with every field at a value of its type, for a person to fill in.
///
/// Of a oneof only the first member stands in it, of a list one element; `homing call` takes the
/// result as it is.
struct RequestTemplate {
  private let schema: Schema

  static func json(_ type: MessageType, _ schema: Schema) -> JSONValue {
    RequestTemplate(schema: schema).message(type, depth: 1)
  }

  private func message(_ type: MessageType, depth: Int) -> JSONValue {
    switch type.fullName {
    case "google.protobuf.Timestamp": return "1970-01-01T00:00:00Z"
    case "google.protobuf.Duration": return "0s"
    default: break
    }
    var oneofs: Set<Int> = []
    var members: [JSONMember] = []
    for field in type.fields {
      if let oneof = field.declaredOneof, !oneofs.insert(oneof).inserted { continue }
      guard let value = value(field, depth: depth) else { continue }
      members.append(JSONMember(field.jsonName, field.isRepeated ? .array([value]) : value))
    }
    return .object(members)
  }

  /// Nil where the message would nest deeper than JSON may.
  private func value(_ field: FieldDescriptor, depth: Int) -> JSONValue? {
    switch field.kind {
    case .string, .bytes: return ""
    case .bool: return false
    case .int64, .uint64, .sint64, .fixed64, .sfixed64: return "0"
    case .enum:
      let values = schema.pool.enumeration(named: field.typeName)?.values ?? []
      // The zero is "unspecified", which says nothing.
      return (values.first { $0.number != 0 } ?? values.first).map { .string($0.name) }
    case .message, .group:
      let isTooDeep = depth + (field.isRepeated ? 2 : 1) > JSONReader.depthMax
      guard !isTooDeep, let type = try? schema.message(named: field.typeName),
        !type.descriptor.isMapEntry
      else { return nil }
      return message(type, depth: depth + (field.isRepeated ? 2 : 1))
    default: return 0
    }
  }
}
