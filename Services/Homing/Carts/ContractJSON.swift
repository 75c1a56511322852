internal import DynamicMessages
internal import Messages

/// Messages of the contract as JSON and back, by the descriptors that came with them.
struct ContractJSON: Sendable {
  private let schema: Schema

  init() throws {
    schema = try Schema(serializedFiles: FileDescriptors.names.compactMap(FileDescriptors.file))
  }

  func value(_ message: some Message) throws -> JSONValue {
    let type = try schema.message(named: Swift.type(of: message).fullName)
    return try DynamicMessage(encoded: message.encoded(), type, schema).json()
  }

  /// The one message that `--data` names.
  ///
  /// - Throws: `CommandError` with the place in the text.
  func message<Value: Message>(
    _ data: String, _ type: Value.Type = Value.self
  ) async throws -> Value {
    let declared = try schema.message(named: Value.fullName)
    let reader = RequestReader(RequestReader.Source(data), declared, schema)
    let bytes = try await reader.only().encoded()
    do {
      return try Value(encoded: bytes)
    } catch {
      throw CommandError.usage(Printable.text("--data: \(error)"))
    }
  }
}
