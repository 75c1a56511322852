package import Descriptors

/// A message whose declaration became known at run time: what is set, by field number.
package struct DynamicMessage: Sendable {
  package let type: MessageType
  let schema: Schema
  /// A field without presence that is at its default is not here, nor is an empty list.
  private(set) var values: [Int: DynamicValue] = [:]

  package init(_ type: MessageType, _ schema: Schema) {
    self.type = type
    self.schema = schema
  }

  package subscript(field: FieldDescriptor) -> DynamicValue? { values[field.number] }

  /// Sets a field; the other members of its oneof are cleared. A default without presence clears
  /// it.
  mutating func set(_ field: FieldDescriptor, _ value: DynamicValue) {
    if let oneof = field.oneofIndex {
      for member in type.descriptor.members(ofOneof: oneof) { values[member.number] = nil }
    }
    let isAbsent = !field.hasPresence && value.isDefault
    values[field.number] = isAbsent ? nil : value
  }

  /// Takes a message out, so that more can be merged into it without a copy; put it back with
  /// `set`.
  mutating func takeMessage(_ field: FieldDescriptor) -> DynamicMessage? {
    guard case .message(let message)? = values.removeValue(forKey: field.number) else {
      return nil
    }
    return message
  }

  /// Takes a list out, so that it can grow without a copy; put it back with `set`.
  mutating func takeList(_ field: FieldDescriptor) -> [DynamicValue] {
    guard case .list(let list)? = values.removeValue(forKey: field.number) else { return [] }
    return list
  }
}

/// One value of a field. Integers of all widths are held in 64 bits and are within their field's
/// range.
package enum DynamicValue: Sendable {
  case bool(Bool)
  case int(Int64)
  case uint(UInt64)
  case float(Float)
  case double(Double)
  case string(String)
  case bytes([UInt8])
  case enumeration(Int32)
  case message(DynamicMessage)
  case list([DynamicValue])

  /// Whether a field without presence at this value is as good as absent. -0.0 is not.
  var isDefault: Bool {
    switch self {
    case .bool(let value): !value
    case .int(let value): value == 0
    case .uint(let value): value == 0
    case .float(let value): value.bitPattern == 0
    case .double(let value): value.bitPattern == 0
    case .string(let value): value.utf8.isEmpty
    case .bytes(let value): value.isEmpty
    case .enumeration(let value): value == 0
    case .message: false
    case .list(let value): value.isEmpty
    }
  }
}

extension FieldDescriptor {
  /// Whether absent and default are told apart: messages, members of a oneof, `optional`.
  package var hasPresence: Bool { !isRepeated && (kind == .message || oneofIndex != nil) }

  /// The value of an absent singular field; nil for a message.
  var defaultValue: DynamicValue? {
    switch kind {
    case .double: .double(0)
    case .float: .float(0)
    case .int64, .int32, .sfixed32, .sfixed64, .sint32, .sint64: .int(0)
    case .uint64, .uint32, .fixed64, .fixed32: .uint(0)
    case .bool: .bool(false)
    case .string: .string("")
    case .bytes: .bytes([])
    case .enum: .enumeration(0)
    case .message, .group: nil
    }
  }
}
