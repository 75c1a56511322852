internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Wire

/// A store's pieces (D07), newest first.
enum PieceList {
  /// Over all buckets, or the contact's alone. Blocks.
  static func list(
    _ request: DirectMailV1.ListMailPiecesRequest, _ session: any StorageSession
  ) throws -> DirectMailV1.ListMailPiecesResponse {
    var query = request
    query.page = nil
    let digest = try PageToken.digest(query, store: request.store)
    let limit = try PageLimit.rows(request.page)
    let after = try PageToken.byID(request.page, digest: digest)
    var merge = try Merge(request, after, session)
    var page: [PieceRow] = []
    while page.count <= limit, let row = try merge.next() {
      if matches(row, request) { page.append(row) }
    }
    let hasMore = page.count > limit
    if hasMore { page.removeLast() }
    let next = page.last.map {
      PageToken(digest: digest, number: $0.takenAt, text: $0.key.text).encoded
    }
    return .init(pieces: page.map(\.contract), next: hasMore ? next ?? "" : "")
  }

  private static func matches(
    _ row: PieceRow, _ request: DirectMailV1.ListMailPiecesRequest
  ) -> Bool {
    let order = row.order
    func fits(_ wanted: String, _ value: String) -> Bool { wanted.isEmpty || wanted == value }
    return (request.states.isEmpty || request.states.contains(row.state))
      && (request.reasons.isEmpty || request.reasons.contains(row.reason))
      && fits(request.cart, order.cart) && fits(request.enrolment, order.enrolment)
      && fits(request.flow, order.flow)
      && (request.batch.isEmpty || UUIDText.bytes(request.batch) == row.batch)
  }

  /// The buckets' rows in one order.
  private struct Merge {
    private struct Source {
      let bucket: UInt8
      let cursor: any RowCursor
      var head: PieceRow?
    }

    private var sources: [Source] = []
    private let after: PageToken?

    init(
      _ request: DirectMailV1.ListMailPiecesRequest, _ after: PageToken?,
      _ session: any StorageSession
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
          isOfContact ? PieceStatements.newestOfContact : PieceStatements.newest,
          isOfContact ? values + [.text(request.contact)] : values)
        var source = Source(bucket: bucket, cursor: cursor)
        try advance(&source)
        if source.head != nil { sources.append(source) }
      }
    }

    private func advance(_ source: inout Source) throws {
      while let row = try source.cursor.next() {
        let head = try PieceRow(row, bucket: source.bucket)
        if let after, (head.takenAt, head.key.text) >= (after.number, after.text) { continue }
        source.head = head
        return
      }
      source.head = nil
    }

    mutating func next() throws -> PieceRow? {
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
