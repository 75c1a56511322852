internal import ServiceKit
internal import Transport

/// What an operator sets for the gateway, beside what every service has.
///
/// HTTP is spoken without TLS: a proxy in front ends TLS, adds `X-Forwarded-For` and
/// `Strict-Transport-Security`, and is named in `HOMING_TRUSTED_PROXIES`.
struct GatewayConfiguration: Sendable {
  let listen: Target
  let notifier: Target
  /// Nil: there are no letters, and their codes lead nowhere.
  let directMail: Target?
  let trustedProxies: [AddressRange]
  let limits: WebLimits

  init(reading settings: inout Settings) {
    listen =
      settings.parsed(
        "HOMING_HTTP_LISTEN", type: "HOST:PORT", fallback: nil,
        "Where to take HTTP; port 0 takes a free one below 32768.", { try Target($0) })
      ?? Target(host: "", port: 0)
    notifier =
      settings.parsed(
        "HOMING_NOTIFIER", type: "HOST:PORT", fallback: nil, "Where the notifier is.",
        { try Target($0) }) ?? Target(host: "", port: 0)
    directMail = settings.parsed(
      "HOMING_DIRECT_MAIL", type: "HOST:PORT", fallback: "no letters",
      "Where direct-mail is, for the codes on letters.", { try Target($0) })
    trustedProxies =
      settings.parsed(
        "HOMING_TRUSTED_PROXIES", type: "list of addresses or ranges such as 10.0.0.0/8, by `;`",
        fallback: "empty", "Whose X-Forwarded-For is believed.",
        { try $0.split(separator: ";").map { try AddressRange(parsing: $0) } }) ?? []
    var limits = WebLimits()
    limits.connectionsMax = settings.integer(
      "HOMING_HTTP_CONNECTIONS_MAX", in: 1...100_000, default: limits.connectionsMax,
      "HTTP connections at once; more wait until one closes.")
    limits.bodyBytesMax = settings.bytes(
      "HOMING_HTTP_BODY_BYTES", in: 1 << 20...1 << 32, default: limits.bodyBytesMax,
      "Memory for bodies that are being taken; more are told to come again.")
    limits.idleTime = settings.span(
      "HOMING_HTTP_IDLE", in: .seconds(1)...(.seconds(600)), default: limits.idleTime,
      "How long a connection may stay without a request, and a request's head may take.")
    limits.bodyTime = settings.span(
      "HOMING_HTTP_BODY_TIME", in: .seconds(1)...(.seconds(600)), default: limits.bodyTime,
      "How long a request's body may take.")
    self.limits = limits
  }
}
