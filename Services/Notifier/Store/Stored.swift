package import Delivery

/// Messages in our own rows.
package enum Stored: StoredRows {
  package static let arenas = ArenaPool(bytesMax: 1 << 28, keptMax: 16)
}
