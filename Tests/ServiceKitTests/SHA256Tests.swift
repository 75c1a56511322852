internal import ServiceKit
internal import Testing

@Suite struct SHA256Tests {
  /// FIPS 180-4's examples, and a longer one.
  static let vectors: [([UInt8], String)] = [
    ([], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    (Array("abc".utf8), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      Array(repeating: 0x61, count: 1000),
      "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3"
    ),
  ]

  private func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  @Test("Known vectors give known digests", arguments: vectors)
  func isSHA256(bytes: [UInt8], digest: String) {
    #expect(hex(SHA256.hash(bytes)) == digest)
  }

  @Test("A hash of parts is the hash of the whole", arguments: [0, 1, 63, 64, 65, 999, 1000])
  func isIncremental(split: Int) {
    let bytes = [UInt8](repeating: 0x61, count: 1000)
    var hash = SHA256()
    hash.update(Array(bytes[..<split]))
    hash.update(String(decoding: bytes[split...], as: UTF8.self))
    #expect(hex(hash.finish()) == SHA256Tests.vectors[2].1)
  }
}
