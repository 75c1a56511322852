internal import Messages
internal import ServiceKit
internal import Stubs
internal import TestSupport
internal import Testing
internal import Wire

@testable internal import DirectMail

@Suite struct PieceListTests {
  private func start() async throws -> (DirectMailFixture, [CommonV1.SendOrder]) {
    let mail = try await DirectMailFixture.start()
    try await mail.putTemplate()
    var orders: [CommonV1.SendOrder] = []
    for number in 1...9 {
      let order = mail.order(number, contact: "anna-\(number % 3)") {
        $0.cart = "cart-\(number)"
        $0.flow = number < 5 ? "one" : "two"
      }
      orders.append(order)
      try await mail.send([order], from: UInt64(number))
      try await mail.advance(by: .seconds(1))
    }
    return (mail, orders)
  }

  @Test("D07 Pieces are listed newest first, page by page, every one exactly once")
  func pages() async throws {
    let (mail, orders) = try await start()
    var found: [String] = []
    var after = ""
    repeat {
      let page = try await mail.client.listMailPieces(
        .init(store: "shop", page: .init(limit: 4, after: after)))
      #expect(page.pieces.count <= 4)
      found += page.pieces.compactMap { $0.order?.id }
      after = page.next
    } while !after.isEmpty
    #expect(found == orders.reversed().map(\.id))
    await mail.stop()
  }

  @Test("D07 Filters narrow the list, and tokens belong to their query")
  func filters() async throws {
    let (mail, orders) = try await start()
    func numbers(
      _ change: (inout DirectMailV1.ListMailPiecesRequest) -> Void
    ) async throws -> [Int] {
      var request = DirectMailV1.ListMailPiecesRequest(store: "shop")
      change(&request)
      return try await mail.client.listMailPieces(request).pieces.compactMap { piece in
        orders.firstIndex { $0.id == piece.order?.id }.map { $0 + 1 }
      }
    }
    #expect(try await numbers { $0.contact = "anna-1" } == [7, 4, 1])
    #expect(try await numbers { $0.cart = "cart-5" } == [5])
    #expect(try await numbers { $0.flow = "one" } == [4, 3, 2, 1])
    #expect(try await numbers { $0.states = [.skipped] } == [])
    let from = DirectMailFixture.morning + .seconds(6)
    #expect(try await numbers { $0.taken = .init(from: from.timestamp) } == [9, 8, 7])
    let batch = try #require(try await mail.batches().first)
    #expect((batch.state, batch.pieces) == (.open, 9))
    #expect(try await numbers { $0.batch = batch.id }.count == 9)
    let page = try await mail.client.listMailPieces(.init(store: "shop", page: .init(limit: 2)))
    let error = try await rpcError {
      try await mail.client.listMailPieces(
        .init(store: "shop", page: .init(after: page.next), flow: "one"))
    }
    #expect(error.code == .invalidArgument)
    #expect(
      try await rpcError {
        try await mail.client.getMailPiece(.init(store: "other", piece: orders[0].id))
      }.code == .notFound)
    await mail.stop()
  }

  @Test("D06 Batches are listed latest cut-off first, page by page")
  func batches() async throws {
    let mail = try await DirectMailFixture.start(settings: ["HOMING_CUT_OFF_EVERY": "1h"])
    try await mail.putTemplate()
    for number in 1...5 {
      try await mail.send([mail.order(number)], from: UInt64(number))
      try await mail.advance(by: .seconds(3600))
    }
    var found: [Int64] = []
    var after = ""
    repeat {
      let page = try await mail.client.listBatches(
        .init(store: "shop", page: .init(limit: 2, after: after)))
      #expect(page.batches.count <= 2)
      found += page.batches.map { ($0.cutOffAt?.seconds ?? 0) / 3600 }
      after = page.next
    } while !after.isEmpty
    #expect(found.count == 5)
    #expect(found == found.sorted(by: >))
    #expect(TestFiles.names(mail.letters).count == 5)
    await mail.stop()
  }
}
