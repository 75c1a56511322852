internal import ServiceKit

/// The keyed hash that is left of an address (P10): HMAC-SHA-256 under a secret of the database,
/// over the key that the address had in its scope. Who has the row alone cannot try addresses.
package struct AddressHash: Sendable {
  private let seal: LinkSeal

  /// - Parameter secret: 32 bytes or more.
  package init(_ secret: [UInt8]) { seal = LinkSeal(id: 0, secret: secret) }

  package func key(_ address: OwnerKey) -> OwnerKey {
    guard let key = try? OwnerKey(bytes: seal.seal(address.bytes)) else {
      preconditionFailure("a seal has the size of a key")
    }
    return key
  }
}
