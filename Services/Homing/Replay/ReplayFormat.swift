/// How a file is to be read: a preset with what the command line says instead.
struct ReplayFormat: Hashable, Sendable {
  var columns: [String: String] = [:]
  var kinds: [String: String] = [:]
  var hasHeader = true
  var time = "iso8601"

  static let presets: [String: ReplayFormat] = [
    // User,item,category,behaviour,time: Alibaba's log of user behaviour.
    "taobao": ReplayFormat(
      columns: ["contact": "1", "item": "2", "kind": "4", "time": "5"],
      kinds: ["add": "cart", "purchase": "buy", "view": "pv|fav"], hasHeader: false, time: "unix"),
    // The REES46 Open CDP's log of a cosmetics shop.
    "rees46": ReplayFormat(
      columns: [
        "contact": "user_id", "item": "product_id", "kind": "event_type", "price": "price",
        "time": "event_time",
      ],
      kinds: [
        "add": "cart", "purchase": "purchase", "remove": "remove_from_cart", "view": "view",
      ], time: "%Y-%m-%d %H:%M:%S UTC"),
    // What `homing sample` writes: our own names everywhere.
    "sample": ReplayFormat(),
  ]

  /// - Throws: `CommandError` naming the presets there are.
  static func preset(_ name: String) throws(CommandError) -> ReplayFormat {
    guard let preset = presets[name] else {
      throw .usage(
        "no preset is called \"\(Printable.text(name))\"; there are "
          + presets.keys.sorted().joined(separator: ", "))
    }
    return preset
  }

  /// - Parameter header: the file's first record; nil where it has no header.
  func mapping(
    header: [String]?, store: String, currency: String
  ) throws(CommandError) -> RowMapping {
    RowMapping(
      columns: try ColumnMap(
        columns.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, header: header),
      kinds: try KindMap(kinds.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }),
      time: try TimeFormat(time), store: store, currency: currency)
  }
}
