internal import Descriptors
internal import DynamicMessages
internal import Messages

/// The request that `homing bench` sends again and again.
enum BenchRequest {
  /// As large as the largest frame a server may accept.
  static let bytesMax = 64 << 20

  /// - Parameters:
  ///   - data: JSON, `@FILE` or `-`.
  ///   - payload: a number of bytes for the request's first `bytes` field, or a file with the
  ///     encoded request.
  static func bytes(
    _ method: DynamicMethod, data: String?, payload: String?
  ) async throws -> [UInt8] {
    if let data {
      let source = RequestReader.Source(data)
      let reader = RequestReader(source, method.request, method.schema)
      return try await reader.only().encoded()
    }
    if let payload {
      return try payload.utf8.allSatisfy { (0x30...0x39).contains($0) } && !payload.isEmpty
        ? sized(payload, method) : InputFile.bytes(payload, bytesMax: bytesMax)
    }
    if method.request.fullName == EchoV1.CartEvent.fullName { return try cartEvent.encoded() }
    return []
  }

  private static func sized(
    _ payload: String, _ method: DynamicMethod
  ) throws(CommandError) -> [UInt8] {
    guard let count = Int(payload), count <= bytesMax else {
      throw .usage("--payload must be at most \(bytesMax) bytes, is \(payload)")
    }
    let field = method.request.fields.first { $0.kind == .bytes && !$0.isRepeated }
    guard let field else {
      throw .usage(
        "--payload \(payload): \(method.request.fullName) has no bytes field to fill; "
          + "give --data or a file")
    }
    var writer = WireWriter()
    writer.bytes(field.number, [UInt8](repeating: 0, count: count))
    return writer.bytes
  }

  /// The workload of the project's own measurements: a cart with two lines, about 190 bytes.
  static let cartEvent = EchoV1.CartEvent(
    storeID: 4_211, cartID: "0192f3c4-7b1e-7c3a-9f5d-2b8e6a1c4d70",
    contactID: "0192f3c4-6a00-7e21-8d4b-93c1f0e2ab15", kind: .updated,
    items: [
      EchoV1.LineItem(sku: "MUG-0042-BLUE", name: "Stoneware mug, blue", qty: 2, priceMinor: 1_495),
      EchoV1.LineItem(
        sku: "TEA-0107-500G", name: "Earl Grey loose leaf", qty: 1, priceMinor: 2_290),
    ], tsMs: 1_763_800_000_000)
}
