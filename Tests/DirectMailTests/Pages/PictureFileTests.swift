internal import Foundation
internal import TestSupport
internal import Testing

@testable internal import DirectMail

@Suite struct PictureFileTests {
  private func bytes(_ name: String) throws -> [UInt8] {
    let folder = try LetterSamples.pictures()
    return Array(
      try Data(contentsOf: URL(fileURLWithPath: folder.file("moebel.test/img/\(name)"))))
  }

  @Test("A JPEG and a PNG file tell their kind and size")
  func isRead() throws {
    let jpeg = try #require(PictureFile(try bytes("chair.jpg")))
    #expect(jpeg.kind == .jpeg && jpeg.width == 16 && jpeg.height == 12)
    let png = try #require(PictureFile(try bytes("desk.png")))
    #expect(png.kind == .png && png.width == 12 && png.height == 12)
  }

  @Test("A file that is cut anywhere is left out")
  func bearsCutFiles() throws {
    for name in ["chair.jpg", "desk.png"] {
      let whole = try bytes(name)
      for count in 0..<whole.count {
        let cut = PictureFile(Array(whole.prefix(count)))
        if count < 24 { #expect(cut == nil) }
        if let cut { #expect(throws: PageError.self) { try Picture(cut, name: name) } }
      }
    }
  }

  @Test("A file of another kind, and one that is too large, is left out")
  func refusesOthers() {
    #expect(PictureFile(Array("GIF89a".utf8)) == nil)
    #expect(PictureFile([]) == nil)
    var huge: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    huge += [0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52, 0, 1, 0, 0, 0, 0, 0, 1, 8, 2, 0, 0, 0]
    #expect(PictureFile(huge) == nil)
  }

  @Test(
    "An address leads to a file in the folder and never out of it",
    arguments: [
      ("https://moebel.test/img/a.jpg", "moebel.test/img/a.jpg"),
      ("http://moebel.test/a.png?size=2#x", "moebel.test/a.png"),
      ("https://moebel.test/../secret", nil), ("https://moebel.test/.hidden", nil),
      ("https://moebel.test//a", nil), ("https://moebel.test", nil), ("file:///etc/passwd", nil),
      ("https://moebel.test/a\\b", nil), ("", nil),
    ])
  func staysInFolder(_ address: String, _ path: String?) {
    #expect(PictureShelf.path(address) == path)
  }
}
