internal import Messages
internal import Storage

/// Pages of contacts in order of their ids: all of a store, those found, or those with a tag (P04).
struct ContactList {
  let store: String
  let list: ListPlan

  /// - Throws: `MessageError` where the request cannot be encoded.
  init(_ request: Tracked.ListContactsRequest) throws {
    store = request.store
    let order = ListOrder(terms: [.init("id", .text)])
    var query = request
    query.page = nil
    var list = ListPlan(
      "contacts", table: "contact", order: order, isIndexed: true,
      digest: try PageToken.digest(query, store: request.store))
    list.require { "store = \($0(.text(request.store)))" }
    list.require("search", contains: request.search)
    self.list = list
  }

  /// - Throws: `MessageError` where the request cannot be encoded.
  init(_ request: Tracked.ListTaggedRequest) throws {
    store = request.store
    let order = ListOrder(terms: [.init("contact", .text)])
    var query = request
    query.page = nil
    var list = ListPlan(
      "tagged contacts", table: "contact_tag", order: order, isIndexed: true,
      digest: try PageToken.digest(query, store: request.store))
    list.require { "store = \($0(.text(request.store)))" }
    list.require { "tag = \($0(.text(request.tag)))" }
    self.list = list
  }

  /// Bytes after which a page ends early, so that its answer fits into a frame.
  static let bytesMax = 2 << 20

  /// One page. Blocks; one call is one snapshot.
  ///
  /// - Throws: INVALID_ARGUMENT for a page that is not of this query.
  func page(
    _ page: CommonV1.Page?, in session: any StorageSession
  ) throws -> Tracked.ListContactsResponse {
    let page = try list.page(page)
    let positions = try list.positions(
      after: page.token?.position, version: nil, limit: page.limit + 1, in: session)
    var answer = Tracked.ListContactsResponse()
    var bytes = 0
    var last: ListPosition?
    for position in positions.prefix(page.limit) {
      if bytes > ContactList.bytesMax { break }
      last = position
      let identity = Identity(store: store, kind: .contact, id: position.text(0))
      guard let group = try ListedPersons(session: session).group(identity) else { continue }
      let contact = ContactMessage.contact(group)
      bytes += try contact.encoded().count
      answer.contacts.append(contact)
    }
    if let last, last != positions.last {
      answer.next = PageToken(digest: list.digest, version: 0, position: last).text
    }
    return answer
  }
}
