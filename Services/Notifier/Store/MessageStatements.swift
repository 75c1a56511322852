internal import Storage

/// What is read and written of messages.
enum MessageStatements {
  /// Takes an order; changes nothing where its id is known.
  static let take = Statement(
    name: "take message",
    sql: """
      INSERT INTO message(bucket, id, store, contact, channel, state, reason, is_unsure, next_at,
        taken_at, ended_at, failures, provider, recipient, locale, template_version, body, log)
      VALUES (?1, ?2, ?3, ?4, ?5, 1, 0, 0, ?6, ?7, NULL, 0, '', '', '', 0, ?8, ?9)
      ON CONFLICT(bucket, id) DO NOTHING
      """)

  /// Messages of a channel that are due, in order of their time.
  static let due = Statement(
    name: "due messages",
    sql: """
      SELECT id, next_at, is_unsure, failures, body, log, reason FROM message
      WHERE bucket = ?1 AND channel = ?2 AND state = 1 AND next_at >= ?3 AND next_at <= ?4
      ORDER BY next_at LIMIT ?5
      """)

  /// When the first message of a channel after an instant is due.
  static let nextDue = Statement(
    name: "next due message",
    sql: """
      SELECT next_at FROM message WHERE bucket = ?1 AND channel = ?2 AND state = 1 AND next_at > ?3
      ORDER BY next_at LIMIT 1
      """)

  /// Messages whose hand-off has begun and has no end.
  static let sending = Statement(
    name: "messages being sent",
    sql: """
      SELECT id, provider, failures, body, log FROM message WHERE bucket = ?1 AND state = 2
      """)

  /// Messages that wait or are being sent.
  static let open = Statement(
    name: "open messages",
    sql: "SELECT id, body, failures, log FROM message WHERE bucket = ?1 AND state <= 2")

  /// Begins a hand-off, where the message still waits.
  static let begin = Statement(
    name: "begin hand-off",
    sql: """
      UPDATE message SET state = 2, reason = 0, provider = ?3, recipient = ?4, locale = ?5,
        template_version = ?6, log = ?7
      WHERE bucket = ?1 AND id = ?2 AND state = 1
      """)

  /// Ends a message that waits or is being sent.
  static let end = Statement(
    name: "end message",
    sql: """
      UPDATE message SET state = ?3, reason = ?4, ended_at = ?5, failures = ?6, log = ?7
      WHERE bucket = ?1 AND id = ?2 AND state <= 2
      """)

  /// Lets a message wait, also one whose hand-off surely failed.
  static let wait = Statement(
    name: "let message wait",
    sql: """
      UPDATE message SET state = 1, reason = ?3, next_at = ?4, failures = ?5, is_unsure = ?6,
        log = ?7
      WHERE bucket = ?1 AND id = ?2 AND state <= 2
      """)

  /// Makes messages that wait for the end of a pause due at an instant. The reason's number stands
  /// here as it does in the index.
  static let wakePaused = Statement(
    name: "wake paused messages",
    sql: """
      UPDATE message SET next_at = ?2
      WHERE bucket = ?1 AND state = 1 AND reason = 21 AND next_at > ?2
      """)

  /// What a message is, for ending it.
  static let standing = Statement(
    name: "standing of message",
    sql: "SELECT state, is_unsure, failures, body, log FROM message WHERE bucket = ?1 AND id = ?2")

  /// All of a message.
  static let message = Statement(
    name: "message",
    sql: """
      SELECT id, state, reason, next_at, taken_at, ended_at, recipient, locale, template_version,
        body, log
      FROM message WHERE bucket = ?1 AND id = ?2
      """)

  /// A store's messages, newest first.
  static let newest = Statement(
    name: "newest messages",
    sql: """
      SELECT id, state, reason, next_at, taken_at, ended_at, recipient, locale, template_version,
        body, log
      FROM message WHERE bucket = ?1 AND store = ?2 AND taken_at >= ?3 AND taken_at <= ?4
      ORDER BY taken_at DESC, id DESC
      """)

  /// A contact's messages, newest first.
  static let newestOfContact = Statement(
    name: "newest messages of contact",
    sql: """
      SELECT id, state, reason, next_at, taken_at, ended_at, recipient, locale, template_version,
        body, log
      FROM message
      WHERE bucket = ?1 AND store = ?2 AND taken_at >= ?3 AND taken_at <= ?4 AND contact = ?5
      ORDER BY taken_at DESC, id DESC
      """)

  /// A contact's messages that wait.
  static let waitingOfContact = Statement(
    name: "waiting messages of contact",
    sql: """
      SELECT id, channel, recipient FROM message
      WHERE bucket = ?1 AND contact = ?2 AND store = ?3 AND state = 1
      """)

  /// Keeps what is handed over.
  static let putContent = Statement(
    name: "put content",
    sql: """
      INSERT INTO content(bucket, id, at, links, body) VALUES (?1, ?2, ?3, ?4, ?5)
      ON CONFLICT(bucket, id) DO UPDATE SET at = excluded.at, links = excluded.links,
        body = excluded.body
      """)

  /// What was handed over.
  static let content = Statement(
    name: "content", sql: "SELECT links, body FROM content WHERE bucket = ?1 AND id = ?2")

  /// Where the tracked links of a message lead.
  static let links = Statement(
    name: "links", sql: "SELECT links FROM content WHERE bucket = ?1 AND id = ?2")

  /// Forgets what was handed over, and keeps where its links lead.
  static let redactContent = Statement(
    name: "redact content",
    sql: "UPDATE content SET body = ?3 WHERE bucket = ?1 AND at < ?2 AND length(body) > 0")

  /// Notes what became known; nothing where it was known.
  static let addOutcome = Statement(
    name: "add outcome",
    sql: """
      INSERT INTO outcome(bucket, message, id, at, kind, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
      ON CONFLICT(bucket, message, id) DO NOTHING
      """)

  /// What became known of a message.
  static let outcomes = Statement(
    name: "outcomes of message",
    sql: """
      SELECT body FROM outcome WHERE bucket = ?1 AND message = ?2 ORDER BY at, id LIMIT ?3
      """)

  /// Notes an opening or a click; nothing where the request is known.
  static let addVisit = Statement(
    name: "add visit",
    sql: """
      INSERT INTO visit(bucket, message, kind, request, at, link, actor, agent_class, agent,
        address)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
      ON CONFLICT(bucket, message, kind, request) DO NOTHING
      """)

  /// How many other links of a message were followed within a span.
  static let otherLinks = Statement(
    name: "other links followed",
    sql: """
      SELECT count(DISTINCT link) FROM visit
      WHERE bucket = ?1 AND message = ?2 AND kind = ?3 AND at >= ?4 AND at <= ?5 AND link <> ?6
      """)

  /// Puts a note into a staff inbox.
  static let addNote = Statement(
    name: "add note",
    sql: """
      INSERT INTO note(bucket, message, recipient, store, at, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
      ON CONFLICT(bucket, message, recipient) DO NOTHING
      """)

  /// Every statement, for the rule test.
  static let all = [
    take, due, nextDue, sending, open, begin, end, wait, wakePaused, standing, message, newest,
    newestOfContact, waitingOfContact, putContent, content, links, redactContent, addOutcome,
    outcomes, addVisit, otherLinks, addNote,
  ]
}
