internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Wire

/// Commands: one after the other on a thread of their own. The key, the request's digest and the
/// answer commit with the effect; a repeat gets the first answer.
struct Commands: Sendable {
  /// How long a key is known.
  static let keptFor: Int64 = 7 * 86_400 * 1_000_000

  let database: DirectMailDatabase
  let clock: any WallClock
  /// Serial.
  let thread: ThreadPool

  /// What a command does once it is known to be new.
  struct Effect<Answer: Message>: Sendable {
    /// Whose rows it writes.
    var buckets: [UInt8] = []
    /// In the command's transaction; gives the answer.
    let apply: @Sendable (any StorageSession) throws -> Answer
    /// After the commit.
    var after: @Sendable (Answer) -> Void = { _ in }
  }

  /// - Parameter plan: validates; called for a command that is new, before its transaction.
  func run<Request: Message, Answer: Message>(
    _ method: String, _ store: String, _ key: String, _ request: Request,
    _ plan: @escaping @Sendable (_ now: Int64) throws -> Effect<Answer>
  ) async throws -> Answer {
    try await thread.run {
      let digest = SHA256.hash(try Stored.encode(request))
      let name = "\(store)/\(method)/\(key)"
      let bucket = OwnerKey.contact(store: store, contact: name).bucket
      let known = try database.read { session in
        try session.first(
          ReferenceStatements.command, [.integer(bucket), .text(name)]
        ) { (try $0.blob(0), try $0.blob(1)) }
      }
      if let (hash, answer) = known {
        guard hash == digest else {
          throw RPCError(
            .failedPrecondition, "the idempotency key was used for another request",
            fieldViolations: [
              .init(field: "idempotency_key", detail: "known with another body")
            ])
        }
        return try Stored.decode(Answer.self, answer, "command")
      }
      let now = clock.now.microseconds
      let effect = try plan(now)
      let answer = try database.commitBlocking(effect.buckets + [bucket], weight: 16) { session in
        let answer = try effect.apply(session)
        try session.execute(
          ReferenceStatements.addCommand,
          [
            .integer(bucket), .text(name), .blob(digest), .blob(try Stored.encode(answer)),
            .integer(now),
          ])
        return answer
      }
      effect.after(answer)
      return answer
    }
  }
}
