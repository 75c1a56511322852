internal import ArgumentParser
internal import Foundation
internal import Messages
internal import Stubs
internal import Testing
internal import Wire

@testable internal import Homing
@testable internal import Transport

@Suite struct StoresCommandTests {
  private typealias Methods = CartTrackerV1.CartTrackerMethods

  private let channel = TrackerChannel()
  private let printed = PrintedLines()
  private var caller: TrackerCaller { TrackerCaller(channel, timeout: .seconds(1)) }
  private static let settings = CartTrackerV1.StoreSettings(
    name: "The shop", controller: "acme", timeZone: "Europe/Berlin", locale: "de",
    countryCode: "DE", detection: true, window: .init(length: .months(1)),
    checkoutGrace: .init(.seconds(900)))

  private func put(_ arguments: String...) async throws -> CartTrackerV1.PutStoreRequest? {
    channel.answer(Methods.putStore) { (request: CartTrackerV1.PutStoreRequest) in
      CartTrackerV1.Store(id: "shop", settings: request.settings, revision: request.revision + 1)
    }
    let command = try StoresPutCommand.parse(["here:1", "--store", "shop"] + arguments)
    try await command.put(caller) { printed.add($0) }
    let requests: [CartTrackerV1.PutStoreRequest] = try channel.requests(Methods.putStore)
    return requests.last
  }

  private func answerPresent() {
    channel.answer(Methods.getStore) { (_: CartTrackerV1.GetStoreRequest) in
      CartTrackerV1.Store(id: "shop", settings: Self.settings, revision: 4)
    }
  }

  @Test("C15 Of a store that is there only what the options name is changed")
  func change() async throws {
    answerPresent()
    let request = try await put("--window", "90s", "--detection", "off", "--lateness", "10m")
    var expected = Self.settings
    expected.window = .init(length: .span(.init(.seconds(90))))
    expected.detection = false
    expected.allowedLateness = .init(.seconds(600))
    #expect(request?.settings == expected)
    #expect(request?.revision == 4)
    #expect(printed.text.contains("window            90s"))
  }

  @Test("A new store is made from the options, or from JSON")
  func new() async throws {
    channel.answer(Methods.getStore) { (_: CartTrackerV1.GetStoreRequest) -> CartTrackerV1.Store in
      throw RPCError(.notFound, "no such store")
    }
    let request = try await put(
      "--name", "The shop", "--controller", "acme", "--time-zone", "Europe/Berlin", "--locale",
      "de", "--country", "DE", "--detection", "on", "--window", "1mo", "--checkout-grace", "15m",
      "--idempotency-key", "k")
    #expect(request == .init(store: "shop", idempotencyKey: "k", settings: Self.settings))
    let json =
      #"{"name": "The shop", "controller": "acme", "timeZone": "Europe/Berlin", "#
      + #""locale": "de", "countryCode": "DE", "detection": true, "window": {"months": 1}, "#
      + #""checkoutGrace": "900s"}"#
    #expect(try await put("--data", json)?.settings == Self.settings)
  }

  @Test("F15 Hours are set channel by channel, and shown")
  func hours() async throws {
    answerPresent()
    let request = try await put(
      "--hours", "sms=09:00-18:00", "--hours", "email=mon-fri 08:00-20:00")
    #expect(
      request?.settings?.windows == [
        .init(channel: .sms, window: .init(fromMinute: 540, toMinute: 1080)),
        .init(
          channel: .email,
          window: .init(fromMinute: 480, toMinute: 1200, weekdays: [1, 2, 3, 4, 5])),
      ])
    #expect(printed.text.contains("sms 09:00-18:00, email mon-fri 08:00-20:00"))
  }

  @Test("F15 Caps are set together, shown, and taken away")
  func caps() async throws {
    answerPresent()
    let request = try await put("--cap", "person=2/7d", "--cap", "company=10/720h:email,letter")
    #expect(
      request?.settings?.caps == [
        .init(scope: .person, count: 2, period: .init(.seconds(7 * 86_400))),
        .init(
          scope: .company, count: 10, period: .init(.seconds(30 * 86_400)),
          channels: [.email, .letter]),
      ])
    #expect(request?.settings?.uncapped == false)
    #expect(printed.text.contains("person 2 in 7d, company 10 in 30d (email, letter)"))
    let none = try await put("--cap", "none")
    #expect(none?.settings?.caps == [] && none?.settings?.uncapped == true)
    #expect(printed.lines.contains("caps            none"))
    let standard = try await put("--cap", "default")
    #expect(standard?.settings?.caps == [] && standard?.settings?.uncapped == false)
    #expect(printed.text.contains("person 3 in 7d (default)"))
  }

  @Test("JSON replaces all settings of a store that is there")
  func replace() async throws {
    answerPresent()
    let json =
      #"{"name": "Other", "controller": "c", "timeZone": "UTC", "locale": "en", "#
      + #""countryCode": "CH", "window": {"span": "60s"}}"#
    let request = try await put("--data", json, "--revision", "9")
    #expect(request?.settings?.name == "Other")
    #expect(request?.settings?.checkoutGrace == nil)
    #expect(request?.revision == 9)
  }

  @Test(
    "An option that cannot be read is told with its name",
    arguments: [
      ["--window", "0h"], ["--detection", "yes"], ["--feed-limit", "soon"],
      ["--hours", "letter=08:00-20:00"], ["--hours", "sms=always"],
      ["--cap", "person=3"], ["--cap", "nobody=3/7d"], ["--cap", "person=0/7d"],
      ["--cap", "person=3/0"], ["--cap", "person=3/7d:webhook"], ["--cap", "person=3/7d:"],
      ["--cap", "none", "--cap", "person=3/7d"],
    ])
  func wrong(arguments: [String]) async throws {
    answerPresent()
    let command = try StoresPutCommand.parse(["here:1", "--store", "shop"] + arguments)
    let error = await #expect(throws: CommandError.self) {
      try await command.put(caller) { _ in }
    }
    #expect(error?.message.contains(arguments[0]) == true)
  }

  @Test("Stores are listed and shown")
  func list() async throws {
    channel.answer(Methods.listStores) { (_: CartTrackerV1.ListStoresRequest) in
      CartTrackerV1.ListStoresResponse(
        stores: [CartTrackerV1.Store(id: "shop", settings: Self.settings, revision: 4)])
    }
    answerPresent()
    let list = try StoresListCommand.parse(["here:1"])
    try await list.list(caller) { printed.add($0) }
    #expect(
      printed.lines.last
        == "shop   The shop  on            1mo  Europe/Berlin         4")
    let show = try StoresShowCommand.parse(["here:1", "--store", "shop", "--json"])
    try await show.show(caller) { printed.add($0) }
    #expect(printed.lines.last?.hasPrefix(#"{"id":"shop","settings":{"name":"The shop""#) == true)
  }
}
