internal import Delivery
internal import Messages
internal import ServiceKit

/// The id of a cart that its source did not name.
enum CartID {
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

  /// Follows from whose it is and the event that began it: `~` and 22 characters.
  static func unnamed(_ person: PersonKey, _ opened: Tracked.EventOrder) -> String {
    let digest = SHA256.hash(person.bytes + Array(opened.event.utf8))
    var text: [UInt8] = [UInt8(ascii: "~")]
    var bits: UInt32 = 0
    var count = 0
    for byte in digest.prefix(16) {
      bits = bits << 8 | UInt32(byte)
      count += 8
      while count >= 6 {
        count -= 6
        text.append(alphabet[Int(bits >> UInt32(count)) & 63])
      }
    }
    text.append(alphabet[Int(bits << UInt32(6 - count)) & 63])
    return String(decoding: text, as: UTF8.self)
  }
}
