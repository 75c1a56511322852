/// A service: google.protobuf.ServiceDescriptorProto as a value.
package struct ServiceDescriptor: Hashable, Sendable {
  package var name = ""
  /// Such as `homing.echo.v1.Echo`.
  package var fullName = ""
  package var methods: [MethodDescriptor] = []
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
      if tag.number == 2 && tag.wireType == .lengthDelimited {
        let inner = scope.inner(fullName, 2, methods.count)
        methods.append(try MethodDescriptor(try reader.nested(), inner))
      } else {
        try reader.skip(tag)
      }
    }
  }
}

/// A method: google.protobuf.MethodDescriptorProto as a value.
package struct MethodDescriptor: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    case unary, clientStreaming, serverStreaming, bidirectional
  }

  package enum IdempotencyLevel: UInt64, Hashable, Sendable {
    case unknown = 0
    case noSideEffects = 1
    case idempotent = 2
  }

  package var name = ""
  /// Such as `homing.echo.v1.Echo.Unary`.
  package var fullName = ""
  /// As a frame names it: `homing.echo.v1.Echo/Unary`.
  package var path = ""
  /// Full names of the messages, without a leading dot.
  package var inputType = ""
  package var outputType = ""
  package var kind = Kind.unary
  package var idempotency = IdempotencyLevel.unknown
  /// From the option `homing.options.v1.roles`; empty admits nobody.
  package var roles: [String] = []
  package var comment = ""
  /// Counted from 1; 0 where the descriptor does not say.
  package var line = 0

  init(_ bytes: WireReader, _ scope: Scope) throws(DescriptorError) {
    comment = scope.comment
    line = scope.line
    var streamsRequests = false
    var streamsAnswers = false
    var reader = bytes
    while let tag = try reader.next() {
      switch (tag.number, tag.wireType) {
      case (1, .lengthDelimited): name = try reader.text()
      case (2, .lengthDelimited): inputType = FieldDescriptor.plain(try reader.text())
      case (3, .lengthDelimited): outputType = FieldDescriptor.plain(try reader.text())
      case (4, .lengthDelimited): try readOptions(try reader.nested())
      case (5, .varint): streamsRequests = try reader.varint() != 0
      case (6, .varint): streamsAnswers = try reader.varint() != 0
      default: try reader.skip(tag)
      }
    }
    fullName = scope.fullName(name)
    path = scope.name + "/" + name
    kind =
      streamsRequests
      ? (streamsAnswers ? .bidirectional : .clientStreaming)
      : (streamsAnswers ? .serverStreaming : .unary)
  }

  private mutating func readOptions(_ bytes: WireReader) throws(DescriptorError) {
    var reader = bytes
    while let tag = try reader.next() {
      switch (tag.number, tag.wireType) {
      case (34, .varint): idempotency = IdempotencyLevel(rawValue: try reader.varint()) ?? .unknown
      case (50001, .lengthDelimited): roles.append(try reader.text())
      default: try reader.skip(tag)
      }
    }
  }
}
