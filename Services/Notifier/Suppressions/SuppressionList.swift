internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Wire

/// Lists the suppressions that hold for a store, the controller's included.
enum SuppressionList {
  private struct Found {
    let since: Int64
    let key: [UInt8]
    let suppression: Suppression

    var place: (Int64, String) { (since, UUIDText.text(key)) }
  }

  /// Newest first. Over all buckets; blocks.
  static func list(
    _ request: NotifierV1.ListSuppressionsRequest, controller: String,
    _ session: any StorageSession
  ) throws -> NotifierV1.ListSuppressionsResponse {
    var query = request
    query.page = nil
    let digest = try PageToken.digest(query, store: request.store)
    let limit = try Page.limit(request.page)
    let after = try PageToken.byID(request.page, digest: digest)
    let scopes = [
      SuppressionDesk.Scope.store(request.store), SuppressionDesk.Scope.controller(controller),
    ]
    var found: [Found] = []
    for bucket in 0..<256 {
      for scope in scopes {
        var count = 0
        try session.rows(
          AddressStatements.suppressions,
          [.integer(bucket), .text(scope), .integer(after?.number ?? .max)]
        ) { row in
          let one = Found(
            since: try row.integer(0), key: try row.blob(1), suppression: try suppression(row))
          let isAfter = after.map { one.place < ($0.number, $0.text) } ?? true
          if isAfter && matches(one.suppression, request) {
            found.append(one)
            count += 1
          }
          return count <= limit
        }
      }
    }
    found.sort { $0.place > $1.place }
    let page = found.prefix(limit)
    let next = page.last.map {
      PageToken(digest: digest, number: $0.place.0, text: $0.place.1).encoded
    }
    return .init(
      suppressions: page.map(\.suppression.contract),
      next: found.count > page.count ? next ?? "" : "")
  }

  private static func suppression(_ row: Row) throws -> Suppression {
    Suppression(
      channel: .init(rawValue: Int32(truncatingIfNeeded: try row.integer(2))),
      address: try row.text(3),
      cause: .init(rawValue: Int32(truncatingIfNeeded: try row.integer(4))),
      isOfController: try row.integer(5) == 1, since: try row.integer(0),
      until: try row.optionalInteger(6), evidence: try row.text(7), message: try row.text(8))
  }

  private static func matches(
    _ one: Suppression, _ request: NotifierV1.ListSuppressionsRequest
  ) -> Bool {
    if request.channel != .unspecified && one.channel != request.channel { return false }
    if !request.causes.isEmpty && !request.causes.contains(one.cause) { return false }
    return request.address.isEmpty
      || AddressForm.normal(one.channel, request.address) == one.address
  }
}
