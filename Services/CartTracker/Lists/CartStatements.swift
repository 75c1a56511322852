internal import Storage

/// What is written and read for the lists, where the text does not depend on a query.
enum CartStatements {
  /// Writes the row that the lists see of a cart; values are those of `CartColumns`.
  ///
  /// A row that is as it was keeps its version: folding a person anew writes all its carts, and
  /// pages that are being read must not take those for changed. What mostly changes is compared
  /// first. The key has the store in it, so that it stays: set again, it would move the row in its
  /// index.
  static let upsertCart = Statement(
    name: "upsert cart",
    sql: """
      INSERT INTO cart(bucket, person, cart, store, contact, state, kind, place, offer_class, stage,
        stages, left_stage, reasons, company, score, started_at, last_activity_at, closed_at,
        abandoned_at, episodes, quantity, total_units, total_nanos, currency, contact_name,
        company_name, email, phone, products, skus, customer, details, totals, version, archived)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,
        ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35)
      ON CONFLICT(bucket, person, cart) DO UPDATE SET
        contact = excluded.contact, state = excluded.state, kind = excluded.kind,
        place = excluded.place, offer_class = excluded.offer_class, stage = excluded.stage,
        stages = excluded.stages, left_stage = excluded.left_stage, reasons = excluded.reasons,
        company = excluded.company, score = excluded.score, started_at = excluded.started_at,
        last_activity_at = excluded.last_activity_at, closed_at = excluded.closed_at,
        abandoned_at = excluded.abandoned_at, episodes = excluded.episodes,
        quantity = excluded.quantity, total_units = excluded.total_units,
        total_nanos = excluded.total_nanos, currency = excluded.currency,
        contact_name = excluded.contact_name, company_name = excluded.company_name,
        email = excluded.email, phone = excluded.phone, products = excluded.products,
        skus = excluded.skus, customer = excluded.customer, details = excluded.details,
        totals = excluded.totals, version = excluded.version, archived = excluded.archived
      WHERE (cart.last_activity_at, cart.quantity, cart.state, cart.contact, cart.kind,
        cart.place, cart.offer_class, cart.stage, cart.stages, cart.left_stage, cart.reasons,
        cart.company, cart.score, cart.started_at, cart.closed_at, cart.abandoned_at,
        cart.episodes, cart.total_units, cart.total_nanos, cart.currency, cart.contact_name,
        cart.company_name, cart.email, cart.phone, cart.products, cart.skus, cart.customer,
        cart.details, cart.totals, cart.archived)
        IS DISTINCT FROM (excluded.last_activity_at, excluded.quantity, excluded.state,
        excluded.contact, excluded.kind, excluded.place, excluded.offer_class, excluded.stage,
        excluded.stages, excluded.left_stage, excluded.reasons, excluded.company, excluded.score,
        excluded.started_at, excluded.closed_at, excluded.abandoned_at, excluded.episodes,
        excluded.total_units, excluded.total_nanos, excluded.currency, excluded.contact_name,
        excluded.company_name, excluded.email, excluded.phone, excluded.products, excluded.skus,
        excluded.customer, excluded.details, excluded.totals, excluded.archived)
      """, scope: .bucket)

  /// What a list shows of a cart beside its body, by its key.
  static let shownCart = Statement(
    name: "shown cart",
    sql: """
      SELECT contact, contact_name, company_name, email, phone, version, archived FROM cart
      WHERE bucket = ?1 AND person = ?2 AND cart = ?3
      """, scope: .bucket)

  /// The state that a list's rows are in, one for each person.
  static let listedPerson = Statement(
    name: "listed person", sql: "SELECT state FROM person WHERE bucket = ?1 AND person = ?2",
    scope: .bucket)

  /// Log position up to which the rows of this snapshot are made.
  static let listedVersion = Statement(
    name: "listed version", sql: "SELECT version FROM projected WHERE id = 1", scope: .engine)

  /// Body of an episode, by its key.
  static let episodeBody = Statement(
    name: "episode body",
    sql: "SELECT contact, body FROM episode WHERE bucket = ?1 AND person = ?2 AND id = ?3",
    scope: .bucket)

  /// Writes what is searched of a contact.
  static let upsertContact = Statement(
    name: "upsert contact",
    sql: """
      INSERT INTO contact(bucket, person, store, id, search) VALUES (?1, ?2, ?3, ?4, ?5)
      ON CONFLICT(bucket, person) DO UPDATE SET store = excluded.store, id = excluded.id,
        search = excluded.search
      """, scope: .bucket)

  /// Every statement, for the rule test.
  static let all = [
    upsertCart, shownCart, listedPerson, listedVersion, episodeBody, upsertContact,
  ]
}
