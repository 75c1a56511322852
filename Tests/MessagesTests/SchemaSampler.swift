internal import Descriptors
internal import Messages

/// Makes encodings of any message from its description: valid ones, with every kind of field
/// reached.
struct SchemaSampler {
  static let pool: DescriptorPool = {
    do {
      return try DescriptorPool(
        files: FileDescriptors.names.compactMap { try FileDescriptors.file(named: $0).map(parse) })
    } catch {
      preconditionFailure("\(error)")
    }
  }()

  private var random: SplitMix64

  init(seed: UInt64) { random = SplitMix64(seed: seed) }

  private static func parse(_ bytes: [UInt8]) throws -> FileDescriptor {
    try FileDescriptor(serialized: bytes)
  }

  /// A message that keeps to the limits its options state; fields in random order.
  mutating func message(_ fullName: String) -> [UInt8] {
    var writer = WireWriter()
    guard let message = SchemaSampler.pool.message(named: fullName) else { return [] }
    let usedMember = message.oneofs.map { _ in random.next() }
    for field in message.fields.shuffled(using: &random) {
      if let oneof = field.declaredOneof {
        let members = message.members(ofOneof: oneof)
        let chosen = members[Int(usedMember[oneof] % UInt64(members.count))]
        if chosen.number != field.number { continue }
      }
      let isNeeded = field.options.isRequired || field.options.isStore
      if !isNeeded && random.next() % 3 == 0 { continue }
      let limit = min(field.options.itemsMax ?? 4, 4)
      let count = field.isRepeated ? Int.random(in: (isNeeded ? 1 : 0)...limit, using: &random) : 1
      write(field, count, inside: fullName, &writer)
    }
    return writer.bytes
  }

  private mutating func write(
    _ field: FieldDescriptor, _ count: Int, inside message: String, _ writer: inout WireWriter
  ) {
    if field.isPacked && Bool.random(using: &random) {
      var values = WireWriter()
      for _ in 0..<count { scalar(field, inside: message, key: nil, &values) }
      writer.bytes(field.number, values.bytes)
      return
    }
    for _ in 0..<count {
      switch field.kind {
      case .message: writer.bytes(field.number, self.message(field.typeName))
      case .string: writer.text(field.number, text(field))
      case .bytes:
        let size = Int.random(in: 1...min(field.options.bytesMax ?? 40, 40), using: &random)
        writer.bytes(
          field.number, (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) })
      default: scalar(field, inside: message, key: field.number, &writer)
      }
    }
  }

  private mutating func text(_ field: FieldDescriptor) -> String {
    let letters: [Character] = ["a", "Z", " ", "\u{0}", "\u{e9}", "\u{4e2d}", "\u{1f355}"]
    let limit = min(field.options.bytesMax ?? 40, 40)
    var text = "t"
    for _ in 0..<Int.random(in: 0...20, using: &random) {
      let letter = letters.randomElement(using: &random) ?? "b"
      if text.utf8.count + letter.utf8.count <= limit { text.append(letter) }
    }
    return text
  }

  private mutating func scalar(
    _ field: FieldDescriptor, inside message: String, key: Int?, _ writer: inout WireWriter
  ) {
    // Never 0, so that a required number is set; small where protobuf's own messages have ranges.
    let isWellKnown = message.hasPrefix("google.protobuf.")
    let wide = random.next() >> (random.next() % 64) | 1
    let value = isWellKnown ? random.next() % 1000 + 1 : wide
    switch field.kind {
    case .fixed32, .sfixed32, .float:
      if let key { writer.key(key, .fixed32) }
      // A NaN would not be equal to itself.
      writer.rawFixed32(UInt32(truncatingIfNeeded: value) & 0x7f7f_ffff | 1)
    case .fixed64, .sfixed64, .double:
      if let key { writer.key(key, .fixed64) }
      writer.rawFixed64(value & 0x7fef_ffff_ffff_ffff | 1)
    case .int32, .sint32, .uint32:
      if let key { writer.key(key, .varint) }
      writer.rawVarint(value & 0x7fff_ffff | 1)
    case .enum:
      if let key { writer.key(key, .varint) }
      let values = SchemaSampler.pool.enumeration(named: field.typeName)?.values ?? []
      let known = values.filter { $0.number > 0 }.randomElement(using: &random)
      writer.rawVarint(random.next() % 4 == 0 ? 1234 : UInt64(known?.number ?? 1))
    case .bool:
      if let key { writer.key(key, .varint) }
      writer.rawVarint(1)
    default:
      if let key { writer.key(key, .varint) }
      writer.rawVarint(value)
    }
  }
}
