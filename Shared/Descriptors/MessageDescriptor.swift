/// A message: google.protobuf.DescriptorProto as a value.
package struct MessageDescriptor: Hashable, Sendable {
  package var name = ""
  /// Without a leading dot, such as `homing.echo.v1.Everything.Inner`.
  package var fullName = ""
  package var fields: [FieldDescriptor] = []
  /// `FieldDescriptor.oneofIndex` counts here. Those of proto3 `optional` fields, which protoc
  /// makes up, come last.
  package var oneofs: [OneofDescriptor] = []
  package var messages: [MessageDescriptor] = []
  package var enums: [EnumDescriptor] = []
  package var extensions: [FieldDescriptor] = []
  /// Whether protoc made this message up for a `map` field.
  package var isMapEntry = false
  package var comment = ""
  /// Counted from 1; 0 where the descriptor does not say.
  package var line = 0

  init(_ bytes: WireReader, _ scope: Scope) throws(DescriptorError) {
    comment = scope.comment
    line = scope.line
    var reader = bytes
    while let tag = try reader.next() {
      if tag.number == 1 && tag.wireType == .lengthDelimited {
        name = try reader.text()
      } else {
        try reader.skip(tag)
      }
    }
    fullName = scope.fullName(name)
    reader = bytes
    while let tag = try reader.next() {
      guard [2, 3, 4, 6, 7, 8].contains(tag.number) else {
        try reader.skip(tag)
        continue
      }
      try reader.expect(.lengthDelimited, tag)
      try add(tag.number, try reader.nested(), scope)
    }
  }

  private mutating func add(
    _ number: Int, _ reader: WireReader, _ scope: Scope
  ) throws(DescriptorError) {
    switch number {
    case 2:
      fields.append(try FieldDescriptor(reader, scope.inner(fullName, 2, fields.count)))
    case 3:
      messages.append(try MessageDescriptor(reader, scope.inner(fullName, 3, messages.count)))
    case 4:
      enums.append(try EnumDescriptor(reader, scope.inner(fullName, 4, enums.count)))
    case 6:
      extensions.append(try FieldDescriptor(reader, scope.inner(fullName, 6, extensions.count)))
    case 7:
      var options = reader
      while let tag = try options.next() {
        if tag.number == 7 && tag.wireType == .varint {
          isMapEntry = try options.varint() != 0
        } else {
          try options.skip(tag)
        }
      }
    default:
      oneofs.append(try OneofDescriptor(reader, scope.inner(fullName, 8, oneofs.count)))
    }
  }

  /// The fields of one oneof, in order of declaration.
  package func members(ofOneof index: Int) -> [FieldDescriptor] {
    fields.filter { $0.oneofIndex == index }
  }
}

/// Fields of which at most one is set.
package struct OneofDescriptor: Hashable, Sendable {
  package var name = ""
  package var comment = ""

  init(_ bytes: WireReader, _ scope: Scope) throws(DescriptorError) {
    comment = scope.comment
    var reader = bytes
    while let tag = try reader.next() {
      if tag.number == 1 && tag.wireType == .lengthDelimited {
        name = try reader.text()
      } else {
        try reader.skip(tag)
      }
    }
  }
}
