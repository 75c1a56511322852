internal import Messages
internal import Testing

@testable internal import CartTracker

@Suite struct HandOffAuditTests {
  private func event(
    _ kind: Tracked.Event.Kind, at: Int64, seq: UInt64, bucket: UInt32 = 1, cart: String = ""
  ) -> Tracked.StoredEvent {
    Tracked.StoredEvent(
      event: .init(id: "e\(seq)", at: .init(seconds: at), contact: "ann", cart: cart, kind: kind),
      position: .init(bucket: bucket, seq: seq), receivedAt: .init(seconds: at),
      standing: .counted)
  }

  private func audit(
    _ events: [Tracked.StoredEvent], read seq: UInt64, cart: String = "c",
    kind: Tracked.CartKind = .cart, bought: [Tracked.StoredPurchase] = []
  ) throws -> HandOffAudit.Finding {
    let handOff = HandOffAudit.HandOff(
      contact: "ann", cart: cart, anchor: .init(at: .init(seconds: 10)),
      grant: .init(positions: [.init(bucket: 1, seq: seq)], grantedAt: .init(seconds: 1000)))
    let person = Tracked.StoredPerson(contact: "ann", purchases: bought)
    return HandOffAudit(handOff: handOff, rules: try FoldFixture.rules()).finding(
      [.init(person: person, events: events)], kind: cart.isEmpty ? nil : kind)
  }

  @Test("X03 A purchase that the grant had read is a violation, one that came after it is not")
  func positions() throws {
    let bought = event(.purchase(.init(order: "o")), at: 20, seq: 7)
    for (read, isViolated) in [(6, false), (7, true), (8, true)] as [(UInt64, Bool)] {
      let finding = try audit([bought], read: read)
      #expect(finding.violated == isViolated)
      #expect(finding.event == "e7" && finding.position?.seq == 7 && finding.checked == read)
    }
    // Of another bucket, nothing was read.
    let other = event(.purchase(.init()), at: 20, seq: 1, bucket: 2)
    #expect(try audit([other], read: 100).violated == false)
  }

  @Test("X03 A purchase before the anchor, or of something else, is no matter")
  func others() throws {
    let before = event(.purchase(.init()), at: 9, seq: 1)
    let added = event(.itemAdded(.init(line: FoldShop.line("a"))), at: 20, seq: 2)
    #expect(try audit([before, added], read: 9) == HandOffAudit.Finding())
    var conflict = event(.purchase(.init()), at: 20, seq: 3)
    conflict.standing = .conflict
    #expect(try audit([conflict], read: 9) == HandOffAudit.Finding())
  }

  @Test("X03 P09 Where the kind stops its cart alone, only a purchase of that cart counts")
  func scope() throws {
    let other = event(.purchase(.init()), at: 20, seq: 3, cart: "d")
    #expect(try audit([other], read: 9, kind: .quote).violated == false)
    #expect(try audit([other], read: 9, kind: .cart).violated)
    let own = event(.purchase(.init()), at: 20, seq: 3, cart: "c")
    #expect(try audit([own], read: 9, kind: .quote).violated)
    // By lines, without naming the cart: the fold says which carts it was of.
    let lines = event(.purchase(.init(lines: [.init(sku: "a")])), at: 20, seq: 3)
    let bought = Tracked.StoredPurchase(order: lines.order, carts: ["c"])
    #expect(try audit([lines], read: 9, kind: .quote, bought: [bought]).violated)
    #expect(try audit([lines], read: 9, kind: .quote).violated == false)
  }

  @Test("X03 C27 A purchase taken back before the grant does not count; taken back later it does")
  func reversed() throws {
    let bought = event(.purchase(.init(order: "o")), at: 20, seq: 3)
    let back = event(.purchaseReversed(.init(order: "o")), at: 30, seq: 5)
    #expect(try audit([bought, back], read: 5).violated == false)
    #expect(try audit([bought, back], read: 4).violated)
    let part = event(.purchaseReversed(.init(order: "o", lines: [.init(sku: "a")])), at: 30, seq: 5)
    #expect(try audit([bought, part], read: 5).violated)
  }
}
