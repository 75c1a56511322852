internal import Delivery

/// Messages in our own rows.
enum Stored: StoredRows {
  static let arenas = ArenaPool(bytesMax: 1 << 28, keptMax: 16)
}
