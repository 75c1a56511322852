internal import ServiceKit

/// A JPEG or PNG file as far as a page needs to know it.
struct PictureFile: Sendable {
  enum Kind: Sendable {
    case jpeg, png
  }

  static let bytesMax = 8 << 20
  static let sideMax = 4096

  let kind: Kind
  let bytes: [UInt8]
  /// In pixels, as the file says.
  let width: Int
  let height: Int

  /// Nil for other kinds of files, broken beginnings, and pictures beyond the limits.
  init?(_ bytes: [UInt8]) {
    guard bytes.count <= PictureFile.bytesMax else { return nil }
    let size: (width: Int, height: Int)?
    if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
      kind = .png
      size = PictureFile.pngSize(bytes)
    } else if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
      kind = .jpeg
      size = PictureFile.jpegSize(bytes)
    } else {
      return nil
    }
    guard let size, (1...PictureFile.sideMax).contains(size.width),
      (1...PictureFile.sideMax).contains(size.height)
    else { return nil }
    self.bytes = bytes
    (width, height) = size
  }

  private static func number(_ bytes: [UInt8], _ at: Int, _ count: Int) -> Int? {
    guard at >= 0, at + count <= bytes.count else { return nil }
    return bytes[at..<(at + count)].reduce(0) { $0 << 8 | Int($1) }
  }

  /// Of the header chunk (PNG, third edition, §11.2.1).
  private static func pngSize(_ bytes: [UInt8]) -> (width: Int, height: Int)? {
    guard let width = number(bytes, 16, 4), let height = number(bytes, 20, 4) else { return nil }
    return (width, height)
  }

  /// Of the frame header (ITU-T T.81, B.2.2): grey or of three colours, as all printers take it.
  private static func jpegSize(_ bytes: [UInt8]) -> (width: Int, height: Int)? {
    var at = 2
    while let marker = number(bytes, at, 2), marker >> 8 == 0xFF {
      if marker == 0xFFFF {
        at += 1
        continue
      }
      let isFrame = (0xFFC0...0xFFC2).contains(marker)
      guard let length = number(bytes, at + 2, 2), length >= 2, marker != 0xFFDA else { return nil }
      if isFrame {
        guard let height = number(bytes, at + 5, 2), let width = number(bytes, at + 7, 2),
          let parts = number(bytes, at + 9, 1), parts == 1 || parts == 3
        else { return nil }
        return (width, height)
      }
      at += 2 + length
    }
    return nil
  }
}

/// The pictures of a document, from a folder that mirrors the shops' addresses: the file of
/// `https://shop.example/img/chair.jpg` is `shop.example/img/chair.jpg`.
///
/// Belongs to one thread.
final class PictureShelf {
  /// Bytes kept. With more, all are read again where they are needed: a document still holds each
  /// once, by its name.
  private static let sizeMax = 96 << 20
  private static let countMax = 4096

  private let folder: String?
  /// Nil for those that are not there.
  private var known: [String: Picture?] = [:]
  private var size = 0

  init(folder: String?) { self.folder = folder }

  /// Nil where there is no file for the address, or none that can be printed: the picture is left
  /// out then.
  func picture(_ address: String) -> Picture? {
    if let known = known[address] { return known }
    let found = load(address)
    if known.count >= PictureShelf.countMax || size > PictureShelf.sizeMax {
      known = [:]
      size = 0
    }
    known[address] = .some(found?.picture)
    size += found?.size ?? 0
    return found?.picture
  }

  private func load(_ address: String) -> (picture: Picture, size: Int)? {
    guard let folder, let path = PictureShelf.path(address),
      let bytes = try? SmallFile.read(folder + "/" + path, bytesMax: PictureFile.bytesMax),
      let file = PictureFile(bytes),
      let picture = try? Picture(file, name: address)
    else { return nil }
    return (picture, bytes.count + file.width * file.height * 4)
  }

  /// Below the folder; nil for an address that names no file, or could lead out of the folder.
  static func path(_ address: String) -> String? {
    guard let scheme = ["https://", "http://"].first(where: address.hasPrefix) else { return nil }
    let rest = address.dropFirst(scheme.count).prefix { $0 != "?" && $0 != "#" }
    let parts = rest.split(separator: "/", omittingEmptySubsequences: false)
    let isPlain = parts.allSatisfy { part in
      !part.isEmpty && part.first != "." && !part.utf8.contains { $0 < 0x20 || $0 == 0x5C }
    }
    return parts.count >= 2 && isPlain ? parts.joined(separator: "/") : nil
  }
}
