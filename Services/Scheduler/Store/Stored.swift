package import Delivery

/// Messages in our own rows.
package enum Stored: StoredRows {
  /// An answer of commands may be as large as a flow's text.
  package static let arenas = ArenaPool(bytesMax: 16 << 20, keptMax: 8)
}
