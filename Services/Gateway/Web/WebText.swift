internal import ServiceKit

/// Texts of the protocol.
enum WebText {
  /// An HTTP date (RFC 9110 §5.6.7) such as `Sun, 06 Nov 1994 08:49:37 GMT`.
  static func date(_ instant: Instant) -> String {
    let parts = instant.description.split { !$0.isNumber }.prefix(6).compactMap { Int($0) }
    precondition(parts.count == 6, "an instant is written with six numbers at least")
    let day = CivilTime(year: parts[0], month: parts[1], day: parts[2])
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    let months = [
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    let year = String(repeating: "0", count: 4 - "\(parts[0])".utf8.count) + "\(parts[0])"
    let time = parts[3...5].map(two).joined(separator: ":")
    return "\(days[day.weekday]), \(two(parts[2])) \(months[parts[1] - 1]) \(year) \(time) GMT"
  }

  /// In bytes.
  static let locationSizeMax = 8192

  /// An address to send a browser to, with every byte encoded that may not stand in a header; nil
  /// for one that is neither `https` nor `http`, or too long.
  static func location(_ url: String) -> String? {
    let lower = url.prefix(8).lowercased()
    let scheme = lower.hasPrefix("https://") ? 8 : lower.hasPrefix("http://") ? 7 : 0
    guard scheme > 0, url.utf8.count <= locationSizeMax,
      let host = url.dropFirst(scheme).first, host != "/", host != "?", host != "#"
    else { return nil }
    var bytes: [UInt8] = []
    for byte in url.utf8 {
      switch byte {
      case 0..<0x20, 0x7F: return nil
      case 0x20, 0x22, 0x3C, 0x3E, 0x5C, 0x5E, 0x60, 0x7B...0x7D, 0x80...:
        bytes += Array("%\(String(byte, radix: 16, uppercase: true))".utf8)
      default: bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Base64 with padding (RFC 4648 §4).
  static func base64(_ bytes: [UInt8]) -> String {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
      for place in 0..<4 {
        let isPadding = place > group.count
        text.append(isPadding ? UInt8(ascii: "=") : digits[bits >> (18 - 6 * place) & 63])
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
