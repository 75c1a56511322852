internal import DynamicMessages
internal import Wire

/// `--metadata key=value`.
enum MetadataOption {
  /// - Throws: `CommandError` that names the key at fault.
  static func metadata(_ options: [String]) throws(CommandError) -> Metadata {
    var metadata = Metadata()
    for option in options {
      guard let mark = option.firstIndex(of: "=") else {
        throw .usage("--metadata must be key=value, is \"\(Printable.text(option))\"")
      }
      let key = String(option[..<mark])
      let value = String(option[option.index(after: mark)...])
      if key.hasPrefix("homing-") {
        throw .usage(
          "--metadata \(Printable.text(key)): keys that begin homing- belong to the protocol")
      }
      if key.hasSuffix("-bin") {
        guard let bytes = Base64.bytes(value) else {
          throw .usage("--metadata \(Printable.text(key)): values of -bin keys are base64")
        }
        metadata.append(key, bytes: bytes)
      } else {
        metadata.append(key, value)
      }
    }
    if let fault = metadata.fault(bytesMax: Limits().metadataBytesMax) {
      throw .usage("--metadata: \(fault.message)")
    }
    return metadata
  }
}
