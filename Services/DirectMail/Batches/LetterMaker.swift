internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Texts

/// Puts together what one letter is made from.
struct LetterMaker {
  private let rooms: BatchCloser.Rooms
  private let batch: BatchRow
  let store: CartTrackerV1.Store
  private let date: Instant

  init(
    _ rooms: BatchCloser.Rooms, _ batch: BatchRow, _ store: CartTrackerV1.Store, _ date: Instant
  ) {
    self.rooms = rooms
    self.batch = batch
    self.store = store
    self.date = date
  }

  var controller: String { store.settings?.controller ?? "" }

  /// BCP 47: what the recipient reads.
  func locale(_ facts: CartTrackerV1.Facts) -> String {
    let own = facts.contact?.profile?.locale ?? ""
    return own.isEmpty ? store.settings?.locale ?? "" : own
  }

  /// The template as it is now; nil where there is none any more.
  func template(_ piece: PieceRow, _ facts: CartTrackerV1.Facts) -> DirectMailV1.Template? {
    rooms.templates.variant(
      piece.order.store, piece.order.template, for: locale(facts),
      storeLocale: store.settings?.locale ?? "")
  }

  func letter(
    _ piece: PieceRow, _ facts: CartTrackerV1.Facts, _ template: DirectMailV1.Template
  ) -> LetterOrder {
    LetterOrder(
      order: piece.order, facts: facts, store: store, template: template, locale: locale(facts),
      cartLink: rooms.links.address(.cart, piece.key, now: date),
      objectionLink: rooms.links.address(.objection, piece.key, now: date),
      objectionCode: rooms.links.code(piece.key), isSample: batch.isSample, date: date)
  }

  /// Where the code leads: the cart as the shop restores it (M07), else the shop.
  func target(_ piece: PieceRow, _ facts: CartTrackerV1.Facts) -> String {
    let cart = facts.carts.first { !piece.order.cart.isEmpty && $0.id == piece.order.cart }
    let url = cart?.header?.url ?? ""
    if WebURL(url) != nil { return url }
    let website = store.settings?.imprint?.website ?? ""
    return WebURL(website) == nil ? "" : website
  }

  /// What was stored with a piece's grant.
  func stored(_ piece: PieceRow, _ session: any StorageSession) throws -> LetterOrder? {
    let content = try session.first(
      PieceStatements.content, [piece.key.bucketValue, piece.key.idValue]
    ) { (try $0.text(2), try $0.blob(4)) }
    guard let (locale, bytes) = content else { return nil }
    let template = try TemplateBook.version(
      piece.order.store, piece.order.template, locale, piece.log.templateVersion, session)
    guard let template else { return nil }
    let facts = try Stored.decode(CartTrackerV1.Facts.self, bytes, "content")
    return letter(piece, facts, template)
  }
}
