internal import CProtobufC

// What the generated conversions share. C memory is read and written here and in them, nowhere
// else. These functions are small and always inlined: they are the hottest of the project.

/// A message with a C struct made by protoc-gen-c.
///
/// A pointer to a C struct is good until its arena is reset, and never leaves the call it was made
/// in.
protocol CConvertible: Message {
  associatedtype C

  /// Copies the C form, and checks what the options ask.
  init(_ c: UnsafePointer<C>) throws(MessageError)

  /// Writes the C form, with what it points to in `arena`.
  func fill(_ c: UnsafeMutablePointer<C>, in arena: Arena) throws(MessageError)
}

// MARK: From C

extension CConvertible {
  @inline(__always)
  static func optional(
    _ c: UnsafePointer<C>?, _ field: StaticString
  ) throws(MessageError) -> Self? {
    guard let c else { return nil }
    do throws(MessageError) { return try Self(c) } catch { throw error.inside(field) }
  }

  @inline(__always)
  static func required(
    _ c: UnsafePointer<C>?, _ field: StaticString
  ) throws(MessageError) -> Self {
    guard let c else { throw .missing(field) }
    do throws(MessageError) { return try Self(c) } catch { throw error.inside(field) }
  }

  @inline(__always)
  static func list(
    _ c: UnsafeMutablePointer<UnsafeMutablePointer<C>?>?, _ count: Int, _ field: StaticString,
    isRequired: Bool = false, itemsMax: Int = .max
  ) throws(MessageError) -> [Self] {
    let source = try FromC.list(c, count, field, isRequired: isRequired, itemsMax: itemsMax)
    return try FromC.array(count) { (index) throws(MessageError) in
      // protobuf-c leaves no element of a list empty; a check costs less than trust.
      guard let inner = source[index] else { throw .malformed }
      do throws(MessageError) { return try Self(inner) } catch {
        throw error.inside(field, at: index)
      }
    }
  }
}

/// Lists in C memory.
enum FromC {
  /// An array made in one step, without the checks of an append for each element.
  @inline(__always)
  static func array<Element>(
    _ count: Int, _ element: (Int) throws(MessageError) -> Element
  ) throws(MessageError) -> [Element] {
    var values: [Element] = []
    values.reserveCapacity(count)
    for index in 0..<count { values.append(try element(index)) }
    return values
  }

  /// The elements of a list in C memory, their number checked before any array is made.
  @inline(__always)
  static func list<Element>(
    _ c: UnsafeMutablePointer<Element>?, _ count: Int, _ field: StaticString,
    isRequired: Bool = false, itemsMax: Int = .max
  ) throws(MessageError) -> UnsafeBufferPointer<Element> {
    if isRequired && count == 0 { throw .missing(field) }
    if count > itemsMax { throw .tooMany(field, count, limit: itemsMax) }
    return UnsafeBufferPointer(start: c, count: count)
  }

  static func texts(
    _ c: UnsafeMutablePointer<ProtobufCBinaryData>?, _ count: Int, _ field: StaticString,
    isRequired: Bool = false, itemsMax: Int = .max, bytesMax: Int = .max
  ) throws(MessageError) -> [String] {
    let source = try list(c, count, field, isRequired: isRequired, itemsMax: itemsMax)
    return try array(count) { (index) throws(MessageError) in
      do throws(MessageError) { return try source[index].text("", max: bytesMax) } catch {
        throw error.inside(field, at: index)
      }
    }
  }

  static func blobs(
    _ c: UnsafeMutablePointer<ProtobufCBinaryData>?, _ count: Int, _ field: StaticString,
    isRequired: Bool = false, itemsMax: Int = .max, bytesMax: Int = .max
  ) throws(MessageError) -> [[UInt8]] {
    let source = try list(c, count, field, isRequired: isRequired, itemsMax: itemsMax)
    return try array(count) { (index) throws(MessageError) in
      do throws(MessageError) { return try source[index].bytes("", max: bytesMax) } catch {
        throw error.inside(field, at: index)
      }
    }
  }
}

extension ProtobufCBinaryData {
  /// The value as text: its length kept, its UTF-8 checked.
  func text(
    _ field: StaticString, isRequired: Bool = false, max: Int = .max
  ) throws(MessageError) -> String {
    if len == 0 {
      if isRequired { throw .missing(field) }
      return ""
    }
    if len > max { throw .tooLong(field, len, limit: max) }
    // `String(validating:as:)` looks up generic metadata at each call, which costs more than all
    // the rest; this way does not.
    let source = UnsafeBufferPointer(start: UnsafePointer(data), count: len)
    guard let text = try? UTF8Span(validating: source.span) else { throw .invalidText(field) }
    return String(copying: text)
  }

  /// The value as bytes of its own.
  func bytes(
    _ field: StaticString, isRequired: Bool = false, max: Int = .max
  ) throws(MessageError) -> [UInt8] {
    if len == 0 {
      if isRequired { throw .missing(field) }
      return []
    }
    if len > max { throw .tooLong(field, len, limit: max) }
    return [UInt8](UnsafeBufferPointer(start: data, count: len))
  }
}

extension Arena {
  /// The C form of a message, as its generated function makes it.
  @inline(__always)
  func unpack<C>(
    _ function: (
      UnsafeMutablePointer<ProtobufCAllocator>?, Int, UnsafePointer<UInt8>?
    ) -> UnsafeMutablePointer<C>?,
    _ bytes: UnsafeRawBufferPointer
  ) throws(MessageError) -> UnsafeMutablePointer<C> {
    let data = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    guard let message = function(allocator, bytes.count, data) else { throw refusal }
    return message
  }

  /// The C form of a message with fields that protobuf-c does not read well enough by itself.
  @inline(__always)
  func unpackScanned<C>(
    _ function: (
      UnsafeMutablePointer<ProtobufCAllocator>?, Int, UnsafePointer<UInt8>?
    ) -> UnsafeMutablePointer<C>?,
    _ bytes: UnsafeRawBufferPointer
  ) throws(MessageError) -> UnsafeMutablePointer<C> {
    let message = try unpack(function, bytes)
    // Every C message begins with its base.
    try WireScan.check(
      bytes, UnsafeRawPointer(message).assumingMemoryBound(to: ProtobufCMessage.self))
    return message
  }

  /// Why protobuf-c gave no message.
  private var refusal: MessageError { isFull ? full : .malformed }
}

// MARK: To C

extension Arena {
  /// The encoding of a message, written where `destination` says.
  @inline(__always)
  func pack<M: CConvertible>(
    _ message: M, into destination: (_ size: Int) -> UnsafeMutableRawPointer
  ) throws(MessageError) {
    let c = try allocate(M.C.self, count: 1)
    try message.fill(c, in: self)
    // Every C message begins with its base.
    let base = UnsafeRawPointer(c).assumingMemoryBound(to: ProtobufCMessage.self)
    let size = protobuf_c_message_get_packed_size(base)
    let memory = destination(size).assumingMemoryBound(to: UInt8.self)
    let written = protobuf_c_message_pack(base, memory)
    assert(written == size)
  }

  /// The C form of a message that may be absent.
  @inline(__always)
  func copy<M: CConvertible>(_ message: M?) throws(MessageError) -> UnsafeMutablePointer<M.C>? {
    guard let message else { return nil }
    let c = try allocate(M.C.self, count: 1)
    try message.fill(c, in: self)
    return c
  }

  /// The table of pointers that stands for a list of messages in C; nil for none.
  @inline(__always)
  func copy<M: CConvertible>(
    list messages: [M]
  ) throws(MessageError) -> UnsafeMutablePointer<UnsafeMutablePointer<M.C>?>? {
    if messages.isEmpty { return nil }
    let values = try allocate(M.C.self, count: messages.count)
    let table = try allocate(UnsafeMutablePointer<M.C>?.self, count: messages.count)
    for index in messages.indices {
      try messages[index].fill(values + index, in: self)
      (table + index).initialize(to: values + index)
    }
    return table
  }

  func copy(_ text: String) throws(MessageError) -> ProtobufCBinaryData {
    if text.isEmpty { return ProtobufCBinaryData(len: 0, data: nil) }
    let count = text.utf8.count
    let memory = try allocate(UInt8.self, count: count)
    let isCopied: Void? = text.utf8.withContiguousStorageIfAvailable { source in
      memory.update(from: source.baseAddress!, count: count)
    }
    if isCopied == nil {
      // Text bridged from elsewhere may be stored in pieces.
      _ = UnsafeMutableBufferPointer(start: memory, count: count).update(from: text.utf8)
    }
    return ProtobufCBinaryData(len: count, data: memory)
  }

  func copy(_ bytes: [UInt8]) throws(MessageError) -> ProtobufCBinaryData {
    ProtobufCBinaryData(len: bytes.count, data: try copy(list: bytes))
  }

  /// A copy of numbers; nil for none.
  @inline(__always)
  func copy<T: BitwiseCopyable>(list: [T]) throws(MessageError) -> UnsafeMutablePointer<T>? {
    if list.isEmpty { return nil }
    let memory = try allocate(T.self, count: list.count)
    list.withUnsafeBufferPointer { source in
      memory.update(from: source.baseAddress!, count: source.count)
    }
    return memory
  }

  func copy(
    list: [String]
  ) throws(MessageError) -> UnsafeMutablePointer<ProtobufCBinaryData>? {
    if list.isEmpty { return nil }
    let memory = try allocate(ProtobufCBinaryData.self, count: list.count)
    for index in list.indices { (memory + index).initialize(to: try copy(list[index])) }
    return memory
  }

  func copy(
    list: [[UInt8]]
  ) throws(MessageError) -> UnsafeMutablePointer<ProtobufCBinaryData>? {
    if list.isEmpty { return nil }
    let memory = try allocate(ProtobufCBinaryData.self, count: list.count)
    for index in list.indices { (memory + index).initialize(to: try copy(list[index])) }
    return memory
  }
}

// MARK: Errors, made out of line so that the good path stays small

extension MessageError {
  static var malformed: MessageError {
    MessageError(.malformed, detail: "is not the protobuf encoding of this message")
  }

  @inline(never)
  static func missing(_ field: StaticString) -> MessageError {
    MessageError(.missing, path: "\(field)", detail: "is required")
  }

  @inline(never)
  static func invalidText(_ field: StaticString) -> MessageError {
    MessageError(.invalidText, path: "\(field)", detail: "is not UTF-8")
  }

  @inline(never)
  static func tooLong(_ field: StaticString, _ size: Int, limit: Int) -> MessageError {
    MessageError(.tooLong, path: "\(field)", detail: "may have \(limit) bytes, has \(size)")
  }

  @inline(never)
  static func tooMany(_ field: StaticString, _ count: Int, limit: Int) -> MessageError {
    MessageError(.tooMany, path: "\(field)", detail: "may have \(limit) elements, has \(count)")
  }
}
