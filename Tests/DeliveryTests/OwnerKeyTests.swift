internal import Delivery
internal import Messages
internal import Storage
internal import Testing

@Suite struct OwnerKeyTests {
  private static func hex(_ key: OwnerKey) -> String {
    key.bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  @Test(
    "A key is what it always was: stored rows depend on it",
    arguments: [
      (OwnerKey.contact(store: "shop", contact: "4711"), "1f2fd6e5135ed8f78fbe19af6bd00e54"),
      (OwnerKey.guest(store: "shop", guest: "4711"), "812a65dab08530950fcd827ab1cf25f0"),
      (OwnerKey.guest(store: "", guest: ""), "9fec1726a76d698cd3960e1fa30387e9"),
      (
        OwnerKey.contact(store: "straße-ß", contact: "künde/1"),
        "acf6040e8a7378e9084b75bc8dd44801"
      ),
      (
        OwnerKey(
          scope: String(repeating: "s", count: 300), kind: .contact,
          id: String(repeating: "x", count: 500)), "562ade7059cac7740a38cc7898af0a21"
      ),
      (
        OwnerKey.address(scope: "shop", channel: .email, address: "ann@example.test"),
        "855b84aa3f0a1e50cde3e9b1a1eb8a2b"
      ),
      (
        OwnerKey.address(scope: "", channel: .sms, address: "+49301234567"),
        "8d934ad8d91c794785b6de4cc63e9926"
      ),
    ])
  func isGolden(key: OwnerKey, hex: String) throws {
    #expect(OwnerKeyTests.hex(key) == hex)
    #expect(key.bucket == key.bytes[0])
    #expect(try OwnerKey(bytes: key.bytes) == key)
  }

  @Test("Neither kinds nor scopes nor channels share a key")
  func isDistinct() {
    let keys = [
      OwnerKey.contact(store: "a", contact: "bc"), OwnerKey.contact(store: "ab", contact: "c"),
      OwnerKey.guest(store: "a", guest: "bc"),
      OwnerKey.address(scope: "a", channel: .email, address: "bc"),
      OwnerKey.address(scope: "a", channel: .sms, address: "bc"),
      OwnerKey.address(scope: "", channel: .sms, address: "bc"),
    ]
    #expect(Set(keys).count == keys.count)
  }

  @Test("Keys are ordered as their bytes are, and fill all buckets")
  func isOrdered() {
    let keys = (0..<4000).map { OwnerKey.contact(store: "shop", contact: "\($0)") }
    let byBytes = keys.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
    #expect(keys.sorted() == byBytes)
    #expect(Set(keys.map(\.bucket)).count == 256)
  }

  @Test("A key of another size is corrupt", arguments: [0, 15, 17])
  func refusesSizes(size: Int) throws {
    let error = try #require(throws: StorageError.self) {
      try OwnerKey(bytes: [UInt8](repeating: 0, count: size))
    }
    #expect(error.code == .corrupt)
  }
}
