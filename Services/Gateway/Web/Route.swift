/// What a path asks for.
enum Route: Hashable, Sendable {
  /// `/c/…`: a signed link.
  case click(String)
  /// `/o/…`: the picture that tells of an opening. Nil: a token that is none.
  case open(String?)
  /// `/u/…`: unsubscribe.
  case unsubscribe(String)
  /// `/l/…`: the code on a letter that leads to the cart.
  case scan(String)
  /// `/b/…`: the code on a letter that objects to mail. Nil: `/b`, where it is typed in.
  case object(String?)
  /// `/hook/…`: a provider's report.
  case report(provider: String)
  case health

  /// In bytes; longer tokens are none of ours.
  static let tokenSizeMax = 512
  static let providerSizeMax = 64

  /// Nil: nothing is there.
  init?(path: some StringProtocol) {
    switch path {
    case "/healthz":
      self = .health
      return
    case "/b":
      self = .object(nil)
      return
    default: break
    }
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0].isEmpty else { return nil }
    let rest = String(parts[2])
    let isToken = Route.isWord(rest, sizeMax: Route.tokenSizeMax, beside: "-_")
    switch (parts[1], isToken) {
    case ("c", true): self = .click(rest)
    case ("o", _): self = .open(isToken ? rest : nil)
    case ("u", true): self = .unsubscribe(rest)
    case ("l", true): self = .scan(rest)
    case ("b", true): self = .object(rest)
    case ("hook", _) where Route.isWord(rest, sizeMax: Route.providerSizeMax, beside: "-_."):
      self = .report(provider: rest)
    default: return nil
    }
  }

  var methods: [String] {
    switch self {
    case .click, .open, .scan, .health: ["GET", "HEAD"]
    case .unsubscribe, .object: ["GET", "HEAD", "POST"]
    case .report: ["POST"]
    }
  }

  /// For logs: without what the path names.
  var name: String {
    switch self {
    case .click: "click"
    case .open: "open"
    case .unsubscribe: "unsubscribe"
    case .scan: "scan"
    case .object: "object"
    case .report: "report"
    case .health: "health"
    }
  }

  /// Of the body of a request with this method, in bytes.
  func bodySizeMax(_ method: String, _ limits: WebLimits) -> Int {
    switch (self, method) {
    case (.unsubscribe, "POST"), (.object, "POST"): limits.formSizeMax
    case (.report, "POST"): limits.reportSizeMax
    default: 0
    }
  }

  private static func isWord(_ text: String, sizeMax: Int, beside: String) -> Bool {
    (1...sizeMax).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: beside.utf8.contains(byte)
        }
      }
  }
}
