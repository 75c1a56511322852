internal import ServiceKit
internal import Transport

/// What an operator sets for scheduler, beside what every service has.
struct SchedulerConfiguration: Sendable {
  let tracker: Target
  let notifier: Target
  /// Nil: letters and postcards are skipped.
  let directMail: Target?
  /// The shops' Rewards, each name=HOST:PORT.
  let rewards: [String]
  /// Threads that read for calls.
  let readers: Int
  /// Memory for pages of the tables, for the writer and all readers together.
  let cacheBytes: Int
  /// For file systems without shared memory.
  let isExclusive: Bool
  /// False on a virtual clock only: what a replay makes is not missed when the machine ends.
  let flushes: Bool

  init(reading settings: inout Settings) {
    let none = Target(host: "", port: 0)
    tracker =
      settings.parsed(
        "HOMING_CART_TRACKER", type: "HOST:PORT", fallback: nil, "Where cart-tracker listens.",
        { try Target($0) }) ?? none
    notifier =
      settings.parsed(
        "HOMING_NOTIFIER", type: "HOST:PORT", fallback: nil, "Where notifier listens.",
        { try Target($0) }) ?? none
    directMail = settings.parsed(
      "HOMING_DIRECT_MAIL", type: "HOST:PORT", fallback: "none",
      "Where direct-mail listens; without it letters and postcards are skipped.",
      { try Target($0) })
    rewards = settings.list(
      "HOMING_REWARDS",
      "Shops that give points and samples at purchase, each name=HOST:PORT; incentives name them.")
    readers = settings.integer(
      "HOMING_READERS", in: 1...64, default: 2, "Threads that read for calls.")
    cacheBytes = settings.bytes(
      "HOMING_CACHE_BYTES", in: 1 << 20...1 << 36, default: 192 << 20,
      "Memory for pages of the tables.")
    isExclusive = settings.flag(
      "HOMING_EXCLUSIVE_FILES", default: false,
      "Lock the database file to this process, for file systems without shared memory.")
    flushes = settings.flag(
      "HOMING_FLUSH", default: true,
      "Wait for the disk at each commit; may be false on a virtual clock only.")
  }
}
