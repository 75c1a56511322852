internal import Descriptors

extension DynamicMessage {
  /// Reads a message by protobuf's JSON mapping. Unknown fields, two members of one oneof and a
  /// field under both of its names are refused, with the path of the field at fault.
  package init(
    json: JSONValue, _ type: MessageType, _ schema: Schema
  ) throws(DynamicError) {
    if let wellKnown = try WellKnown(type) {
      guard case .string(let text) = json else {
        throw DynamicError("must be a string, is \(json.kind)")
      }
      self = try wellKnown.message(text, type, schema)
      return
    }
    guard case .object(let members) = json else {
      throw DynamicError("\(type.fullName) must be an object, is \(json.kind)")
    }
    self.init(type, schema)
    var given: [Int: String] = [:]
    var chosen: [Int: String] = [:]
    for member in members {
      guard let field = type.field(named: member.name) else {
        let names = type.fields.map(\.jsonName)
        let hint = NearestName.hint(for: member.name, in: names)
        throw DynamicError("\(type.fullName) has no such field\(hint)", path: member.name)
      }
      if let earlier = given.updateValue(member.name, forKey: field.number) {
        throw DynamicError("is given twice, also as \"\(earlier)\"", path: member.name)
      }
      if member.value == .null { continue }
      if let oneof = field.declaredOneof {
        if let other = chosen.updateValue(member.name, forKey: oneof) {
          let name = type.descriptor.oneofs[oneof].name
          throw DynamicError(
            "only one of \"\(name)\" may be set, \"\(other)\" is set too", path: member.name)
        }
      }
      do throws(DynamicError) {
        set(field, try DynamicMessage.value(member.value, field, schema))
      } catch {
        throw error.inside(field.name)
      }
    }
  }

  private static func value(
    _ json: JSONValue, _ field: FieldDescriptor, _ schema: Schema
  ) throws(DynamicError) -> DynamicValue {
    guard field.isRepeated else { return try element(json, field, schema) }
    if field.kind == .message {
      // A map is refused as what it is, not as a list that it is not.
      _ = try WellKnown(try schema.message(named: field.typeName))
    }
    guard case .array(let elements) = json else {
      throw DynamicError("must be a list, is \(json.kind)")
    }
    var list: [DynamicValue] = []
    for (index, json) in elements.enumerated() {
      do throws(DynamicError) {
        if json == .null { throw DynamicError("must not be null") }
        list.append(try element(json, field, schema))
      } catch {
        throw error.inside(at: index)
      }
    }
    return .list(list)
  }

  private static func element(
    _ json: JSONValue, _ field: FieldDescriptor, _ schema: Schema
  ) throws(DynamicError) -> DynamicValue {
    switch field.kind {
    case .int32, .sint32, .sfixed32:
      .int(Int64(try integer(json, Int32.self)))
    case .int64, .sint64, .sfixed64:
      .int(try integer(json, Int64.self))
    case .uint32, .fixed32:
      .uint(UInt64(try integer(json, UInt32.self)))
    case .uint64, .fixed64:
      .uint(try integer(json, UInt64.self))
    case .float: .float(try floatingPoint(json, Float.self))
    case .double: .double(try floatingPoint(json, Double.self))
    case .bool:
      switch json {
      case .bool(let flag): .bool(flag)
      default: throw DynamicError("must be true or false, is \(json.kind)")
      }
    case .string:
      switch json {
      case .string(let text): .string(text)
      default: throw DynamicError("must be a string, is \(json.kind)")
      }
    case .bytes: .bytes(try bytes(json))
    case .enum: .enumeration(try enumeration(json, schema.enumeration(of: field)))
    case .message, .group:
      .message(try DynamicMessage(json: json, schema.message(named: field.typeName), schema))
    }
  }

  private static func integer<Integer: FixedWidthInteger>(
    _ json: JSONValue, _: Integer.Type
  ) throws(DynamicError) -> Integer {
    let number = try number(json, "an integer")
    if number.hasFraction { throw DynamicError("must be an integer, is \(number.text)") }
    let range = "\(Integer.min) to \(Integer.max)"
    guard let (isNegative, magnitude) = number.integer,
      let value = isNegative
        ? Integer(exactly: -Int128(magnitude)) : Integer(exactly: magnitude)
    else { throw DynamicError("must be from \(range), is \(number.text)") }
    return value
  }

  private static func floatingPoint<Number: BinaryFloatingPoint & LosslessStringConvertible>(
    _ json: JSONValue, _: Number.Type
  ) throws(DynamicError) -> Number {
    switch json {
    case .string("NaN"): return .nan
    case .string("Infinity"): return .infinity
    case .string("-Infinity"): return -.infinity
    default: break
    }
    let number = try number(json, "a number, \"NaN\", \"Infinity\" or \"-Infinity\"")
    guard let value = Number(number.text), value.isFinite else {
      throw DynamicError(
        "must be within ±\(Number.greatestFiniteMagnitude), is \(number.text)")
    }
    return value
  }

  private static func number(
    _ json: JSONValue, _ wanted: String
  ) throws(DynamicError) -> NumberText {
    switch json {
    case .number(let text), .string(let text):
      guard let number = NumberText(text) else {
        throw DynamicError("must be \(wanted), is a string that is no number")
      }
      return number
    default:
      throw DynamicError("must be \(wanted), is \(json.kind)")
    }
  }

  private static func bytes(_ json: JSONValue) throws(DynamicError) -> [UInt8] {
    guard case .string(let text) = json else {
      throw DynamicError("must be base64 in a string, is \(json.kind)")
    }
    guard let bytes = Base64.bytes(text) else { throw DynamicError("is not base64") }
    return bytes
  }

  private static func enumeration(
    _ json: JSONValue, _ type: EnumDescriptor
  ) throws(DynamicError) -> Int32 {
    switch json {
    case .number:
      return try integer(json, Int32.self)
    case .string(let name):
      // ASCII only, for the reason that `MessageType.field(named:)` gives.
      if name.utf8.allSatisfy({ $0 < 0x80 }), let value = type.value(named: name) {
        return value.number
      }
      let hint = NearestName.hint(for: name, in: type.values.map(\.name))
      throw DynamicError("\(type.fullName) has no value \"\(name)\"\(hint)")
    default:
      throw DynamicError("must be the name or number of a \(type.fullName), is \(json.kind)")
    }
  }
}
