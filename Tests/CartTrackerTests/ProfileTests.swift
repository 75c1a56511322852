internal import Messages
internal import Testing

@testable internal import CartTracker

@Suite struct ProfileTests {
  private func upsert(_ profile: Tracked.ContactProfile) -> Tracked.Event.Kind {
    .contactUpserted(.init(profile: profile))
  }

  @Test("P06 the later source time wins field by field, whatever arrives first")
  func fields() throws {
    let old = Tracked.ContactProfile(
      givenName: "Ann", company: "acme", locale: "de", sourceAt: .init(seconds: 100))
    let new = Tracked.ContactProfile(givenName: "Anna", sourceAt: .init(seconds: 200))
    for profiles in [[old, new], [new, old]] {
      var shop = try FoldShop()
      for (index, profile) in profiles.enumerated() {
        shop.send(upsert(profile), at: 1000 + Int64(index))
      }
      let profile = try #require(shop.person().profile?.profile)
      #expect(profile.givenName == "Anna" && profile.company == "acme" && profile.locale == "de")
      #expect(profile.sourceAt == .init(seconds: 200))
    }
  }

  @Test("P06 without a source time the event's own counts; at the same one the later event wins")
  func sameTime() throws {
    var shop = try FoldShop()
    shop.send(upsert(.init(title: "Dr.")), at: 50)
    shop.send(upsert(.init(title: "Prof.", sourceAt: .init(seconds: 50))), at: 60)
    #expect(shop.person().profile?.profile?.title == "Prof.")
    shop.send(upsert(.init(title: "Mr", sourceAt: .init(seconds: 49))), at: 70)
    #expect(shop.person().profile?.profile?.title == "Prof.")
  }

  @Test("P06 a cleared field is empty until a later value comes")
  func cleared() throws {
    var shop = try FoldShop()
    let address = CommonV1.Address(countryCode: "DE")
    shop.send(upsert(.init(familyName: "Li", address: address)), at: 10)
    shop.send(upsert(.init(cleared: ["address", "family_name"])), at: 20)
    #expect(shop.person().profile?.profile?.address == nil)
    #expect(shop.person().profile?.profile?.familyName == "")
    shop.send(upsert(.init(familyName: "Lo", sourceAt: .init(seconds: 15))), at: 30)
    #expect(shop.person().profile?.profile?.familyName == "")
    shop.send(upsert(.init(familyName: "Lu")), at: 40)
    #expect(shop.person().profile?.profile?.familyName == "Lu")
  }

  @Test("P01 P06 attributes replace by name, lists whole, and consents are added once")
  func lists() throws {
    func consent(_ at: Int64) -> Tracked.Consent {
      .init(channel: .email, purpose: "recovery", source: "form", givenAt: .init(seconds: at))
    }
    func attribute(_ name: String, _ value: String?) -> CommonV1.Attribute {
      .init(name: name, value: value.map { .text($0) })
    }
    var shop = try FoldShop()
    shop.send(
      upsert(
        .init(
          destinations: [.init(channel: .email, address: "a@x.example")],
          attributes: [attribute("b", "1"), attribute("a", "1")], consents: [consent(5)])),
      at: 10)
    shop.send(
      upsert(
        .init(
          destinations: [.init(channel: .sms, address: "+441")],
          attributes: [attribute("b", "2"), attribute("a", nil)],
          consents: [consent(5), consent(3)])), at: 20)
    let profile = try #require(shop.person().profile?.profile)
    #expect(profile.destinations.map(\.address) == ["+441"])
    #expect(profile.attributes == [attribute("b", "2")])
    #expect(profile.consents == [consent(3), consent(5)])
  }

  @Test("P06 a profile change is no activity and starts no cart")
  func noActivity() throws {
    var shop = try FoldShop()
    shop.add(at: 0)
    shop.send(upsert(.init(givenName: "Ann")), at: 100)
    shop.wait(until: 3600)
    #expect(shop.times() == [3600])
  }
}
