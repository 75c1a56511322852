@testable internal import Delivery
internal import Messages
internal import Testing

@Suite struct IntakeClientTests {
  @Test("A request put together from rows is the message that the contract has")
  func isTheMessage() throws {
    let outbox = "018f4c3e-7b2a-7c1d-9e5f-0123456789ab"
    let places: [(UInt8, UInt64)] = [
      (0, 1), (1, 127), (127, 128), (128, 16_383), (255, 16_384), (200, UInt64(Int64.max)),
    ]
    var wanted = SchedulerV1.TakeChangesRequest(outbox: outbox)
    var rows: [OutboxRow] = []
    for (index, (bucket, seq)) in places.enumerated() {
      var change = CartTrackerV1.Change(
        store: "shop", contact: String(repeating: "x", count: index * 60),
        anchor: CommonV1.Anchor(at: Protobuf.Timestamp(seconds: 5)),
        kind: .signal(CartTrackerV1.Signal(name: "n")))
      rows.append(OutboxRow(bucket: bucket, seq: seq, createdAt: 0, body: try change.encoded()))
      change.position = CommonV1.Position(bucket: UInt32(bucket), seq: seq)
      if change.contact.utf8.count <= 128 {
        wanted.changes.append(change)
      } else {
        rows.removeLast()
      }
    }
    let request = IntakeClient.request(outbox, rows)
    #expect(try SchedulerV1.TakeChangesRequest(encoded: request) == wanted)
    #expect(request == (try wanted.encoded()))
  }

  @Test("Orders and outcomes are put together alike")
  func isAlike() throws {
    let row = CommonV1.SendOrders.Row(
      position: CommonV1.Position(bucket: 9, seq: 3),
      action: .cancel(
        CommonV1.CancelOrder(id: "a", store: "s", channel: .email, reason: .purchased)))
    var body = row
    body.position = nil
    let request = IntakeClient.request(
      "o", [OutboxRow(bucket: 9, seq: 3, createdAt: 0, body: try body.encoded())])
    #expect(
      try CommonV1.SendOrders(encoded: request) == CommonV1.SendOrders(outbox: "o", rows: [row]))
  }
}
