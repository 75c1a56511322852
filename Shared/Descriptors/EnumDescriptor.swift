/// An enum: google.protobuf.EnumDescriptorProto as a value.
package struct EnumDescriptor: Hashable, Sendable {
  package struct Value: Hashable, Sendable {
    /// As declared, such as `EVENT_KIND_CREATED`.
    package var name = ""
    package var number: Int32 = 0
    package var comment = ""
  }

  package var name = ""
  package var fullName = ""
  package var values: [Value] = []
  package var comment = ""
  /// Counted from 1; 0 where the descriptor does not say.
  package var line = 0

  init(_ bytes: WireReader, _ scope: Scope) throws(DescriptorError) {
    comment = scope.comment
    line = scope.line
    var reader = bytes
    while let tag = try reader.next() {
      switch (tag.number, tag.wireType) {
      case (1, .lengthDelimited): name = try reader.text()
      case (2, .lengthDelimited):
        values.append(try Value(try reader.nested(), scope.inner("", 2, values.count)))
      default: try reader.skip(tag)
      }
    }
    fullName = scope.fullName(name)
  }

  /// The first value with this number.
  package func value(_ number: Int32) -> Value? { values.first { $0.number == number } }

  package func value(named name: String) -> Value? { values.first { $0.name == name } }
}

extension EnumDescriptor.Value {
  init(_ bytes: WireReader, _ scope: Scope) throws(DescriptorError) {
    comment = scope.comment
    var reader = bytes
    while let tag = try reader.next() {
      switch (tag.number, tag.wireType) {
      case (1, .lengthDelimited): name = try reader.text()
      case (2, .varint): number = Int32(truncatingIfNeeded: try reader.varint())
      default: try reader.skip(tag)
      }
    }
  }
}
