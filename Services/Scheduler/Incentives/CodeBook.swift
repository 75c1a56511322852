internal import Delivery
internal import Storage

/// What a code of a store is of.
struct CodeEntry: Sendable, Equatable {
  /// `Identifier.nobody` while it is in a pool.
  let gift: Identifier
  let incentive: String
  let isVoid: Bool
}

extension Identifier {
  /// Of a code that nobody was given.
  static let nobody = Identifier(high: 0, low: 0)
}

/// Codes and pools in their tables, within a transaction of the owner.
extension Writing {
  /// The key of a code in whichever way it is written; nil for what is no code.
  static func key(of code: String, in store: String) -> OwnerKey? {
    CodeText.normal(code).map { OwnerKey(scope: store, kind: .code, id: $0) }
  }

  /// Some of what a code is of: all of it for a personal one.
  func entries(of code: String, in store: String) throws -> [CodeEntry] {
    guard let key = Writing.key(of: code, in: store) else { return [] }
    return try session.all(IncentiveStatements.code, [key.bucketValue, key.value]) {
      try CodeEntry($0)
    }
  }

  func entries(of code: String, in store: String, cart: String) throws -> [CodeEntry] {
    guard let key = Writing.key(of: code, in: store) else { return [] }
    return try session.all(
      IncentiveStatements.codeOfCart, [key.bucketValue, key.value, .text(cart)]
    ) { try CodeEntry($0) }
  }

  func addCode(of gift: Gift, cart: String) throws {
    if gift.code.isEmpty { return }
    try addCode(gift.code, cart, gift.id, gift.incentive, in: gift.store)
  }

  func addCode(
    _ code: String, _ cart: String, _ gift: Identifier, _ incentive: String, in store: String,
    isVoid: Bool = false
  ) throws {
    guard let key = Writing.key(of: code, in: store) else { return }
    try fence(key.bucket)
    try session.execute(
      IncentiveStatements.addCode,
      [key.bucketValue, key.value, .text(cart), gift.value, .text(incentive), .flag(isVoid)])
  }

  func removeCode(_ code: String, _ gift: Identifier, in store: String) throws {
    guard let key = Writing.key(of: code, in: store) else { return }
    try fence(key.bucket)
    try session.execute(
      IncentiveStatements.removeCode, [key.bucketValue, key.value, gift.value])
  }

  /// Takes a code that nobody has out of its pool.
  func dropFromPool(_ code: String, _ incentive: String, in store: String) throws {
    let pool = Campaign.owner(store: store, name: incentive)
    try fence(pool.bucket)
    try session.execute(
      IncentiveStatements.dropFromPool,
      [pool.bucketValue, pool.value, .text(CodeText.normal(code) ?? "")])
    try removeCode(code, Identifier.nobody, in: store)
  }

  /// Puts codes that nobody has at the end of a pool, in their order.
  func addToPool(_ codes: [String], _ incentive: String, in store: String) throws {
    let pool = Campaign.owner(store: store, name: incentive)
    let last = try session.first(
      IncentiveStatements.lastOfPool, [pool.bucketValue, pool.value]
    ) { try $0.integer(0) }
    try fence(pool.bucket)
    for (index, code) in codes.enumerated() {
      try session.execute(
        IncentiveStatements.addToPool,
        [
          pool.bucketValue, pool.value, .integer((last ?? 0) + 1 + Int64(index)), .text(code),
          .text(CodeText.normal(code) ?? ""),
        ])
      try addCode(code, "", Identifier.nobody, incentive, in: store)
    }
  }
}

extension CodeEntry {
  /// - Parameter row: of gift, incentive, void.
  fileprivate init(_ row: Row) throws {
    self.init(
      gift: try Identifier(bytes: row.blob(0)), incentive: try row.text(1),
      isVoid: try row.integer(2) != 0)
  }
}
