@testable internal import CartTracker
internal import Delivery
internal import Storage
internal import Testing

@Suite struct JournalKeyTests {
  @Test(
    "A key is what it always was: stored rows depend on it",
    arguments: [
      (Identity(store: "shop", kind: .contact, id: "4711"), "1f2fd6e5135ed8f78fbe19af6bd00e54"),
      (Identity(store: "shop", kind: .guest, id: "4711"), "812a65dab08530950fcd827ab1cf25f0"),
      (Identity(store: "", kind: .guest, id: ""), "9fec1726a76d698cd3960e1fa30387e9"),
      (
        Identity(store: "straße-ß", kind: .contact, id: "künde/1"),
        "acf6040e8a7378e9084b75bc8dd44801"
      ),
      (
        Identity(
          store: String(repeating: "s", count: 300), kind: .contact,
          id: String(repeating: "x", count: 500)), "562ade7059cac7740a38cc7898af0a21"
      ),
    ])
  func isGolden(identity: Identity, hex: String) {
    let bytes = identity.key.bytes
    let text = bytes.map { byte in
      (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }.joined()
    #expect(text == hex)
    #expect(identity.key.bucket == bytes[0])
  }
}
