internal import Messages
internal import ServiceKit
internal import Stubs
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import Notifier

@Suite struct MessageListTests {
  private func start() async throws -> (NotifierFixture, [CommonV1.SendOrder]) {
    let provider = ScriptedProvider()
    let notifier = try await NotifierFixture.start(lanes: [provider.lane])
    try await notifier.allowTests()
    try await notifier.putTemplate()
    var orders: [CommonV1.SendOrder] = []
    for number in 1...9 {
      let order = notifier.order(number, contact: "anna-\(number % 3)") {
        $0.cart = "cart-\(number)"
        $0.flow = number < 5 ? "one" : "two"
        if number == 9 { $0.dueAt = (notifier.clock.now + .seconds(600)).timestamp }
      }
      orders.append(order)
      try await notifier.send([order], from: UInt64(number))
      try await notifier.advance(by: .seconds(1))
    }
    return (notifier, orders)
  }

  @Test("M10 The log lists newest first, page by page, every message exactly once")
  func pages() async throws {
    let (notifier, orders) = try await start()
    var found: [String] = []
    var after = ""
    repeat {
      let page = try await notifier.client.listMessages(
        .init(store: "shop", page: .init(limit: 4, after: after)))
      #expect(page.messages.count <= 4)
      found += page.messages.compactMap { $0.order?.id }
      after = page.next
    } while !after.isEmpty
    #expect(found == orders.reversed().map(\.id))
    await notifier.stop()
  }

  @Test("M10 Filters narrow the log")
  func filters() async throws {
    let (notifier, orders) = try await start()
    func numbers(
      _ change: (inout NotifierV1.ListMessagesRequest) -> Void
    ) async throws -> [Int] {
      var request = NotifierV1.ListMessagesRequest(store: "shop")
      change(&request)
      let answer = try await notifier.client.listMessages(request)
      return answer.messages.compactMap { message in
        orders.firstIndex { $0.id == message.order?.id }.map { $0 + 1 }
      }
    }
    #expect(try await numbers { $0.contact = "anna-1" } == [7, 4, 1])
    #expect(try await numbers { $0.cart = "cart-5" } == [5])
    #expect(try await numbers { $0.flow = "one" } == [4, 3, 2, 1])
    #expect(try await numbers { $0.states = [.waiting] } == [9])
    #expect(try await numbers { $0.channels = [.email] } == [])
    #expect(try await numbers { $0.template = "hello" }.count == 9)
    #expect(try await numbers { $0.recipient = "+999 12345" }.count == 8)
    #expect(try await numbers { $0.store = "other" } == [])
    let from = NotifierFixture.morning + .seconds(6)
    #expect(try await numbers { $0.taken = .init(from: from.timestamp) } == [9, 8, 7])
    #expect(try await numbers { $0.taken = .init(to: from.timestamp) } == [6, 5, 4, 3, 2, 1])
    await notifier.stop()
  }

  @Test("A page's token of another query, and one that is none, are refused")
  func tokens() async throws {
    let (notifier, _) = try await start()
    let page = try await notifier.client.listMessages(.init(store: "shop", page: .init(limit: 2)))
    for (store, after) in [("other", page.next), ("shop", "x"), ("shop", page.next + "A")] {
      let error = try await rpcError {
        try await notifier.client.listMessages(.init(store: store, page: .init(after: after)))
      }
      #expect(error.code == .invalidArgument)
    }
    #expect(
      try await rpcError {
        try await notifier.client.getMessage(
          .init(store: "other", message: page.messages[0].order!.id))
      }.code == .notFound)
    await notifier.stop()
  }
}
