internal import Descriptors

extension DynamicMessage {
  /// Reads protobuf encoding. Unknown fields are dropped; a field of another wire type than
  /// declared is refused, since it shows that declaration and peer do not fit.
  package init(
    encoded bytes: [UInt8], _ type: MessageType, _ schema: Schema
  ) throws(DynamicError) {
    self.init(type, schema)
    try merge(WireReader(bytes))
  }

  private mutating func merge(_ bytes: WireReader) throws(DynamicError) {
    var reader = bytes
    while let tag = try DynamicMessage.reading({ () throws(DescriptorError) in try reader.next() })
    {
      guard let field = type.field(tag.number) else {
        try DynamicMessage.reading { () throws(DescriptorError) in try reader.skip(tag) }
        continue
      }
      do throws(DynamicError) {
        try merge(field, tag, &reader)
      } catch {
        throw error.inside(field.name)
      }
    }
  }

  private mutating func merge(
    _ field: FieldDescriptor, _ tag: WireReader.Tag, _ reader: inout WireReader
  ) throws(DynamicError) {
    if field.isRepeated {
      var list = takeList(field)
      try append(to: &list, field, tag, &reader)
      set(field, .list(list))
      return
    }
    try DynamicMessage.reading { () throws(DescriptorError) in
      try reader.expect(field.kind.wireType, tag)
    }
    if field.kind == .message {
      let inner = try DynamicMessage.reading { () throws(DescriptorError) in try reader.nested() }
      let type = try schema.message(named: field.typeName)
      // The same message field twice: the second is merged into the first.
      var message = takeMessage(field) ?? DynamicMessage(type, schema)
      try message.merge(inner)
      set(field, .message(message))
    } else {
      set(field, try DynamicMessage.scalar(field.kind, &reader))
    }
  }

  private func append(
    to list: inout [DynamicValue], _ field: FieldDescriptor, _ tag: WireReader.Tag,
    _ reader: inout WireReader
  ) throws(DynamicError) {
    do throws(DynamicError) {
      if field.kind == .message {
        let inner = try DynamicMessage.reading { () throws(DescriptorError) in
          try reader.expect(.lengthDelimited, tag)
          return try reader.nested()
        }
        var message = DynamicMessage(try schema.message(named: field.typeName), schema)
        try message.merge(inner)
        list.append(.message(message))
      } else if tag.wireType == .lengthDelimited && field.kind.wireType != .lengthDelimited {
        // Packed or not, whatever the declaration says: both must be read.
        let packed = try DynamicMessage.reading { () throws(DescriptorError) in
          try reader.bytes()
        }
        var values = WireReader(packed)
        while !values.isAtEnd { list.append(try DynamicMessage.scalar(field.kind, &values)) }
      } else {
        try DynamicMessage.reading { () throws(DescriptorError) in
          try reader.expect(field.kind.wireType, tag)
        }
        list.append(try DynamicMessage.scalar(field.kind, &reader))
      }
    } catch {
      throw error.inside(at: list.count)
    }
  }

  private static func scalar(
    _ kind: FieldDescriptor.Kind, _ reader: inout WireReader
  ) throws(DynamicError) -> DynamicValue {
    try reading { () throws(DescriptorError) in
      switch kind {
      case .double: .double(Double(bitPattern: try reader.fixed64()))
      case .float: .float(Float(bitPattern: try reader.fixed32()))
      case .int64: .int(Int64(bitPattern: try reader.varint()))
      case .int32: .int(Int64(Int32(truncatingIfNeeded: try reader.varint())))
      case .uint64: .uint(try reader.varint())
      case .uint32: .uint(UInt64(UInt32(truncatingIfNeeded: try reader.varint())))
      case .sint64: .int(unzigzag(try reader.varint()))
      case .sint32: .int(unzigzag(UInt64(UInt32(truncatingIfNeeded: try reader.varint()))))
      case .fixed64: .uint(try reader.fixed64())
      case .fixed32: .uint(UInt64(try reader.fixed32()))
      case .sfixed64: .int(Int64(bitPattern: try reader.fixed64()))
      case .sfixed32: .int(Int64(Int32(bitPattern: try reader.fixed32())))
      case .bool: .bool(try reader.varint() != 0)
      case .enum: .enumeration(Int32(truncatingIfNeeded: try reader.varint()))
      case .string: .string(try reader.text())
      case .bytes: .bytes(Array(try reader.bytes()))
      case .message, .group: preconditionFailure("a message is no scalar")
      }
    }
  }

  private static func unzigzag(_ value: UInt64) -> Int64 {
    Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }

  private static func reading<Result>(
    _ body: () throws(DescriptorError) -> Result
  ) throws(DynamicError) -> Result {
    do { return try body() } catch { throw DynamicError(error.detail) }
  }
}

// MARK: - Writing

extension DynamicMessage {
  /// The protobuf encoding, fields in the order of their numbers.
  package func encoded() -> [UInt8] {
    var writer = WireWriter()
    for field in type.fields {
      guard let value = self[field] else { continue }
      guard case .list(let list) = value else {
        DynamicMessage.write(value, field, &writer)
        continue
      }
      if field.isPacked {
        var packed = WireWriter()
        for element in list { DynamicMessage.writeRaw(element, field.kind, &packed) }
        writer.bytes(field.number, packed.bytes)
      } else {
        for element in list { DynamicMessage.write(element, field, &writer) }
      }
    }
    return writer.bytes
  }

  private static func write(
    _ value: DynamicValue, _ field: FieldDescriptor, _ writer: inout WireWriter
  ) {
    switch value {
    case .string(let text): writer.text(field.number, text)
    case .bytes(let bytes): writer.bytes(field.number, bytes)
    case .message(let message): writer.bytes(field.number, message.encoded())
    default:
      writer.key(field.number, field.kind.wireType)
      writeRaw(value, field.kind, &writer)
    }
  }

  private static func writeRaw(
    _ value: DynamicValue, _ kind: FieldDescriptor.Kind, _ writer: inout WireWriter
  ) {
    switch value {
    case .bool(let flag): writer.rawVarint(flag ? 1 : 0)
    case .float(let number): writer.rawFixed32(number.bitPattern)
    case .double(let number): writer.rawFixed64(number.bitPattern)
    case .enumeration(let number): writer.rawVarint(UInt64(bitPattern: Int64(number)))
    case .int(let number): writeInteger(UInt64(bitPattern: number), kind, &writer)
    case .uint(let number): writeInteger(number, kind, &writer)
    case .string, .bytes, .message, .list:
      preconditionFailure("a value with a length is written with its key")
    }
  }

  private static func writeInteger(
    _ bits: UInt64, _ kind: FieldDescriptor.Kind, _ writer: inout WireWriter
  ) {
    switch kind {
    case .fixed32, .sfixed32: writer.rawFixed32(UInt32(truncatingIfNeeded: bits))
    case .fixed64, .sfixed64: writer.rawFixed64(bits)
    case .sint32, .sint64:
      let value = Int64(bitPattern: bits)
      writer.rawVarint(UInt64(bitPattern: value << 1 ^ value >> 63))
    default: writer.rawVarint(bits)
    }
  }
}

extension FieldDescriptor.Kind {
  /// How one value of this kind stands on the wire.
  var wireType: WireReader.WireType {
    switch self {
    case .double, .fixed64, .sfixed64: .fixed64
    case .float, .fixed32, .sfixed32: .fixed32
    case .string, .bytes, .message: .lengthDelimited
    case .group: .startGroup
    default: .varint
    }
  }
}
