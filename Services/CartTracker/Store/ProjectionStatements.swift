internal import Storage

/// What the projection reads and writes in carts.db, beside the lists.
enum ProjectionStatements {
  /// The state of one person.
  static let person = Statement(
    name: "person", sql: "SELECT state FROM person WHERE bucket = ?1 AND person = ?2",
    scope: .bucket)

  /// Keeps the state of a person with the instant at which time alone changes it.
  static let putPerson = Statement(
    name: "put person",
    sql: """
      INSERT INTO person(bucket, person, due_at, state) VALUES (?1, ?2, ?3, ?4)
      ON CONFLICT(bucket, person) DO UPDATE SET due_at = excluded.due_at, state = excluded.state
      """, scope: .bucket)

  /// Persons whose state waits for time, for the timers in memory.
  static let dueTimes = Statement(
    name: "due times",
    sql: "SELECT person, due_at FROM person WHERE bucket = ?1 AND due_at IS NOT NULL",
    scope: .bucket)

  /// Persons of a bucket after one, for a pass over all of them.
  static let personsAfter = Statement(
    name: "persons after",
    sql: """
      SELECT person, state FROM person WHERE bucket = ?1 AND person > ?2
      ORDER BY person LIMIT ?3
      """, scope: .bucket)

  /// All announced episodes of a person.
  static let episodes = Statement(
    name: "episodes of a person",
    sql: "SELECT body FROM episode WHERE bucket = ?1 AND person = ?2", scope: .bucket)

  /// Keeps an announced episode.
  static let putEpisode = Statement(
    name: "put episode",
    sql: """
      INSERT INTO episode(bucket, person, id, store, cart, contact, state, kind, trigger_kind,
        abandoned_at, followed, revision, body)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
      ON CONFLICT(bucket, person, id) DO UPDATE SET contact = excluded.contact,
        state = excluded.state, followed = excluded.followed, revision = excluded.revision,
        body = excluded.body
      """, scope: .bucket)

  /// Tells watchers of an episode's change.
  static let addChange = Statement(
    name: "add change",
    sql: "INSERT INTO change(bucket, seq, at, store, body) VALUES (?1, ?2, ?3, ?4, ?5)",
    scope: .bucket)

  /// Changes of a bucket after one, oldest first.
  static let changesAfter = Statement(
    name: "changes after",
    sql: """
      SELECT seq, body FROM change WHERE bucket = ?1 AND seq > ?2 AND store = ?3
      ORDER BY seq LIMIT ?4
      """, scope: .bucket)

  /// The oldest change that is still there.
  static let oldestChange = Statement(
    name: "oldest change", sql: "SELECT min(seq) FROM change WHERE bucket = ?1", scope: .bucket)

  /// Forgets changes that are older than watchers may ask for.
  static let trimChanges = Statement(
    name: "trim changes", sql: "DELETE FROM change WHERE bucket = ?1 AND at < ?2", scope: .bucket)

  /// A closed cart that is no longer in its person's state.
  static let archivedCart = Statement(
    name: "archived cart",
    sql: "SELECT archived FROM cart WHERE bucket = ?1 AND person = ?2 AND cart = ?3",
    scope: .bucket)

  /// The ids of a person's carts that are no longer in its state.
  static let archivedCarts = Statement(
    name: "archived carts",
    sql: "SELECT cart FROM cart WHERE bucket = ?1 AND person = ?2 AND archived IS NOT NULL",
    scope: .bucket)

  /// A cart that a new fold no longer has.
  static let removeCart = Statement(
    name: "remove cart", sql: "DELETE FROM cart WHERE bucket = ?1 AND person = ?2 AND cart = ?3",
    scope: .bucket)

  /// Whose cart it is, by its id.
  static let cartOwner = Statement(
    name: "cart owner",
    sql: """
      SELECT person, last_activity_at FROM cart WHERE bucket = ?1 AND store = ?2 AND cart = ?3
      """, scope: .bucket)

  /// Indexes an event beyond those in its person's state.
  static let addHistory = Statement(
    name: "add history",
    sql: """
      INSERT INTO history(bucket, person, hash, position, at) VALUES (?1, ?2, ?3, ?4, ?5)
      ON CONFLICT(bucket, person, hash, position) DO NOTHING
      """, scope: .bucket)

  /// Events of a person that may have an id.
  static let historyOfHash = Statement(
    name: "history of a hash",
    sql: "SELECT position FROM history WHERE bucket = ?1 AND person = ?2 AND hash = ?3",
    scope: .bucket)

  /// Events of a person.
  static let history = Statement(
    name: "history", sql: "SELECT position FROM history WHERE bucket = ?1 AND person = ?2",
    scope: .bucket)

  /// Gives a contact a tag.
  static let addTag = Statement(
    name: "add tag",
    sql: """
      INSERT INTO contact_tag(bucket, store, tag, contact) VALUES (?1, ?2, ?3, ?4)
      ON CONFLICT(bucket, store, tag, contact) DO NOTHING
      """, scope: .bucket)

  /// Takes a tag from a contact.
  static let removeTag = Statement(
    name: "remove tag",
    sql: """
      DELETE FROM contact_tag WHERE bucket = ?1 AND store = ?2 AND tag = ?3 AND contact = ?4
      """, scope: .bucket)

  /// How far each bucket is projected.
  static let cursors = Statement(
    name: "cursors", sql: "SELECT seq, change_seq FROM bucket_cursor WHERE bucket = ?1",
    scope: .bucket)

  /// Moves a bucket's cursors.
  static let putCursor = Statement(
    name: "put cursor",
    sql: """
      INSERT INTO bucket_cursor(bucket, seq, change_seq) VALUES (?1, ?2, ?3)
      ON CONFLICT(bucket) DO UPDATE SET seq = excluded.seq, change_seq = excluded.change_seq
      """, scope: .bucket)

  /// Up to where in the log all buckets are projected.
  static let projected = Statement(
    name: "projected", sql: "SELECT position, settled, clock, version FROM projected WHERE id = 1",
    scope: .engine)

  /// Moves it, with the instant up to which time has passed and the number of the commit.
  static let putProjected = Statement(
    name: "put projected",
    sql: """
      INSERT INTO projected(id, position, settled, clock, version) VALUES (1, ?1, ?2, ?3, ?4)
      ON CONFLICT(id) DO UPDATE SET position = excluded.position, settled = excluded.settled,
        clock = excluded.clock, version = excluded.version
      """, scope: .engine)

  /// Keeps what somebody of a company bought.
  static let putCompanyPurchase = Statement(
    name: "put company purchase",
    sql: """
      INSERT INTO company_purchase(bucket, company, at, person, event, void, body)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
      ON CONFLICT(bucket, company, at, person, event)
      DO UPDATE SET void = excluded.void, body = excluded.body
      """, scope: .bucket)

  /// What people of a company have bought since an instant, the latest first.
  static let companyPurchases = Statement(
    name: "company purchases",
    sql: """
      SELECT person, body FROM company_purchase
      WHERE bucket = ?1 AND company = ?2 AND at >= ?3 AND void = 0
      ORDER BY at DESC
      """, scope: .bucket)

  /// Every statement, for the rule test.
  static let all = [
    person, putPerson, dueTimes, personsAfter, episodes, putEpisode, addChange, changesAfter,
    oldestChange, trimChanges, archivedCart, archivedCarts, removeCart, cartOwner, addHistory,
    historyOfHash,
    history, putCompanyPurchase, companyPurchases, addTag, removeTag, cursors, putCursor, projected,
    putProjected,
  ]
}
