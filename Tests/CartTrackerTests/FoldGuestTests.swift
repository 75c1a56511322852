internal import Messages
internal import Testing

@testable internal import CartTracker

@Suite struct FoldGuestTests {
  private let identify = Tracked.Event.Kind.identify(.init(evidence: .login))

  /// Carts of each, whom they belong to, and all episodes, for comparing two shops.
  private func digest(_ shop: FoldShop) -> [String] {
    var lines: [String] = []
    for (identity, person) in shop.persons.sorted(by: { $0.key.key < $1.key.key }) {
      for cart in person.carts {
        lines.append("\(identity.id) \(cart.id) \(cart.state) \(cart.lines.map(\.sku))")
      }
      for episode in (shop.rows[identity] ?? [:]).values.sorted(by: {
        $0.abandonedAt < $1.abandonedAt
      })
      where episode.state != .withdrawn {
        lines.append("\(identity.id) \(episode.cart) \(episode.abandonedAt) \(episode.state)")
      }
      lines.append("\(identity.id) \(person.tags.filter(\.present).map(\.name).sorted())")
    }
    return lines
  }

  @Test("C16 a guest's cart is the contact's once the guest is known, and both go on with it")
  func attached() throws {
    var shop = try FoldShop()
    shop.add("a", at: 0, contact: "", guest: "g")
    #expect(shop.guest("g").carts.count == 1)
    shop.send(identify, at: 10, guest: "g")
    let group = shop.group("ann")
    #expect(group.members.map(\.id) == ["ann", "g"] && group.contact(of: 1) == 0)
    shop.add("b", at: 20)
    shop.add("c", at: 30, contact: "", guest: "g")
    #expect(shop.guest("g").carts.map { $0.lines.map(\.sku) } == [["a", "b", "c"]])
    #expect(shop.person().carts.isEmpty)
    shop.wait(until: 5000)
    #expect(shop.person().hasTag("AB CART"))
    shop.send(.purchase(.init()), at: 6000)
    #expect(shop.guest("g").carts.map(\.state) == [.purchased])
  }

  @Test("C16 C26 it makes no difference when the identification arrives")
  func lateIdentify() throws {
    var early = try FoldShop()
    early.add("a", at: 0, contact: "", guest: "g")
    early.send(identify, at: 10, guest: "g", id: "i")
    early.add("b", at: 1000)
    early.wait(until: 9000)
    var late = try FoldShop()
    late.add("a", at: 0, contact: "", guest: "g")
    late.add("b", at: 1000)
    late.wait(until: 8000)
    late.send(identify, at: 10, guest: "g", id: "i", now: 8999)
    late.wait(until: 9000)
    #expect(
      digest(early).filter { !$0.hasPrefix("ann [") }
        == digest(late).filter { !$0.hasPrefix("ann [") })
    #expect(late.guest("g").carts.map(\.active?.at) == [1_000_000_000])
  }

  @Test("P09 a guest seen with two contacts is linked with neither, in the past neither")
  func ambiguous() throws {
    var shop = try FoldShop()
    shop.add("a", at: 0, contact: "", guest: "g")
    shop.send(identify, at: 10, contact: "ann", guest: "g")
    shop.add("b", at: 20, contact: "ann")
    #expect(shop.guest("g").carts.map(\.lines.count) == [2])
    shop.send(identify, at: 30, contact: "bob", guest: "g")
    #expect(shop.guest("g").carts.map(\.lines.count) == [1])
    #expect(shop.person("ann").carts.map(\.lines.count) == [1])
    let group = shop.group("ann")
    #expect(group.members.count == 3 && group.linked(to: 0) == [0])
    #expect(group.members.indices.first { group.members[$0].isGuest }.flatMap(group.contact) == nil)
  }

  @Test("P09 C26 the order in which two identifications arrive makes no difference")
  func ambiguousInAnyOrder() throws {
    var digests: Set<[String]> = []
    for isBobFirst in [false, true] {
      var shop = try FoldShop()
      shop.add("a", at: 0, contact: "", guest: "g")
      shop.add("b", at: 20, contact: "ann")
      shop.add("c", at: 40, contact: "bob")
      for contact in isBobFirst ? ["bob", "ann"] : ["ann", "bob"] {
        shop.send(
          identify, at: contact == "ann" ? 10 : 30, contact: contact, guest: "g", id: contact,
          now: 50)
      }
      shop.add("d", at: 35, contact: "", guest: "g", now: 60)
      shop.wait(until: 9000)
      digests.insert(digest(shop))
    }
    #expect(digests.count == 1)
  }

  @Test("P09 linked contacts keep their carts apart, and a purchase by one buys the other's")
  func linked() throws {
    var shop = try FoldShop()
    shop.add("a", at: 0, contact: "ann", cart: "x")
    shop.add("b", at: 1, contact: "bob", cart: "y")
    shop.link("ann", "bob", at: 2)
    #expect(shop.cart("x")?.lines.map(\.sku) == ["a"])
    shop.send(.purchase(.init()), at: 10, contact: "bob")
    #expect(shop.cart("x")?.state == .purchased && shop.cart("y", of: "bob")?.state == .purchased)
    #expect(shop.person("ann").hasTag("BUY") && shop.person("bob").hasTag("BUY"))
  }

  @Test("P09 Unlink takes a link back from then on")
  func unlinked() throws {
    var shop = try FoldShop()
    shop.link("ann", "bob", at: 0)
    #expect(shop.group("ann").linked(to: 0).count == 2)
    shop.link("ann", "bob", at: 10, unlinked: true)
    #expect(shop.group("ann").linked(to: 0).count == 1)
    shop.add("a", at: 20, contact: "ann", cart: "x")
    shop.send(.purchase(.init()), at: 30, contact: "bob")
    #expect(shop.cart("x")?.state == .open)
    shop.link("ann", "bob", at: 40)
    #expect(shop.group("bob").linked(to: 0).count == 2)
  }
}
