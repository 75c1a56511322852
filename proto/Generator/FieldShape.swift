internal import Descriptors

/// What a field is in Swift and in C.
struct FieldShape {
  let field: FieldDescriptor
  /// The property, in backticks where needed.
  let name: String
  /// Its type without list or optional.
  let base: String
  /// With its namespace, for code outside the namespace's extension.
  let absoluteBase: String
  /// The member of the C struct.
  let c: String
  private let zero: String

  init(_ field: FieldDescriptor, _ package: Contract.Package, _ contract: Contract) {
    self.field = field
    name = Names.quoted(Names.lowerCamel(field.name))
    c = "c.pointee." + Names.cField(field.name)
    switch field.kind {
    case .message, .enum, .group:
      base = contract.relative(field.typeName, in: package)
      absoluteBase = contract.absolute(field.typeName)
      let entry = contract.pool.enumeration(named: field.typeName)
      zero = entry?.values.first.map { "." + Names.enumValue($0.name, of: entry?.name ?? "") } ?? ""
    case .bytes:
      base = "[" + package.outside("UInt8", from: "Swift") + "]"
      absoluteBase = base
      zero = "[]"
    default:
      base = package.outside(FieldShape.scalar(field.kind), from: "Swift")
      absoluteBase = base
      zero = field.kind == .string ? "\"\"" : field.kind == .bool ? "false" : "0"
    }
  }

  private static func scalar(_ kind: FieldDescriptor.Kind) -> String {
    switch kind {
    case .double: "Double"
    case .float: "Float"
    case .int32, .sint32, .sfixed32: "Int32"
    case .int64, .sint64, .sfixed64: "Int64"
    case .uint32, .fixed32: "UInt32"
    case .uint64, .fixed64: "UInt64"
    case .bool: "Bool"
    default: "String"
    }
  }

  var isOptional: Bool { !field.isRepeated && (field.isProto3Optional || field.kind == .message) }

  var type: String { field.isRepeated ? "[\(base)]" : isOptional ? base + "?" : base }

  var defaultValue: String { field.isRepeated ? "[]" : isOptional ? "nil" : zero }

  /// Whether reading it may meet something to refuse.
  var mayThrow: Bool {
    field.isRepeated || field.kind == .message || field.kind == .string || field.kind == .bytes
  }

  /// Whether a proto3 `optional` field is not there, in C.
  var isAbsent: String { "c.pointee._\(field.name.lowercased())_case.rawValue == 0" }

  /// The C struct of a message field.
  var cType: String { Names.cType(field.typeName) }

  /// The member that counts a list.
  var count: String { "c.pointee.n_" + field.name.lowercased() }

  /// What the options ask, as a sentence; empty for nothing.
  var rules: String {
    var parts: [String] = []
    if field.options.isRequired { parts.append("required") }
    if field.options.isStore { parts.append("the store the caller must be granted") }
    if let limit = field.options.itemsMax { parts.append("at most \(limit) elements") }
    if let limit = field.options.bytesMax {
      parts.append("at most \(limit) bytes" + (field.isRepeated ? " each" : ""))
    }
    guard !parts.isEmpty else { return "" }
    return Names.capitalised(parts.joined(separator: ", ")) + "."
  }
}

/// What a message holds in Swift: a field, or a oneof with its members.
enum Member {
  case field(FieldShape)
  case oneof(OneofShape)

  var name: String {
    switch self {
    case .field(let field): field.name
    case .oneof(let oneof): oneof.name
    }
  }

  var type: String {
    switch self {
    case .field(let field): field.type
    case .oneof(let oneof): oneof.type + "?"
    }
  }

  var defaultValue: String {
    switch self {
    case .field(let field): field.defaultValue
    case .oneof: "nil"
    }
  }

  /// In order of declaration; a oneof stands where its first member does.
  static func all(
    of message: MessageDescriptor, _ package: Contract.Package, _ contract: Contract
  ) -> [Member] {
    var seen: Set<Int> = []
    return message.fields.compactMap { field in
      guard let index = field.declaredOneof, message.oneofs.indices.contains(index) else {
        return .field(FieldShape(field, package, contract))
      }
      guard seen.insert(index).inserted else { return nil }
      return .oneof(OneofShape(message, index, package, contract))
    }
  }
}

/// What a oneof is in Swift and in C.
struct OneofShape {
  let name: String
  let type: String
  let comment: String
  let members: [FieldShape]
  /// The member of the C struct that says which is set.
  let c: String

  init(
    _ message: MessageDescriptor, _ index: Int, _ package: Contract.Package, _ contract: Contract
  ) {
    let oneof = message.oneofs[index]
    name = Names.quoted(Names.lowerCamel(oneof.name))
    type = Names.upperCamel(oneof.name)
    comment = oneof.comment
    members = message.members(ofOneof: index).map { FieldShape($0, package, contract) }
    c = "c.pointee." + oneof.name.lowercased() + "_case"
  }

  /// Held by reference: a value is as wide as its widest member, and one of several messages would
  /// make every copy of its owner a copy of hundreds of bytes.
  var isIndirect: Bool { members.count { $0.field.kind == .message } >= 3 }
}
