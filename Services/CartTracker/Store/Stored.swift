internal import Delivery

/// Messages in our own rows.
enum Stored: StoredRows {
  /// A row may have grown over years; a frame may not be so large.
  static let arenas = ArenaPool(bytesMax: 1 << 30, keptMax: 16)
}
