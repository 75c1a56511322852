internal import Storage

/// What is read and written of the small tables: templates, modes, commands.
enum ReferenceStatements {
  /// The newest version of each template.
  static let newestTemplates = Statement(
    name: "newest templates", sql: "SELECT body FROM template WHERE is_newest = 1",
    scope: .reference)

  /// One version of a template.
  static let template = Statement(
    name: "template",
    sql:
      "SELECT body FROM template WHERE store = ?1 AND name = ?2 AND locale = ?3 AND version = ?4",
    scope: .reference)

  /// A newer version comes.
  static let outdateTemplate = Statement(
    name: "outdate template",
    sql: """
      UPDATE template SET is_newest = 0
      WHERE store = ?1 AND name = ?2 AND locale = ?3 AND is_newest = 1
      """, scope: .reference)

  /// Adds the newest version.
  static let addTemplate = Statement(
    name: "add template",
    sql: """
      INSERT INTO template(store, name, locale, version, is_newest, body)
      VALUES (?1, ?2, ?3, ?4, 1, ?5)
      """, scope: .reference)

  /// Every mode.
  static let modes = Statement(name: "modes", sql: "SELECT body FROM mode", scope: .reference)

  /// Sets a mode, unless a newer one is known.
  static let putMode = Statement(
    name: "put mode",
    sql: """
      INSERT INTO mode(store, flow, revision, body) VALUES (?1, ?2, ?3, ?4)
      ON CONFLICT(store, flow) DO UPDATE SET revision = excluded.revision, body = excluded.body
      WHERE excluded.revision > mode.revision
      """, scope: .reference)

  /// A command that is known.
  static let command = Statement(
    name: "command", sql: "SELECT hash, answer FROM command WHERE bucket = ?1 AND key = ?2")

  /// Keeps a command with its answer.
  static let addCommand = Statement(
    name: "add command",
    sql: "INSERT INTO command(bucket, key, hash, answer, at) VALUES (?1, ?2, ?3, ?4, ?5)")

  /// Forgets commands whose repeats are no longer expected.
  static let forgetCommands = Statement(
    name: "forget commands", sql: "DELETE FROM command WHERE bucket = ?1 AND at < ?2")

  /// What this database remembers of itself.
  static let own = Statement(
    name: "own", sql: "SELECT clock FROM direct_mail WHERE id = 1", scope: .reference)

  /// Begins it.
  static let putOwn = Statement(
    name: "put own",
    sql: "INSERT INTO direct_mail(id, clock) VALUES (1, ?1) ON CONFLICT(id) DO NOTHING",
    scope: .reference)

  /// What addresses of people who were erased are hashed with.
  static let secret = Statement(
    name: "secret", sql: "SELECT hash_key FROM direct_mail WHERE id = 1", scope: .reference)

  /// Begins it.
  static let putSecret = Statement(
    name: "put secret",
    sql: "UPDATE direct_mail SET hash_key = ?1 WHERE id = 1 AND hash_key IS NULL",
    scope: .reference)

  /// Up to where the virtual clock went.
  static let putClock = Statement(
    name: "put clock", sql: "UPDATE direct_mail SET clock = ?1 WHERE id = 1 AND clock < ?1",
    scope: .reference)

  /// Every statement, for the rule test.
  static let all = [
    newestTemplates, template, outdateTemplate, addTemplate, modes, putMode, command, addCommand,
    forgetCommands, own, putOwn, secret, putSecret, putClock,
  ]
}
