internal import ArgumentParser
internal import Foundation
internal import Messages
internal import Stubs
internal import Testing
internal import Wire

@testable internal import Homing
@testable internal import Transport

@Suite struct ContactsCommandTests {
  private typealias Methods = CartTrackerV1.CartTrackerMethods

  private let channel = TrackerChannel()
  private let printed = PrintedLines()
  private var caller: TrackerCaller { TrackerCaller(channel, timeout: .seconds(1)) }
  private let contact = CartTrackerV1.Contact(
    store: "shop", id: "ann",
    profile: .init(
      givenName: "Ann", familyName: "A.", companyName: "Acme",
      destinations: [.init(channel: .email, address: "ann@shop.invalid")],
      address: .init(
        countryCode: "DE", streetLines: ["Road 1"], postalCode: "12345", locality: "Town")),
    tags: ["AB CART", "VIP"], linked: ["g1"])

  @Test("P04 Contacts are listed by search or by tag, page after page")
  func list() async throws {
    let contact = contact
    for next in ["p1", ""] {
      channel.answer(Methods.listContacts) { (_: CartTrackerV1.ListContactsRequest) in
        CartTrackerV1.ListContactsResponse(contacts: [contact], next: next)
      }
    }
    channel.answer(Methods.listTagged) { (_: CartTrackerV1.ListTaggedRequest) in
      CartTrackerV1.ListContactsResponse(contacts: [contact])
    }
    let all = try ContactsListCommand.parse(["here:1", "--store", "shop", "--search", "an"])
    try await all.list(caller) { printed.add($0) }
    #expect(printed.lines.count == 3)
    #expect(printed.lines[1] == "ann      Ann A.  Acme     ann@shop.invalid  AB CART, VIP       0")
    let tagged = try ContactsListCommand.parse(["here:1", "--store", "shop", "--tag", "VIP"])
    try await tagged.list(caller) { printed.add($0) }
    let searches: [CartTrackerV1.ListContactsRequest] = try channel.requests(Methods.listContacts)
    #expect(searches.map(\.search) == ["an", "an"])
    let tags: [CartTrackerV1.ListTaggedRequest] = try channel.requests(Methods.listTagged)
    #expect(tags.map(\.tag) == ["VIP"])
    #expect(throws: (any Error).self) {
      try ContactsListCommand.parse(["here:1", "--store", "s", "--tag", "a", "--search", "b"])
    }
  }

  @Test("One contact is shown with what is known of it")
  func show() async throws {
    let contact = contact
    channel.answer(Methods.getContact) { (_: CartTrackerV1.GetContactRequest) in contact }
    let command = try ContactsShowCommand.parse(["here:1", "--store", "shop", "--contact", "ann"])
    try await command.show(caller) { printed.add($0) }
    #expect(printed.text.contains("reached by    email ann@shop.invalid"))
    #expect(printed.text.contains("address       Road 1, 12345 Town, DE"))
    #expect(printed.text.contains("linked        g1"))
    #expect(!printed.text.contains("erased"))
  }

  @Test("P06 A profile is the JSON with what the options say instead")
  func upsert() async throws {
    channel.answer(Methods.upsertContacts) { (_: CartTrackerV1.UpsertContactsRequest) in
      CartTrackerV1.UpsertContactsResponse(created: 1)
    }
    let command = try ContactsUpsertCommand.parse([
      "here:1", "--store", "shop", "--contact", "ann", "--data",
      #"{"givenName": "Anne", "locale": "de-CH"}"#, "--given-name", "Ann", "--email",
      "ann@shop.invalid", "--clear", "title,address", "--idempotency-key", "k1",
    ])
    try await command.upsert(caller) { printed.add($0) }
    #expect(printed.lines == ["created"])
    let requests: [CartTrackerV1.UpsertContactsRequest] = try channel.requests(
      Methods.upsertContacts)
    let profile = CartTrackerV1.ContactProfile(
      givenName: "Ann", locale: "de-CH",
      destinations: [.init(channel: .email, address: "ann@shop.invalid")],
      cleared: ["title", "address"])
    #expect(
      requests == [
        .init(
          store: "shop", idempotencyKey: "k1", entries: [.init(contact: "ann", profile: profile)])
      ])
  }

  @Test("A field that no profile has is told with its name")
  func upsertWrongField() async throws {
    let command = try ContactsUpsertCommand.parse([
      "here:1", "--store", "shop", "--contact", "ann", "--data", #"{"nickname": "A"}"#,
    ])
    let error = await #expect(throws: CommandError.self) {
      try await command.upsert(caller) { _ in }
    }
    #expect(error?.message.contains("nickname") == true)
  }

  @Test("P02 P09 Tags, links and their taking back are asked for as the options say")
  func changes() async throws {
    let contact = contact
    channel.answer(Methods.tagContact) { (_: CartTrackerV1.TagContactRequest) in contact }
    channel.answer(Methods.link) { (_: CartTrackerV1.LinkRequest) in contact }
    channel.answer(Methods.unlink) { (_: CartTrackerV1.UnlinkRequest) in contact }
    let who = ["here:1", "--store", "shop", "--contact", "ann", "--idempotency-key", "k"]
    let tag = try ContactsTagCommand.parse(who + ["--add", "VIP", "--add", "X Y", "--remove", "Z"])
    try await tag.tag(caller) { printed.add($0) }
    let link = try ContactsLinkCommand.parse(
      who + ["--other", "g1", "--evidence", "login", "--proof", "ann@shop"])
    try await link.link(caller) { printed.add($0) }
    let unlink = try ContactsUnlinkCommand.parse(who + ["--other", "g1", "--note", "wrong person"])
    try await unlink.unlink(caller) { printed.add($0) }
    let tags: [CartTrackerV1.TagContactRequest] = try channel.requests(Methods.tagContact)
    #expect(
      tags == [
        .init(
          store: "shop", idempotencyKey: "k", contact: "ann", added: ["VIP", "X Y"],
          removed: ["Z"])
      ])
    let links: [CartTrackerV1.LinkRequest] = try channel.requests(Methods.link)
    #expect(
      links == [
        .init(
          store: "shop", idempotencyKey: "k", contact: "ann", other: "g1", evidence: .login,
          proof: "ann@shop")
      ])
    let unlinks: [CartTrackerV1.UnlinkRequest] = try channel.requests(Methods.unlink)
    #expect(unlinks.map(\.note) == ["wrong person"])
    let wrong = try ContactsLinkCommand.parse(who + ["--other", "g1", "--evidence", "hunch"])
    await #expect(throws: CommandError.self) { try await wrong.link(caller) { _ in } }
  }
}
