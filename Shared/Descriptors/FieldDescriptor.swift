/// A field or an extension: google.protobuf.FieldDescriptorProto as a value.
package struct FieldDescriptor: Hashable, Sendable {
  /// protobuf's types with their numbers.
  package enum Kind: Int, Hashable, Sendable {
    case double = 1
    case float, int64, uint64, int32, fixed64, fixed32, bool, string, group, message, bytes
    case uint32, `enum`, sfixed32, sfixed64, sint32, sint64
  }

  package enum Label: Int, Hashable, Sendable {
    case optional = 1
    case required = 2
    case repeated = 3
  }

  package var name = ""
  package var fullName = ""
  package var number = 0
  package var kind = Kind.message
  package var label = Label.optional
  /// Full name of the message or enum, without a leading dot; empty for other kinds.
  package var typeName = ""
  /// Full name of the message that an extension extends; else empty.
  package var extendee = ""
  /// In `MessageDescriptor.oneofs`; also set for a proto3 `optional` field.
  package var oneofIndex: Int?
  package var isProto3Optional = false
  /// Whether a list is written packed: by its option, else as its syntax has it by default.
  package var isPacked = false
  /// The name in JSON.
  package var jsonName = ""
  package var options = FieldOptions()
  package var comment = ""
  /// Counted from 1; 0 where the descriptor does not say.
  package var line = 0

  package var isRepeated: Bool { label == .repeated }

  /// The oneof of the source text; nil for the one that protoc makes up for `optional`.
  package var declaredOneof: Int? { isProto3Optional ? nil : oneofIndex }

  init(_ bytes: WireReader, _ scope: Scope) throws(DescriptorError) {
    comment = scope.comment
    line = scope.line
    var reader = bytes
    while let tag = try reader.next() {
      switch (tag.number, tag.wireType) {
      case (1, .lengthDelimited): name = try reader.text()
      case (2, .lengthDelimited): extendee = FieldDescriptor.plain(try reader.text())
      case (3, .varint): number = Int(truncatingIfNeeded: try reader.varint())
      case (4, .varint):
        let value = try reader.varint()
        guard let known = Label(rawValue: Int(truncatingIfNeeded: value)) else {
          throw DescriptorError(.malformed, "\(value) is no label")
        }
        label = known
      case (5, .varint):
        let value = try reader.varint()
        guard let known = Kind(rawValue: Int(truncatingIfNeeded: value)) else {
          throw DescriptorError(.malformed, "\(value) is no field type")
        }
        kind = known
      case (6, .lengthDelimited): typeName = FieldDescriptor.plain(try reader.text())
      case (8, .lengthDelimited): options = try FieldOptions(try reader.nested())
      case (9, .varint): oneofIndex = Int(truncatingIfNeeded: try reader.varint())
      case (10, .lengthDelimited): jsonName = try reader.text()
      case (17, .varint): isProto3Optional = try reader.varint() != 0
      default: try reader.skip(tag)
      }
    }
    fullName = scope.fullName(name)
    isPacked = isRepeated && isPackable && (options.packed ?? scope.isProto3)
    if jsonName.isEmpty { jsonName = FieldDescriptor.jsonName(of: name) }
  }

  private var isPackable: Bool {
    switch kind {
    case .string, .bytes, .message, .group: false
    default: true
    }
  }

  static func plain(_ reference: String) -> String {
    reference.first == "." ? String(reference.dropFirst()) : reference
  }

  /// protobuf's rule: an underscore goes and raises the letter behind it.
  private static func jsonName(of name: String) -> String {
    var result = ""
    var raisesNext = false
    for character in name {
      if character == "_" {
        raisesNext = true
      } else {
        result += raisesNext ? character.uppercased() : String(character)
        raisesNext = false
      }
    }
    return result
  }
}

/// What the options of `homing.options.v1` ask of a field, and protobuf's own that matter here.
package struct FieldOptions: Hashable, Sendable {
  package var packed: Bool?
  package var isDeprecated = false
  package var isRequired = false
  /// Nil where there is no limit.
  package var bytesMax: Int?
  package var itemsMax: Int?
  package var isStore = false
  /// Numbers of custom options that this version does not know.
  package var unknown: [Int] = []

  init() {}

  init(_ bytes: WireReader) throws(DescriptorError) {
    var reader = bytes
    while let tag = try reader.next() {
      switch (tag.number, tag.wireType) {
      case (2, .varint): packed = try reader.varint() != 0
      case (3, .varint): isDeprecated = try reader.varint() != 0
      case (50011, .varint): isRequired = try reader.varint() != 0
      case (50012, .varint): bytesMax = Int(UInt32(truncatingIfNeeded: try reader.varint()))
      case (50013, .varint): itemsMax = Int(UInt32(truncatingIfNeeded: try reader.varint()))
      case (50014, .varint): isStore = try reader.varint() != 0
      default:
        if tag.number >= 1000 { unknown.append(tag.number) }
        try reader.skip(tag)
      }
    }
  }
}
