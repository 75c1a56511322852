package import Descriptors

/// Declarations that came from a peer, checked so far that reading and writing by them is safe:
/// numbers are in range, every type that a field names is there.
package final class Schema: Sendable {
  package let pool: DescriptorPool
  private let types: [String: MessageType]

  /// - Parameter files: serialised FileDescriptorProtos, each file once.
  package init(serializedFiles files: [[UInt8]]) throws(DynamicError) {
    do {
      var parsed: [FileDescriptor] = []
      for file in files { parsed.append(try FileDescriptor(serialized: file)) }
      pool = try DescriptorPool(files: parsed)
    } catch {
      throw DynamicError("the descriptors cannot be used: \(error)")
    }
    var types: [String: MessageType] = [:]
    for file in pool.files {
      for message in file.messages { try Schema.collect(message, pool, into: &types) }
    }
    self.types = types
  }

  /// A FileDescriptorSet as `protoc --descriptor_set_out` writes it.
  package convenience init(fileDescriptorSet bytes: [UInt8]) throws(DynamicError) {
    var files: [[UInt8]] = []
    do {
      var reader = WireReader(bytes)
      while let tag = try reader.next() {
        if tag.number == 1 && tag.wireType == .lengthDelimited {
          files.append(Array(try reader.bytes()))
        } else {
          try reader.skip(tag)
        }
      }
    } catch {
      throw DynamicError("the descriptors cannot be used: \(error)")
    }
    try self.init(serializedFiles: files)
  }

  package func message(named fullName: String) throws(DynamicError) -> MessageType {
    guard let type = types[fullName] else {
      throw DynamicError("no message \(fullName) is declared")
    }
    return type
  }

  /// The declaration of an enum field's type; there by the check at the start.
  func enumeration(of field: FieldDescriptor) -> EnumDescriptor {
    pool.enumeration(named: field.typeName)!
  }

  private static func collect(
    _ message: MessageDescriptor, _ pool: DescriptorPool, into types: inout [String: MessageType]
  ) throws(DynamicError) {
    types[message.fullName] = try MessageType(message, pool)
    for inner in message.messages { try collect(inner, pool, into: &types) }
  }
}

/// One message declaration with its fields in the order of their numbers.
package final class MessageType: Sendable {
  package let descriptor: MessageDescriptor
  /// By rising number.
  package let fields: [FieldDescriptor]
  private let indexByNumber: [Int: Int]
  private let indexByName: [String: Int]

  package var fullName: String { descriptor.fullName }

  fileprivate init(
    _ descriptor: MessageDescriptor, _ pool: DescriptorPool
  ) throws(DynamicError) {
    self.descriptor = descriptor
    fields = descriptor.fields.sorted { $0.number < $1.number }
    var byNumber: [Int: Int] = [:]
    var byName: [String: Int] = [:]
    for (index, field) in fields.enumerated() {
      try MessageType.check(field, of: descriptor, pool)
      guard byNumber.updateValue(index, forKey: field.number) == nil else {
        throw DynamicError("\(descriptor.fullName) declares field number \(field.number) twice")
      }
      for name in Set([field.name, field.jsonName]) {
        guard byName.updateValue(index, forKey: name) == nil else {
          throw DynamicError("\(descriptor.fullName) declares the field name \(name) twice")
        }
      }
    }
    indexByNumber = byNumber
    indexByName = byName
  }

  func field(_ number: Int) -> FieldDescriptor? { indexByNumber[number].map { fields[$0] } }

  /// - Parameter name: as declared, or in JSON's lowerCamelCase.
  func field(named name: String) -> FieldDescriptor? {
    // Names are ASCII. Other text is never one, though Swift may call it equal: it compares by
    // canonical equivalence, in which the Kelvin sign is a K.
    guard name.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
    return indexByName[name].map { fields[$0] }
  }

  private static func check(
    _ field: FieldDescriptor, of message: MessageDescriptor, _ pool: DescriptorPool
  ) throws(DynamicError) {
    guard (1..<1 << 29).contains(field.number) else {
      throw DynamicError("\(field.fullName) has the number \(field.number), outside 1 to 2^29 - 1")
    }
    if let oneof = field.oneofIndex, !message.oneofs.indices.contains(oneof) {
      throw DynamicError("\(field.fullName) is in a oneof that is not declared")
    }
    switch field.kind {
    case .group:
      throw DynamicError("\(field.fullName) is a group, which the contract does not use")
    case .message:
      guard pool.message(named: field.typeName) != nil else {
        throw DynamicError("\(field.fullName) has the type \(field.typeName), which is missing")
      }
    case .enum:
      guard pool.enumeration(named: field.typeName) != nil else {
        throw DynamicError("\(field.fullName) has the type \(field.typeName), which is missing")
      }
    default:
      break
    }
  }
}
