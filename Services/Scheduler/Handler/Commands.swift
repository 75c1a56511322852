internal import Delivery
internal import Messages
internal import ServiceKit
internal import Storage
internal import Wire

/// A command with its idempotency key: key, digest of the request and answer commit with the
/// effect; a repeat gets the first answer, another request under the key is refused.
struct Command<Answer: Message>: Sendable {
  /// How long a key is known, in microseconds.
  static var keptFor: Int64 { 7 * Micros.day }

  private let name: String
  private let owner: OwnerKey
  private let digest: [UInt8]

  init(
    _ method: String, store: String, key: String, _ request: some Message
  ) throws {
    name = "\(store)/\(method)/\(key)"
    owner = OwnerKey.contact(store: store, contact: name)
    digest = SHA256.hash(try Stored.encode(request))
  }

  /// The first answer; nil where the key is new.
  ///
  /// - Throws: FAILED_PRECONDITION for another request under the key.
  func answer(_ writing: Writing) throws -> Answer? {
    let known = try writing.session.first(
      SchedulerStatements.command, [owner.bucketValue, .text(name)]
    ) { (hash: try $0.blob(0), answer: try $0.blob(1)) }
    guard let known else { return nil }
    guard known.hash == digest else {
      throw RPCError(
        .failedPrecondition, "the idempotency key was used for another request",
        fieldViolations: [.init(field: "idempotency_key", detail: "known with another body")])
    }
    return try Stored.decode(Answer.self, known.answer, "command")
  }

  /// In a transaction: the first answer, or what `effect` does now.
  func run(_ writing: Writing, _ effect: () throws -> Answer) throws -> Answer {
    if let known = try answer(writing) { return known }
    try writing.fence(owner.bucket)
    let answer = try effect()
    try writing.session.execute(
      SchedulerStatements.addCommand,
      [
        owner.bucketValue, .text(name), .blob(digest), .blob(try Stored.encode(answer)),
        .integer(writing.now),
      ])
    return answer
  }
}
