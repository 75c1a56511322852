internal import ServiceKit
internal import Transport

/// What an operator sets for the notifier, beside what every service has.
struct NotifierConfiguration: Sendable {
  /// Where permission and facts are asked for.
  let tracker: Target
  /// Where outcomes are reported to; nil: nowhere.
  let scheduler: Target?
  /// What the file of providers says; nil: none but internal notes.
  let providers: ProviderFile?
  /// Below which the gateway answers, for links.
  let publicURL: String?
  /// `ID=FILE`, newest first.
  let linkKeys: [String]
  /// Threads that render: as many messages at once.
  let renderers: Int
  /// Threads that read for calls.
  let readers: Int
  /// Memory for pages of the tables, for the writer and all readers together.
  let cacheBytes: Int
  /// How long what was handed over can be shown; zero keeps none.
  let contentKept: Duration
  /// The opt-out journal; nil: in the data folder.
  let optOuts: String?
  /// For file systems without shared memory.
  let isExclusive: Bool
  /// False on a virtual clock only: what a replay makes is not missed when the machine ends.
  let flushes: Bool

  init(reading settings: inout Settings) {
    tracker =
      settings.parsed(
        "HOMING_CART_TRACKER", type: "HOST:PORT", fallback: nil,
        "The cart-tracker, which gives permission and facts.", { try Target($0) })
      ?? Target(host: "", port: 0)
    scheduler = settings.parsed(
      "HOMING_SCHEDULER", type: "HOST:PORT", fallback: "none",
      "The scheduler, which outcomes are reported to.", { try Target($0) })
    providers = settings.parsed(
      "HOMING_PROVIDERS", type: "file", fallback: "none: internal notes only",
      ProviderFile.purpose, { try ProviderFile.read($0) })
    publicURL = settings.optionalText(
      "HOMING_PUBLIC_URL",
      "Where the gateway answers from outside, https unless loopback: the beginning of all links.")
    linkKeys = settings.list(
      "HOMING_LINK_KEYS",
      "Keys that links are signed with, newest first, each ID=FILE with an ID of 0 to 255.")
    renderers = settings.integer(
      "HOMING_RENDERERS", in: 1...64, default: 2, "Threads that render messages.")
    readers = settings.integer(
      "HOMING_READERS", in: 1...64, default: 2, "Threads that read for calls.")
    cacheBytes = settings.bytes(
      "HOMING_CACHE_BYTES", in: 1 << 20...1 << 36, default: 128 << 20,
      "Memory for pages of the tables.")
    contentKept = settings.span(
      "HOMING_CONTENT_KEPT", in: .zero...(.seconds(3650 * 86_400)),
      default: .seconds(30 * 86_400),
      "How long what was handed over can be shown; 0s keeps none.")
    optOuts = settings.optionalText(
      "HOMING_OPT_OUTS",
      "File of the opt-out journal, best on another disk than the data and never restored "
        + "from a backup; default optouts.journal in the data folder.")
    isExclusive = settings.flag(
      "HOMING_EXCLUSIVE_FILES", default: false,
      "Lock the database file to this process, for file systems without shared memory.")
    flushes = settings.flag(
      "HOMING_FLUSH", default: true,
      "Wait for the disk at each commit; may be false on a virtual clock only.")
  }
}
