internal import Descriptors

/// How a message is printed.
package struct JSONOptions: Sendable {
  /// Whether fields without presence are printed at their default too, and empty lists.
  package var emitsDefaults = false
  package init(emitsDefaults: Bool = false) { self.emitsDefaults = emitsDefaults }
}

extension DynamicMessage {
  /// The message by protobuf's JSON mapping, fields in the order of their numbers.
  ///
  /// - Throws: for a Timestamp or Duration outside its range, which has no JSON form.
  package func json(_ options: JSONOptions = JSONOptions()) throws(DynamicError) -> JSONValue {
    if let wellKnown = try WellKnown(type) { return .string(try wellKnown.text(self)) }
    var members: [JSONMember] = []
    for field in type.fields {
      do throws(DynamicError) {
        if let value = self[field] {
          members.append(JSONMember(field.jsonName, try json(value, field, options)))
        } else if options.emitsDefaults && !field.hasPresence {
          members.append(JSONMember(field.jsonName, try defaultJSON(field, options)))
        }
      } catch {
        throw error.inside(field.name)
      }
    }
    return .object(members)
  }

  private func defaultJSON(
    _ field: FieldDescriptor, _ options: JSONOptions
  ) throws(DynamicError) -> JSONValue {
    guard !field.isRepeated, let value = field.defaultValue else { return [] }
    return try json(value, field, options)
  }

  private func json(
    _ value: DynamicValue, _ field: FieldDescriptor, _ options: JSONOptions
  ) throws(DynamicError) -> JSONValue {
    switch value {
    case .bool(let flag): .bool(flag)
    case .int(let number): field.is64Bit ? .string("\(number)") : .number("\(number)")
    case .uint(let number): field.is64Bit ? .string("\(number)") : .number("\(number)")
    case .float(let number): NumberText.json(number)
    case .double(let number): NumberText.json(number)
    case .string(let text): .string(text)
    case .bytes(let bytes): .string(Base64.text(bytes))
    case .enumeration(let number):
      // A number that this declaration does not know stays a number.
      schema.enumeration(of: field).value(number).map { .string($0.name) } ?? .number("\(number)")
    case .message(let message): try message.json(options)
    case .list(let list): .array(try elements(list, field, options))
    }
  }

  private func elements(
    _ list: [DynamicValue], _ field: FieldDescriptor, _ options: JSONOptions
  ) throws(DynamicError) -> [JSONValue] {
    var elements: [JSONValue] = []
    for (index, value) in list.enumerated() {
      do throws(DynamicError) {
        elements.append(try json(value, field, options))
      } catch {
        throw error.inside(at: index)
      }
    }
    return elements
  }
}

extension FieldDescriptor {
  /// Integers that JSON writes as strings, since many readers keep only 53 bits.
  fileprivate var is64Bit: Bool {
    switch kind {
    case .int64, .uint64, .sint64, .fixed64, .sfixed64: true
    default: false
    }
  }
}
