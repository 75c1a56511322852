internal import Descriptors

/// Length-delimited fields, written and read by their numbers.
struct WireText {
  private var writer = WireWriter()

  var bytes: [UInt8] { writer.bytes }

  mutating func field(_ number: Int, _ value: [UInt8]) { writer.bytes(number, value) }

  static func fields(_ number: Int, of bytes: [UInt8]) throws -> [[UInt8]] {
    var reader = WireReader(bytes)
    var values: [[UInt8]] = []
    while let tag = try reader.next() {
      if tag.number == number && tag.wireType == .lengthDelimited {
        values.append(Array(try reader.bytes()))
      } else {
        try reader.skip(tag)
      }
    }
    return values
  }
}
