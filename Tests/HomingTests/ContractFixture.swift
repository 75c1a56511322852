internal import DynamicMessages
internal import Messages

/// The contract as a server's reflection would describe it.
enum ContractFixture {
  private static let loaded = Result { try Schema(serializedFiles: files) }

  static var files: [[UInt8]] {
    FileDescriptors.names.compactMap { FileDescriptors.file(named: $0) }
  }

  static func schema() throws -> Schema { try loaded.get() }

  static func type(_ name: String) throws -> MessageType {
    try schema().message(named: name)
  }

  static let everything = "homing.echo.v1.Everything"

  static func message(
    json: String, _ name: String = ContractFixture.everything
  ) throws -> DynamicMessage {
    let value = try JSONReader.value(Array(json.utf8))
    return try DynamicMessage(json: value, type(name), schema())
  }

  static func message(
    encoded bytes: [UInt8], _ name: String = ContractFixture.everything
  ) throws -> DynamicMessage {
    try DynamicMessage(encoded: bytes, type(name), schema())
  }

  /// JSON → protobuf → JSON.
  static func roundTrip(
    _ json: String, _ name: String = ContractFixture.everything,
    _ options: JSONOptions = JSONOptions()
  ) throws -> String {
    let bytes = try message(json: json, name).encoded()
    return JSONWriter.text(try message(encoded: bytes, name).json(options))
  }

  /// What reading the JSON as `Everything` complains about.
  static func complaint(
    _ json: String, _ name: String = ContractFixture.everything
  ) -> String {
    do {
      return "taken: \(try message(json: json, name).encoded())"
    } catch {
      return "\(error)"
    }
  }
}
