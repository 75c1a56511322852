internal import Delivery
internal import Messages
internal import Stubs
internal import Transport

/// Sends rows of tags to the tracker.
struct TagSender: Sendable {
  let tracker: CartTrackerV1.CartTrackerClient

  func send(_ rows: [OutboxRow]) async -> [CommonV1.Receipt] {
    await RowCalls.send(rows) { body in
      let request = try CartTrackerV1.TagContactRequest(encoded: body)
      let options = CallOptions(timeout: RowCalls.timeout)
      _ = try await tracker.tagContact(request, options: options)
      return (.stored, "")
    }
  }
}
