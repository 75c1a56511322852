package import Wire

/// Who may do what: roles and stores by identity (`proto/README.md` §10). Nobody not named here
/// holds more than `peer`.
package struct Grants: Sendable {
  /// The role that every identity of the trust domain holds.
  package static let peerRole = "peer"

  /// Which stores a role holds for.
  package enum Stores: Sendable, Hashable {
    case all
    case only(Set<String>)

    func contains(_ store: String) -> Bool {
      switch self {
      case .all: true
      case .only(let stores): stores.contains(store)
      }
    }
  }

  private var roles: [String: [String: Stores]] = [:]

  package init() {}

  /// Adds a role for stores to an identity; several add up.
  package mutating func add(role: String, stores: Stores, to identity: String) {
    switch (roles[identity]?[role], stores) {
    case (.all, _), (_, .all): roles[identity, default: [:]][role] = .all
    case (.only(let old), .only(let new)):
      roles[identity, default: [:]][role] = .only(old.union(new))
    case (nil, .only): roles[identity, default: [:]][role] = stores
    }
  }

  /// Reads `URI=ROLE[,ROLE…][@STORE,…]`; without `@` the roles hold for all stores.
  ///
  /// - Throws: what is wrong with the text.
  package init(parsing lines: [String]) throws(RPCError) {
    for line in lines {
      let parts = line.split(separator: "=", maxSplits: 1)
      guard parts.count == 2, parts[0].hasPrefix(PeerName.scheme) else {
        throw RPCError(
          .invalidArgument, "grant `\(line)` is not URI=ROLE[,ROLE…][@STORE,…]")
      }
      let sides = parts[1].split(separator: "@", maxSplits: 1)
      let stores: Stores =
        sides.count == 2 ? .only(Set(sides[1].split(separator: ",").map(String.init))) : .all
      for role in sides[0].split(separator: ",") {
        add(role: String(role), stores: stores, to: String(parts[0]))
      }
    }
  }

  func identity(_ uri: String) -> PeerIdentity {
    PeerIdentity(uri: uri, roles: roles[uri] ?? [:])
  }
}

/// A peer as the handlers see it: its URI name and what it is granted.
package final class PeerIdentity: Sendable {
  package let uri: String
  private let granted: [String: Grants.Stores]

  init(uri: String, roles: [String: Grants.Stores]) {
    self.uri = uri
    var granted = roles
    granted[Grants.peerRole] = .all
    self.granted = granted
  }

  package var roles: [String] { granted.keys.sorted() }

  /// Whether one of the method's roles is held, for whatever store.
  package func permits(_ method: RPCMethod) -> Bool {
    method.roles.contains { granted[$0] != nil }
  }

  package func permits(_ method: RPCMethod, store: String) -> Bool {
    method.roles.contains { granted[$0]?.contains(store) ?? false }
  }
}
