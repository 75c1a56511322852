internal import Storage

/// What is read and written beside enrolments: flows, modes, persons, commands.
enum SchedulerStatements {
  /// Keeps a version of a flow.
  static let addFlow = Statement(
    name: "add flow version",
    sql: """
      INSERT INTO flow_version(store, flow, version, author, applied_at, text)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6)
      """, scope: .reference)

  /// The newest version of every flow.
  static let newestFlows = Statement(
    name: "newest flow versions",
    sql: """
      SELECT store, flow, version, author, applied_at, text FROM flow_version AS newest
      WHERE version = (
        SELECT max(version) FROM flow_version AS other
        WHERE other.store = newest.store AND other.flow = newest.flow)
      ORDER BY store, flow
      """, scope: .reference)

  /// The newest version of one flow.
  static let newestFlow = Statement(
    name: "newest version of a flow",
    sql: """
      SELECT store, flow, version, author, applied_at, text FROM flow_version
      WHERE store = ?1 AND flow = ?2 ORDER BY version DESC LIMIT 1
      """, scope: .reference)

  /// One version of a flow.
  static let flow = Statement(
    name: "flow version",
    sql: """
      SELECT store, flow, version, author, applied_at, text FROM flow_version
      WHERE store = ?1 AND flow = ?2 AND version = ?3
      """, scope: .reference)

  /// Sets a mode.
  static let putMode = Statement(
    name: "put mode",
    sql: """
      INSERT INTO send_mode(store, flow, mode, revision, body) VALUES (?1, ?2, ?3, ?4, ?5)
      ON CONFLICT(store, flow) DO UPDATE SET mode = excluded.mode, revision = excluded.revision,
        body = excluded.body
      """, scope: .reference)

  /// How often a mode was set, and what it is.
  static let modeRevision = Statement(
    name: "mode revision",
    sql: "SELECT revision, mode FROM send_mode WHERE store = ?1 AND flow = ?2",
    scope: .reference)

  /// Every mode that was set.
  static let modes = Statement(
    name: "modes",
    sql: "SELECT store, flow, mode, revision, body FROM send_mode ORDER BY store, flow",
    scope: .reference)

  /// Where a virtual clock stands.
  static let clock = Statement(
    name: "clock", sql: "SELECT clock FROM progress WHERE id = 1", scope: .reference)

  /// Moves it; never back.
  static let putClock = Statement(
    name: "put clock",
    sql: """
      INSERT INTO progress(id, clock) VALUES (1, ?1)
      ON CONFLICT(id) DO UPDATE SET clock = excluded.clock WHERE excluded.clock > progress.clock
      """, scope: .reference)

  /// Says that one identity may be the same person as another.
  static let addLink = Statement(
    name: "add link",
    sql: """
      INSERT INTO link(bucket, person, other) VALUES (?1, ?2, ?3)
      ON CONFLICT(bucket, person, other) DO NOTHING
      """)

  /// Takes that back.
  static let removeLink = Statement(
    name: "remove link", sql: "DELETE FROM link WHERE bucket = ?1 AND person = ?2 AND other = ?3")

  /// The keys that an identity is linked with.
  static let links = Statement(
    name: "links", sql: "SELECT other FROM link WHERE bucket = ?1 AND person = ?2 ORDER BY other")

  /// Keeps a purchase of a contact that has enrolments, for reports.
  static let putPurchase = Statement(
    name: "put purchase",
    sql: """
      INSERT INTO purchase(bucket, person, at, event, body) VALUES (?1, ?2, ?3, ?4, ?5)
      ON CONFLICT(bucket, person, at, event) DO UPDATE SET body = excluded.body
      """)

  /// The purchases of a contact, oldest first.
  static let purchases = Statement(
    name: "purchases",
    sql: """
      SELECT at, event, body FROM purchase WHERE bucket = ?1 AND person = ?2 ORDER BY at, event
      """)

  /// Keeps a command with its answer.
  static let addCommand = Statement(
    name: "add command",
    sql: "INSERT INTO command(bucket, key, hash, answer, at) VALUES (?1, ?2, ?3, ?4, ?5)")

  /// A command that is known.
  static let command = Statement(
    name: "command", sql: "SELECT hash, answer FROM command WHERE bucket = ?1 AND key = ?2")

  /// Forgets commands whose repeats are no longer expected.
  static let forgetCommands = Statement(
    name: "forget commands", sql: "DELETE FROM command WHERE bucket = ?1 AND at < ?2")

  /// Every statement, for the rule test.
  static let all = [
    addFlow, newestFlows, newestFlow, flow, putMode, modeRevision, modes, clock, putClock, addLink,
    removeLink, links,
    putPurchase, purchases, addCommand, command, forgetCommands,
  ]
}
