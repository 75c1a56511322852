internal import ArgumentParser
internal import Foundation
internal import Messages
internal import Stubs
internal import Synchronization
internal import Testing
internal import Wire

@testable internal import Homing
@testable internal import Transport

@Suite struct CartsCommandTests {
  private typealias Methods = CartTrackerV1.CartTrackerMethods

  private let channel = TrackerChannel()
  private let printed = PrintedLines()
  private var caller: TrackerCaller { TrackerCaller(channel, timeout: .seconds(1)) }

  private static func row(_ number: Int) -> CartTrackerV1.CartRow {
    let line = CartTrackerV1.CartLine(
      sku: "MUG", name: "Mug", quantity: .init(units: 2),
      unitPrice: .init(currencyCode: "EUR", units: 12, nanos: 500_000_000))
    let cart = CartTrackerV1.Cart(
      store: "shop", id: "c\(number)", contact: "ann", state: .abandoned,
      header: .init(kind: .quote, stage: .payment), lines: [line, line],
      quantities: [.init(units: 4)], totals: [.init(currencyCode: "EUR", units: 50)],
      abandonedAt: .init(seconds: 1_795_341_600))
    return CartTrackerV1.CartRow(cart: cart, contactName: "Ann A.", email: "ann@shop.invalid")
  }

  private func answerPages(_ sizes: [Int]) {
    for (index, size) in sizes.enumerated() {
      channel.answer(Methods.listCarts) { (_: CartTrackerV1.ListCartsRequest) in
        CartTrackerV1.ListCartsResponse(
          rows: (0..<size).map(CartsCommandTests.row),
          next: index == sizes.count - 1 ? "" : "page\(index + 1)")
      }
    }
  }

  private func list(_ arguments: String...) async throws {
    let command = try CartsListCommand.parse(["here:1", "--store", "shop"] + arguments)
    try await command.list(caller) { printed.add($0) }
  }

  @Test("L01 A list reads page after page and prints one heading")
  func pages() async throws {
    answerPages([3, 3, 1])
    try await list()
    let requests: [CartTrackerV1.ListCartsRequest] = try channel.requests(Methods.listCarts)
    #expect(requests.map { $0.page?.after ?? "" } == ["", "page1", "page2"])
    #expect(printed.lines.count == 8)
    #expect(printed.lines[0].hasPrefix("CART  ABANDONED AT"))
    #expect(
      printed.lines[1].split(separator: " ", omittingEmptySubsequences: true) == [
        "c0", "2026-11-22T10:00:00Z", "abandoned", "quote", "payment", "4", "50.00", "EUR", "Ann",
        "A.", "ann@shop.invalid",
      ])
  }

  @Test("A limit ends the list in the middle of a page and asks for no more than it needs")
  func limit() async throws {
    answerPages([2, 2])
    try await list("--limit", "3", "--json")
    #expect(printed.lines.count == 3)
    let requests: [CartTrackerV1.ListCartsRequest] = try channel.requests(Methods.listCarts)
    #expect(requests.map { $0.page?.limit } == [3, 1])
  }

  @Test("L02 L03 L04 Every filter, search, sort and column gets into the query")
  func query() async throws {
    answerPages([0])
    try await list(
      "--from", "2026-11-01", "--to", "2026-11-22T10:00:00Z", "--state", "open,abandoned",
      "--kind", "quote", "--place", "portal", "--offer-class", "capital-goods", "--stage",
      "payment", "--reason", "shipping_cost,tax", "--company", "a,b", "--score-min", "50",
      "--product", "mug", "--sku", "MU", "--customer", "ann", "--contact-detail", "@shop",
      "--total", "12.50 eur", "--contact", "ann", "--sort", "total", "--ascending", "--columns",
      "total,email", "--lines")
    let requests: [CartTrackerV1.ListCartsRequest] = try channel.requests(Methods.listCarts)
    #expect(
      requests.first?.query
        == CartTrackerV1.CartQuery(
          abandoned: .init(
            from: .init(seconds: 1_793_491_200), to: .init(seconds: 1_795_341_600)),
          states: [.open, .abandoned], kinds: [.quote], places: [.portal],
          offerClasses: [.capitalGoods], stages: [.payment], reasons: [.shippingCost, .tax],
          companies: ["a", "b"], scoreMin: 50, productName: "mug", sku: "MU", customerName: "ann",
          contactDetail: "@shop", total: .init(currencyCode: "EUR", units: 12, nanos: 500_000_000),
          sort: .total, ascending: true, columns: [.total, .email], withLines: true,
          contact: "ann"))
  }

  @Test(
    "What an option does not know is told with what it knows",
    arguments: [
      ["--state", "lost"], ["--from", "yesterday"], ["--total", "12"], ["--sort", "colour"],
      ["--total", "x EUR"],
    ])
  func wrongOptions(arguments: [String]) async throws {
    let command = try CartsListCommand.parse(["here:1", "--store", "shop"] + arguments)
    let error = await #expect(throws: CommandError.self) {
      try await command.list(caller) { _ in }
    }
    #expect(error?.message.contains(arguments[0]) == true)
  }

  @Test("L05 With its lines a cart takes a table row for each")
  func lines() async throws {
    answerPages([1])
    try await list("--lines", "--columns", "total")
    #expect(printed.lines[0].hasSuffix("SKU  PRODUCT  QUANTITY      PRICE"))
    #expect(printed.lines[1].hasPrefix("c0"))
    #expect(printed.lines[2].hasPrefix(" "))
    #expect(printed.lines[2].hasSuffix("MUG  Mug             2  12.50 EUR"))
  }

  @Test("JSON is the contract's mapping, an object a line")
  func json() async throws {
    answerPages([1])
    try await list("--json")
    #expect(
      printed.lines.first?.hasPrefix(
        #"{"cart":{"store":"shop","id":"c0","contact":"ann","state":"CART_STATE_ABANDONED""#)
        == true)
    let requests: [CartTrackerV1.ListCartsRequest] = try channel.requests(Methods.listCarts)
    #expect(requests.first?.query?.columns == [])
  }

  @Test("One cart is shown with what is known of it and nothing else")
  func show() async throws {
    channel.answer(Methods.getCart) { (request: CartTrackerV1.GetCartRequest) in
      #expect(request == .init(store: "shop", cart: "c1"))
      return CartsCommandTests.row(1).cart ?? .init()
    }
    let command = try CartsShowCommand.parse(["here:1", "--store", "shop", "--cart", "c1"])
    try await command.show(caller) { printed.add($0) }
    #expect(printed.text.contains("total      50.00 EUR"))
    #expect(!printed.text.contains("deadline"))
    #expect(printed.lines.last == "MUG  Mug             2  12.50 EUR")
  }

  @Test("L07 The server's CSV goes out byte for byte, rows as JSON lines with their lines")
  func export() async throws {
    try channel.stream(
      Methods.exportCarts,
      [
        CartTrackerV1.ExportCartsResponse(csv: Array("\"a\",\"b".utf8)),
        CartTrackerV1.ExportCartsResponse(csv: Array("\"\r\n".utf8)),
      ])
    var bytes: [UInt8] = []
    let csv = try CartsExportCommand.parse(["here:1", "--store", "shop", "--csv"])
    try await csv.export(caller) { bytes += $0 }
    #expect(String(decoding: bytes, as: UTF8.self) == "\"a\",\"b\"\r\n")
    try channel.stream(
      Methods.exportCarts, [CartTrackerV1.ExportCartsResponse(rows: [Self.row(1), Self.row(2)])])
    bytes = []
    let rows = try CartsExportCommand.parse(["here:1", "--store", "shop"])
    try await rows.export(caller) { bytes += $0 }
    #expect(String(decoding: bytes, as: UTF8.self).split(separator: "\n").count == 2)
    let requests: [CartTrackerV1.ExportCartsRequest] = try channel.requests(Methods.exportCarts)
    #expect(requests.map(\.csv) == [true, false])
    #expect(requests.allSatisfy { $0.query?.withLines == true })
  }

  @Test("A watch prints each change, and in JSON where to go on")
  func watch() async throws {
    let episode = CartTrackerV1.Episode(
      cart: "c1", contact: "ann\u{1b}[2J", state: .running,
      abandonedAt: .init(seconds: 1_795_341_600))
    try channel.stream(
      Methods.watchEpisodes,
      [
        CartTrackerV1.WatchEpisodesResponse(episodes: [episode], next: "n1"),
        CartTrackerV1.WatchEpisodesResponse(next: "n2"),
      ])
    let text = try CartsWatchCommand.parse(["here:1", "--store", "shop", "--after", "n0"])
    try await text.watch(caller) { printed.add($0) }
    #expect(
      printed.lines == [
        "2026-11-22T10:00:00Z  running  cart c1  contact ann\\u{1b}[2J  "
          + "abandoned 2026-11-22T10:00:00Z"
      ])
    let json = try CartsWatchCommand.parse(["here:1", "--store", "shop", "--json"])
    try await json.watch(caller) { printed.add($0) }
    #expect(printed.lines.last?.hasSuffix(#""next":"n1"}"#) == true)
    let requests: [CartTrackerV1.WatchEpisodesRequest] = try channel.requests(Methods.watchEpisodes)
    #expect(requests.map(\.after) == ["n0", ""])
  }

  @Test("Episodes and counts are asked for as the options say")
  func episodesAndCounts() async throws {
    channel.answer(Methods.listEpisodes) { (_: CartTrackerV1.ListEpisodesRequest) in
      CartTrackerV1.ListEpisodesResponse(episodes: [
        .init(cart: "c1", guest: "g1", trigger: .deadline)
      ])
    }
    channel.answer(Methods.countCarts) { (_: CartTrackerV1.CountCartsRequest) in
      CartTrackerV1.CartCounts(carts: 7, stages: [.init(stage: .payment, reached: 3, left: 2)])
    }
    let episodes = try CartsEpisodesCommand.parse([
      "here:1", "--store", "shop", "--state", "withdrawn", "--trigger", "deadline",
    ])
    try await episodes.list(caller) { printed.add($0) }
    #expect(printed.lines.last?.contains("g1") == true)
    let count = try CartsCountCommand.parse(["here:1", "--store", "shop", "--kind", "quote"])
    try await count.count(caller) { printed.add($0) }
    #expect(printed.lines.last == "payment        3     2")
    let asked: [CartTrackerV1.ListEpisodesRequest] = try channel.requests(Methods.listEpisodes)
    #expect(asked.first?.query == .init(states: [.withdrawn], triggers: [.deadline]))
    let counted: [CartTrackerV1.CountCartsRequest] = try channel.requests(Methods.countCarts)
    #expect(counted.first?.kinds == [.quote])
  }
}

@Suite struct EnumTextTests {
  @Test("Every value has a short name that reads back")
  func names() {
    #expect(
      CartTexts.kind.names == ["cart", "quote", "configuration", "reorder", "signup", "order"])
    #expect(CartTexts.reason.names.count == 17)
    #expect(CartTexts.column.names.count == 13)
    for name in CartTexts.reason.names {
      #expect(CartTexts.reason.value(name).map(CartTexts.reason.name) == name)
    }
    #expect(CartTexts.offerClass.value("Capital-Goods") == .capitalGoods)
    #expect(CartTexts.kind.value("unspecified") == nil)
    #expect(CartTexts.kind.name(.unspecified) == "")
    #expect(CartTexts.kind.name(CartTrackerV1.CartKind(rawValue: 99)) == "99")
  }
}
