internal import Messages
internal import ServiceKit
internal import Transport

/// What an operator sets for direct-mail, beside what every service has.
struct DirectMailConfiguration: Sendable {
  /// Where permission and facts are asked for.
  let tracker: Target
  /// Where outcomes are reported to; nil: nowhere.
  let scheduler: Target?
  /// Folder that batches are handed over to; nil: `letters` in the data folder.
  let letters: String?
  /// When batches close.
  let cutOff: CutOff
  /// In which a household or company address gets one letter; zero: as many as are ordered.
  let householdPeriod: Duration
  /// Printing and postage of one letter; nil: nobody is charged, and no budget is asked for.
  let cost: CommonV1.Money?
  /// Below which the gateway answers, for links.
  let publicURL: String?
  /// `ID=FILE`, newest first.
  let linkKeys: [String]
  /// Folder of pictures that letters may show; nil: they show none.
  let images: String?
  /// Threads that read for calls.
  let readers: Int
  /// Memory for pages of the tables, for the writer and all readers together.
  let cacheBytes: Int
  /// For file systems without shared memory.
  let isExclusive: Bool
  /// The opt-out journal; nil: in the data folder.
  let optOuts: String?
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
    letters = settings.optionalText(
      "HOMING_LETTERS",
      "Folder that batches are handed over to, each as one folder; none: `letters` beside the data."
    )
    cutOff = DirectMailConfiguration.cutOff(&settings)
    householdPeriod = settings.span(
      "HOMING_HOUSEHOLD_PERIOD", in: .zero...(.seconds(3650 * 86_400)),
      default: .seconds(7 * 86_400),
      "In which an address gets one letter of a controller at most; 0s: as many as are ordered.")
    cost = settings.parsed(
      "HOMING_LETTER_COST", type: "amount and currency", fallback: "none: budgets are not asked",
      "Printing and postage of one letter, such as `0.85 EUR`; taken from the store's budget.",
      { try Price.parse($0) })
    publicURL = settings.optionalText(
      "HOMING_PUBLIC_URL",
      "Where the gateway answers from outside, https unless loopback: the beginning of all links.")
    linkKeys = settings.list(
      "HOMING_LINK_KEYS",
      "Keys that links are signed with, newest first, each ID=FILE with an ID of 0 to 255.")
    images = settings.optionalText(
      "HOMING_IMAGES", "Folder of pictures that letters may show; none: they show none.")
    readers = settings.integer(
      "HOMING_READERS", in: 1...64, default: 2, "Threads that read for calls.")
    cacheBytes = settings.bytes(
      "HOMING_CACHE_BYTES", in: 1 << 20...1 << 36, default: 64 << 20,
      "Memory for pages of the tables.")
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

  private static func cutOff(_ settings: inout Settings) -> CutOff {
    let daily =
      settings.parsed(
        "HOMING_CUT_OFF", type: "HH:MM", fallback: "16:00",
        "When batches close each day, in the store's time zone; earlier is less time to cancel.",
        { try CutOff.daily(parsing: $0) }) ?? .daily(minute: 16 * 60)
    let every = settings.span(
      "HOMING_CUT_OFF_EVERY", in: .zero...(.seconds(7 * 86_400)), default: .zero,
      "Close batches each time this span has passed since 1970 instead; 0s: once a day.")
    return every > .zero ? .every(every) : daily
  }
}
