internal import ServiceKit
internal import Transport

/// What an operator sets for cart-tracker, beside what every service has.
struct TrackerConfiguration: Sendable {
  /// Rows acknowledged and not yet in the tables: more survive a longer burst and cost memory; past
  /// it sources are told to wait.
  let tailRows: Int
  let tailBytes: Int
  /// Threads that read for point reads and lists.
  let readers: Int
  /// Memory for pages of the tables, for the writer and all readers together.
  let cacheBytes: Int
  /// `name=HOST:PORT` of each source of carts (L06).
  let sources: [String]
  /// HOST:PORT of the scheduler. Nil: it is told nothing, also not later of what happens meanwhile.
  let scheduler: Target?
  /// For file systems without shared memory.
  let isExclusive: Bool
  /// False on a virtual clock only: what a replay makes is not missed when the machine ends.
  let flushes: Bool

  init(reading settings: inout Settings) {
    tailRows = settings.integer(
      "HOMING_TAIL_ROWS", in: 1000...20_000_000, default: 2_000_000,
      "Events acknowledged and not yet in the tables, at most.")
    tailBytes = settings.bytes(
      "HOMING_TAIL_BYTES", in: 1 << 20...1 << 36, default: 640 << 20,
      "Their bytes, at most.")
    readers = settings.integer(
      "HOMING_READERS", in: 1...64, default: 2, "Threads that read for calls.")
    cacheBytes = settings.bytes(
      "HOMING_CACHE_BYTES", in: 1 << 20...1 << 36, default: 128 << 20,
      "Memory for pages of the tables.")
    sources = settings.list(
      "HOMING_CART_SOURCES", "Sources of carts that Refresh asks, each name=HOST:PORT.")
    scheduler = settings.parsed(
      "HOMING_SCHEDULER", type: "HOST:PORT", fallback: "none",
      "Where the scheduler listens; without it nothing of what happens is kept for it.",
      { try Target($0) })
    isExclusive = settings.flag(
      "HOMING_EXCLUSIVE_FILES", default: false,
      "Lock the database files to this process, for file systems without shared memory.")
    flushes = settings.flag(
      "HOMING_FLUSH", default: true,
      "Wait for the disk at each commit; may be false on a virtual clock only.")
  }
}
