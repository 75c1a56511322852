/// A request without its transport.
struct WebRequest: Sendable {
  struct Header: Hashable, Sendable {
    /// In lower case.
    let name: String
    let value: String
  }

  var method: String
  /// Path and query as they came.
  var target: String
  /// In the order in which they came, `host` included.
  var headers: [Header] = []
  /// Address of the connection's other end; empty where it has none.
  var peer = ""
  var body: [UInt8] = []

  var path: Substring { target.prefix { $0 != "?" && $0 != "#" } }

  /// The first of that name.
  func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

  /// Whether nobody has asked for it yet: a look at the head alone, or a browser that fetches
  /// ahead.
  var isAhead: Bool {
    method == "HEAD"
      || ["sec-purpose", "purpose", "x-purpose", "x-moz"].contains { name in
        guard let value = header(name)?.lowercased() else { return false }
        return value.contains("prefetch") || value.contains("preview")
      }
  }
}

/// What goes back.
struct WebAnswer: Hashable, Sendable {
  var status: Int
  var headers: [String: String] = [:]
  var body: [UInt8] = []

  /// For a program's eyes.
  static func plain(_ status: Int, _ text: String = "") -> WebAnswer {
    WebAnswer(
      status: status, headers: ["Content-Type": "text/plain; charset=utf-8"],
      body: Array((text.isEmpty ? "" : text + "\n").utf8))
  }

  /// Nothing of what the gateway says may be kept, indexed, framed or told to the next site.
  static let always: [String: String] = [
    "Cache-Control": "no-store",
    "Content-Security-Policy":
      "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
  ]

  /// Every header that goes out, in the order of their names.
  func allHeaders(date: String) -> [(name: String, value: String)] {
    var all = WebAnswer.always.merging(headers) { $1 }
    all["Date"] = date
    all["Content-Length"] = "\(body.count)"
    return all.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }
}
