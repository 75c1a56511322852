/// A message of the contract as a value. Generated; see `proto/generate`.
///
/// Values are copied like any struct and hold no C memory. Fields that a peer sent and this version
/// does not know are dropped on decoding.
public protocol Message: Hashable, Sendable {
  /// Every field at its default.
  init()

  /// The protobuf name, such as `homing.echo.v1.CartEvent`.
  static var fullName: String { get }

  /// Reads a message and checks what its options ask of each field.
  ///
  /// - Parameters:
  ///   - bytes: protobuf encoding; may be empty. Not used after the call.
  ///   - arena: memory for the C form; reset by the caller, not by this call.
  /// - Throws: `MessageError` with the path of the field at fault. Trying again does not help.
  static func decode(
    _ bytes: UnsafeRawBufferPointer, in arena: Arena
  ) throws(MessageError) -> Self

  /// Writes the message where `destination` says.
  ///
  /// - Parameters:
  ///   - arena: memory for the C form; reset by the caller, not by this call.
  ///   - destination: called once with the size in bytes; gives that much writable memory.
  /// - Throws: `MessageError.memory` when the arena is full.
  func encode(
    in arena: Arena, into destination: (_ size: Int) -> UnsafeMutableRawPointer
  ) throws(MessageError)
}

/// Writes some message, whose type the caller does not know: `Message.encode` with its value bound.
package typealias MessageEncoding = (
  _ arena: Arena, _ destination: (_ size: Int) -> UnsafeMutableRawPointer
) throws(MessageError) -> Void

extension Message {
  /// Reads a message from bytes of its own. See `decode(_:in:)`; for single messages outside a
  /// loop.
  public init(encoded bytes: [UInt8]) throws(MessageError) {
    let arena = Arena(limit: 8 * max(bytes.count, 1 << 20))
    let result = bytes.withUnsafeBytes { raw in
      Result { () throws(MessageError) -> Self in try Self.decode(raw, in: arena) }
    }
    self = try result.get()
  }

  /// The protobuf encoding as bytes of its own. For single messages outside a loop.
  public func encoded() throws(MessageError) -> [UInt8] {
    try [UInt8](encoding: encode, in: Arena(limit: 1 << 30))
  }
}

extension [UInt8] {
  /// A message's encoding as bytes of its own.
  package init(encoding encode: MessageEncoding, in arena: Arena) throws(MessageError) {
    var size = 0
    var memory = UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1)
    defer { memory.deallocate() }
    try encode(arena) { wanted in
      size = wanted
      memory.deallocate()
      memory = UnsafeMutableRawPointer.allocate(byteCount: Swift.max(wanted, 1), alignment: 1)
      return memory
    }
    self.init(UnsafeRawBufferPointer(start: memory, count: size))
  }
}
