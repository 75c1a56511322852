internal import Messages
internal import ServiceKit
internal import Transport

/// One provider as an operator described it.
struct ProviderSpec: Sendable {
  enum Kind: Sendable {
    case smtp(SMTPSettings)
    case http(HTTPSettings)
    case folder(path: String)
    case inbox
  }

  let name: String
  let channels: [CommonV1.Channel]
  /// Messages at once.
  let connections: Int
  let retries: RetryRule
  /// Messages a second, at most.
  let pace: Pace
  /// Of the callbacks that it makes; nil: none are taken.
  let hookSecret: Secret<String>?
  let kind: Kind

  private static let channelNames: [(String, CommonV1.Channel)] = [
    ("email", .email), ("sms", .sms), ("chat", .chat), ("push", .push), ("internal", .internal),
    ("webhook", .webhook),
  ]

  init(name: String, channels: [CommonV1.Channel], kind: Kind) {
    self.name = name
    self.channels = channels
    self.kind = kind
    connections = 8
    retries = RetryRule()
    pace = .none
    hookSecret = nil
  }

  init(_ section: ProviderSection) throws {
    var section = section
    name = section.name
    let word = try section.required("kind", "one of smtp, http, folder, internal") { $0 }
    channels = try section.required("channels", "a list of email, sms, chat, …") { text in
      let words = text.split(separator: ",").map { ProviderSection.trimmed($0) }
      let channels = words.compactMap { word in
        ProviderSpec.channelNames.first { $0.0 == word }?.1
      }
      return channels.count == words.count && Set(channels).count == words.count ? channels : nil
    }
    connections = try section.integer("connections", in: 1...512, default: 8)
    var retries = RetryRule()
    retries.callsMax = try section.integer("calls-max", in: 1...1000, default: retries.callsMax)
    let first = try section.span(
      "retry-first", in: .milliseconds(1)...(.seconds(86_400)), default: retries.backoff.first)
    let most = try section.span(
      "retry-most", in: first...(.seconds(86_400 * 7)), default: max(first, .seconds(900)))
    retries.backoff = Backoff(first: first, most: most)
    self.retries = retries
    pace = try ProviderSpec.pace(&section, isServer: word == "smtp" || word == "http")
    hookSecret = try section.secret("hook-secret-file")
    switch word {
    case "smtp": kind = .smtp(try SMTPSettings(&section))
    case "http": kind = .http(try HTTPSettings(&section, isWebhook: channels.contains(.webhook)))
    case "folder":
      let path = try section.required("path", "a folder") { $0 }
      kind = .folder(path: path)
    case "internal": kind = .inbox
    default:
      throw ProviderFileError(line: section.line, "`kind` is smtp, http, folder or internal")
    }
    try section.finish()
    try checkChannels(section.line)
  }

  private static func pace(_ section: inout ProviderSection, isServer: Bool) throws -> Pace {
    let what = "`none`, or a rate such as 100/s, 30/m or 1000/h"
    var pace = isServer ? Pace.standard : .none
    let own = try section.take("rate", what) { text -> Pace? in
      text == "none" ? Pace.none : SendRate(text).map { Pace(all: $0) }
    }
    if let own { pace = own }
    for (store, text, line) in section.pairs("rate") {
      guard let rate = SendRate(text) else {
        throw ProviderFileError(line: line, "`rate \(store)` is to be a rate such as 100/s")
      }
      pace.stores[store] = rate
    }
    return pace
  }

  private func checkChannels(_ line: Int) throws {
    let fits: (CommonV1.Channel) -> Bool =
      switch kind {
      case .smtp: { $0 == .email }
      case .http: { $0 != .email }
      case .folder: { _ in true }
      case .inbox: { $0 == .internal }
      }
    if !channels.allSatisfy(fits) {
      throw ProviderFileError(line: line, "[\(name)] serves a channel that its kind cannot")
    }
    if case .http = kind, channels.contains(.webhook), channels.count > 1 {
      throw ProviderFileError(line: line, "[\(name)]: webhooks have a provider of their own")
    }
  }

  /// Where it connects to, with the keys that say so: for a virtual clock, which allows literal
  /// loopback addresses only.
  var hosts: [(key: String, host: String)] {
    switch kind {
    case .smtp(let settings): [("address", settings.server.host)]
    case .http(let settings): settings.urls.map { ($0.key, $0.url.host) }
    case .folder, .inbox: []
    }
  }
}

/// Addresses that lead back to this machine, written out: a name may lead anywhere.
enum Loopback {
  static func isLiteral(_ host: String) -> Bool {
    if host == "::1" || host == "[::1]" { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127"
      && parts.allSatisfy { part in
        UInt8(part) != nil && part.allSatisfy { $0.isASCII && $0.isNumber }
      }
  }
}

/// How an SMTP server is spoken to.
struct SMTPSettings: Sendable {
  enum TLS: String, CaseIterable, Sendable {
    /// In clear.
    case off
    /// Encrypted where the server offers it, whoever it is.
    case opportunistic
    /// By STARTTLS and under a certificate that is good for the host, or not at all.
    case required
    /// The same from the first byte on.
    case implicit
  }

  var server: Target
  var tls = TLS.required
  var user: String?
  var password: Secret<String>?
  var authorityFile: String?
  /// What it calls itself.
  var helo = "localhost"
  /// Where bounces go to; nil: to the sender's address.
  var returnPath: MailAddress?
  var connectTimeout = Duration.seconds(10)
  var replyTimeout = Duration.seconds(60)
  var timeout = Duration.seconds(300)

  init(server: Target) { self.server = server }

  init(_ section: inout ProviderSection) throws {
    let line = section.line
    server = try section.required("address", "HOST:PORT") { try Target($0) }
    let words = TLS.allCases.map(\.rawValue).joined(separator: ", ")
    tls = try section.take("tls", "one of \(words)") { TLS(rawValue: $0) } ?? .required
    user = try section.text("user")
    password = try section.secret("password-file")
    authorityFile = try section.text("ca-file")
    helo =
      try section.take("helo", "a host's name") { text in
        ProviderSection.isName(text.filter { $0 != "." && $0 != "[" && $0 != "]" && $0 != ":" })
          ? text : nil
      } ?? "localhost"
    returnPath = try section.take("return-path", "LOCAL@DOMAIN, LOCAL of 8 bytes at most") {
      let address = try MailAddress($0, field: "return-path")
      return address.text.utf8.count - address.domain.utf8.count - 1 <= 8 ? address : nil
    }
    let range = Duration.milliseconds(1)...Duration.seconds(3600)
    connectTimeout = try section.span("connect-timeout", in: range, default: connectTimeout)
    replyTimeout = try section.span("reply-timeout", in: range, default: replyTimeout)
    timeout = try section.span("timeout", in: range, default: timeout)
    if (user == nil) != (password == nil) {
      throw ProviderFileError(line: line, "`user` and `password-file` go together")
    }
    let isSafe = tls == .required || tls == .implicit || Loopback.isLiteral(server.host)
    if user != nil && !isSafe {
      throw ProviderFileError(line: line, "a password goes out under `tls = required` only")
    }
  }
}

/// How an HTTP service is spoken to.
struct HTTPSettings: Sendable {
  /// An address that an operator wrote.
  struct URL: Sendable, Hashable {
    let text: String
    let host: String
    let isSecure: Bool

    /// https to a host, or http to a literal loopback address; no user, no fragment.
    init?(_ text: String) {
      let isSecure = text.hasPrefix("https://")
      guard isSecure || text.hasPrefix("http://"), text.utf8.count <= 2048,
        text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") })
      else { return nil }
      let rest = text.dropFirst(isSecure ? 8 : 7)
      let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
      guard !authority.contains("@"), !text.contains("#") else { return nil }
      let host: Substring
      if authority.hasPrefix("[") {
        guard let end = authority.firstIndex(of: "]") else { return nil }
        host = authority[authority.index(after: authority.startIndex)..<end]
      } else {
        host = authority.prefix { $0 != ":" }
      }
      guard !host.isEmpty, isSecure || Loopback.isLiteral(String(host)) else { return nil }
      self.text = text
      self.host = String(host)
      self.isSecure = isSecure
    }
  }

  /// For every channel but webhooks.
  var url: URL?
  /// By name, for webhooks.
  var endpoints: [String: URL] = [:]
  var secret: Secret<String>?
  /// What the message says it comes from.
  var sender = ""
  var authorityFile: String?
  var connectTimeout = Duration.seconds(10)
  var timeout = Duration.seconds(30)

  init(url: URL) { self.url = url }

  init(_ section: inout ProviderSection, isWebhook: Bool) throws {
    let what = "https, or http to a literal loopback address"
    if isWebhook {
      for (name, text, line) in section.pairs("endpoint") {
        guard ProviderSection.isName(name) else {
          throw ProviderFileError(line: line, "an endpoint's name has letters, digits, - and _")
        }
        guard let url = URL(text) else {
          throw ProviderFileError(line: line, "`endpoint \(name)` is to be \(what)")
        }
        endpoints[name] = url
      }
      if endpoints.isEmpty {
        throw ProviderFileError(line: section.line, "[\(section.name)] has no `endpoint NAME`")
      }
    } else {
      url = try section.required("url", what) { URL($0) }
    }
    secret = try section.secret("secret-file")
    sender = try section.text("sender") ?? ""
    authorityFile = try section.text("ca-file")
    let range = Duration.milliseconds(1)...Duration.seconds(3600)
    connectTimeout = try section.span("connect-timeout", in: range, default: connectTimeout)
    timeout = try section.span("timeout", in: range, default: timeout)
  }

  var urls: [(key: String, url: URL)] {
    (url.map { [("url", $0)] } ?? []) + endpoints.map { ("endpoint \($0.key)", $0.value) }
  }
}
