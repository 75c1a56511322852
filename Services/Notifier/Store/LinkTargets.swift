internal import Storage

/// Where the tracked links of a message lead, as the row keeps them: for each a name and an
/// address, both as UTF-8 after their size in 2 bytes, big end first.
enum LinkTargets {
  private static let sizeMax = Int(UInt16.max)

  static func encode(_ links: [TrackedLink]) -> [UInt8] {
    var bytes: [UInt8] = []
    for link in links {
      for text in [link.name, link.url] {
        // Longer ones are no address of a web page; the link's place is kept.
        let utf8 = text.utf8.count <= sizeMax ? Array(text.utf8) : []
        bytes += [UInt8(utf8.count >> 8), UInt8(utf8.count & 255)]
        bytes += utf8
      }
    }
    return bytes
  }

  /// - Throws: `StorageError` where the row is damaged.
  static func decode(_ bytes: [UInt8]) throws -> [TrackedLink] {
    var rest = bytes[...]
    var links: [TrackedLink] = []
    func text() throws -> String {
      guard rest.count >= 2 else { throw StorageError(.corrupt, "links of a message are cut") }
      let size = Int(rest.removeFirst()) << 8 | Int(rest.removeFirst())
      guard rest.count >= size, let text = String(validating: rest.prefix(size), as: UTF8.self)
      else { throw StorageError(.corrupt, "links of a message are cut") }
      rest.removeFirst(size)
      return text
    }
    while !rest.isEmpty {
      links.append(TrackedLink(name: try text(), url: try text()))
    }
    return links
  }
}
