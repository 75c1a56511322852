internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Wire

/// The execution log (M10), newest first.
enum MessageList {
  /// Over all buckets, or the contact's alone. Blocks.
  static func list(
    _ request: NotifierV1.ListMessagesRequest, _ session: any StorageSession
  ) throws -> NotifierV1.ListMessagesResponse {
    var query = request
    query.page = nil
    let digest = try PageToken.digest(query, store: request.store)
    let limit = try Page.limit(request.page)
    let after = try PageToken.byID(request.page, digest: digest)
    var merge = try Merge(request, after, session)
    var page: [MessageRow] = []
    while page.count <= limit, let row = try merge.next() {
      if matches(row, request) { page.append(row) }
    }
    let hasMore = page.count > limit
    if hasMore { page.removeLast() }
    let next = page.last.map {
      PageToken(digest: digest, number: $0.takenAt, text: $0.key.text).encoded
    }
    return .init(
      messages: try page.map { try $0.contract(session) }, next: hasMore ? next ?? "" : "")
  }

  private static func matches(
    _ row: MessageRow, _ request: NotifierV1.ListMessagesRequest
  ) -> Bool {
    let order = row.order
    func fits(_ wanted: String, _ value: String) -> Bool { wanted.isEmpty || wanted == value }
    return (request.channels.isEmpty || request.channels.contains(order.channel))
      && (request.states.isEmpty || request.states.contains(row.state))
      && (request.reasons.isEmpty || request.reasons.contains(row.reason))
      && fits(request.cart, order.cart) && fits(request.enrolment, order.enrolment)
      && fits(request.flow, order.flow) && fits(request.template, order.template)
      && (request.recipient.isEmpty
        || AddressForm.normal(order.channel, request.recipient)
          == AddressForm.normal(order.channel, row.recipient))
  }

  /// The buckets' rows in one order.
  private struct Merge {
    private struct Source {
      let bucket: UInt8
      let cursor: any RowCursor
      var head: MessageRow?
    }

    private var sources: [Source] = []
    private let after: PageToken?

    init(
      _ request: NotifierV1.ListMessagesRequest, _ after: PageToken?, _ session: any StorageSession
    ) throws {
      self.after = after
      let from = request.taken?.from?.microseconds ?? .min
      let to = min(request.taken?.to.map { $0.microseconds - 1 } ?? .max, after?.number ?? .max)
      let isOfContact = !request.contact.isEmpty
      let own = OwnerKey.contact(store: request.store, contact: request.contact).bucket
      for bucket in isOfContact ? own...own : 0...255 as ClosedRange<UInt8> {
        let values: [SQLValue] = [
          .integer(bucket), .text(request.store), .integer(from), .integer(to),
        ]
        let cursor = try session.cursor(
          isOfContact ? MessageStatements.newestOfContact : MessageStatements.newest,
          isOfContact ? values + [.text(request.contact)] : values)
        var source = Source(bucket: bucket, cursor: cursor)
        try advance(&source)
        if source.head != nil { sources.append(source) }
      }
    }

    private func advance(_ source: inout Source) throws {
      while let row = try source.cursor.next() {
        let head = try MessageRow(row, bucket: source.bucket)
        if let after, (head.takenAt, head.key.text) >= (after.number, after.text) { continue }
        source.head = head
        return
      }
      source.head = nil
    }

    mutating func next() throws -> MessageRow? {
      let newest = sources.indices.max { a, b in
        let (a, b) = (sources[a].head, sources[b].head)
        return (a?.takenAt ?? .min, a?.key.text ?? "") < (b?.takenAt ?? .min, b?.key.text ?? "")
      }
      guard let newest else { return nil }
      let row = sources[newest].head
      try advance(&sources[newest])
      if sources[newest].head == nil { sources.remove(at: newest) }
      return row
    }
  }
}
