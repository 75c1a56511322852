package import Messages
internal import ServiceKit
package import Storage
package import Wire

/// The rows of one call to an intake, such as `TakeChanges`: each is noted in the transaction of
/// its effect, so that it has that effect once.
package struct Intake: Sendable {
  /// What came of a row that is new.
  package enum Effect: Sendable, Hashable {
    /// Its effect stands in the transaction.
    case stored
    /// It can never have one, and nothing was done for it. Answered HELD, also when it comes again.
    case held(String)
    /// Not now, and nothing was done for it: it and all later ones of its bucket come again.
    case retry(String)
  }

  /// What the transaction did, to be told once it has committed.
  package struct Taken: Sendable {
    package let receipts: CommonV1.Receipts
    /// Rows that were new: for `DeliveryCounts.add(received:)`.
    package let received: Int
  }

  /// Rows of a call at most, as the contract has it.
  package static let rowsMax = 256
  /// How long a row has to be known: for `trim`.
  package static let keptFor: Duration = .seconds(30 * 86_400)

  private let source: String
  private let outbox: [UInt8]
  private let places: [(bucket: UInt8, seq: UInt64)]

  /// - Parameters:
  ///   - source: the caller's role, such as `cart-tracker`.
  ///   - outbox: the request's `outbox`.
  ///   - positions: of its rows, in their order.
  /// - Throws: `RPCError` INVALID_ARGUMENT that names what is wrong.
  package init(
    source: String, outbox: String, positions: [CommonV1.Position?]
  ) throws(RPCError) {
    precondition(!source.isEmpty)
    guard let bytes = UUIDText.bytes(outbox) else {
      throw Intake.refusal("outbox", "is not a UUID")
    }
    guard positions.count <= Intake.rowsMax else {
      throw Intake.refusal("rows", "are \(positions.count), the limit is \(Intake.rowsMax)")
    }
    self.source = source
    self.outbox = bytes
    var places: [(bucket: UInt8, seq: UInt64)] = []
    places.reserveCapacity(positions.count)
    for (index, position) in positions.enumerated() {
      guard let position, let bucket = UInt8(exactly: position.bucket), position.seq > 0,
        position.seq <= UInt64(Int64.max)
      else {
        throw Intake.refusal(
          "rows[\(index)].position", "is not a bucket of 0 to 255 with a number from 1 on")
      }
      places.append((bucket, position.seq))
    }
    self.places = places
  }

  private static func refusal(_ field: String, _ detail: String) -> RPCError {
    RPCError(
      .invalidArgument, "no row was taken: \(field) \(detail)",
      fieldViolations: [.init(field: field, detail: detail)])
  }

  /// The rows' buckets, ascending: for the fences.
  package var buckets: [UInt8] { Set(places.map(\.bucket)).sorted() }

  /// Takes the rows. In the receiver's transaction, after the fences of `buckets`.
  ///
  /// - Parameters:
  ///   - now: microseconds.
  ///   - effect: does what a new row asks for; called for those only, in their order. Where it
  ///     throws, all is to be rolled back and the call to fail: every row comes again.
  package func take(
    _ session: any StorageSession, now: Int64, _ effect: (_ index: Int) throws -> Effect
  ) throws -> Taken {
    var receipts: [CommonV1.Receipt] = []
    receipts.reserveCapacity(places.count)
    var stalled: [UInt8: String] = [:]
    var received = 0
    for (index, place) in places.enumerated() {
      var (verdict, problem) = (CommonV1.Receipt.Verdict.retry, "")
      if let reason = stalled[place.bucket] {
        problem = reason
      } else if try isNew(place, session, now) {
        switch try effect(index) {
        case .stored: verdict = .stored
        case .held(let reason):
          (verdict, problem) = (.held, reason)
          try session.execute(DeliveryStatements.refuse, key(place) + [.text(reason)])
        case .retry(let reason):
          problem = reason
          stalled[place.bucket] = reason
          try session.execute(DeliveryStatements.untake, key(place))
        }
        if verdict != .retry { received += 1 }
      } else if let reason = try refusal(of: place, session) {
        (verdict, problem) = (.held, reason)
      } else {
        verdict = .repeated
      }
      receipts.append(
        CommonV1.Receipt(
          position: CommonV1.Position(bucket: UInt32(place.bucket), seq: place.seq),
          verdict: verdict, problem: problem))
    }
    if received > 0 {
      try session.execute(DeliveryStatements.addReceived, [.integer(received)])
    }
    return Taken(receipts: CommonV1.Receipts(receipts: receipts), received: received)
  }

  /// Forgets rows of a bucket that were taken before `oldest`, in microseconds: nobody sends them
  /// again. Once a day is enough.
  package static func trim(
    _ session: any StorageSession, bucket: UInt8, before oldest: Int64
  ) throws {
    try session.execute(DeliveryStatements.trim, [.integer(bucket), .integer(oldest)])
  }

  // MARK: - One row

  private func key(_ place: (bucket: UInt8, seq: UInt64)) -> [SQLValue] {
    [.integer(place.bucket), .text(source), .blob(outbox), .integer(place.seq)]
  }

  private func isNew(
    _ place: (bucket: UInt8, seq: UInt64), _ session: any StorageSession, _ now: Int64
  ) throws -> Bool {
    try session.execute(DeliveryStatements.take, key(place) + [.integer(now)]) == 1
  }

  private func refusal(
    of place: (bucket: UInt8, seq: UInt64), _ session: any StorageSession
  ) throws -> String? {
    try session.first(DeliveryStatements.refusal, key(place)) { try $0.optionalText(0) } ?? nil
  }
}
