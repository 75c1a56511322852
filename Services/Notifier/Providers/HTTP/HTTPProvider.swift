internal import CCurl
internal import Messages
internal import ServiceKit

/// Hands messages to an HTTP service, one POST each, with JSON both ways.
///
/// The request has `Idempotency-Key: ` and the message's id, and where there is a secret
/// `Authorization: Bearer …`. For SMS, chat and push the body is
/// `{"id", "channel", "to", "from", "text", "store", "locale"}`; for a webhook it is the
/// message's own. The service answers 2xx with `{"id": …}`, its own id of the message, or with
/// nothing; see `HTTPExchange.fate` for other answers. It may report later what became of the
/// message, by a callback that names `id` (`ReportDesk`).
final class HTTPProvider: Provider {
  let name: String
  let slots: Int
  let retries: RetryRule
  private let settings: HTTPSettings
  private let thread: CurlThread

  init(name: String, slots: Int, retries: RetryRule, _ settings: HTTPSettings) throws {
    self.name = name
    self.slots = slots
    self.retries = retries
    self.settings = settings
    thread = try CurlThread(name: name, connections: slots) { handle in
      handle.set(CURLOPT_PROTOCOLS_STR, "http,https")
      handle.set(CURLOPT_POST, 1)
      handle.set(CURLOPT_CONNECTTIMEOUT_MS, settings.connectTimeout)
      handle.set(CURLOPT_TIMEOUT_MS, settings.timeout)
      handle.set(CURLOPT_SSL_VERIFYPEER, 1)
      handle.set(CURLOPT_SSL_VERIFYHOST, 2)
      if let file = settings.authorityFile { handle.set(CURLOPT_CAINFO, file) }
    }
  }

  func start() throws { try thread.start() }

  func send(_ parcels: [Parcel]) {
    var transfers: [HTTPTransfer] = []
    for parcel in parcels {
      guard let url = url(parcel) else {
        parcel.done(ProviderResult(.refused, answer: "the endpoint is not configured"))
        continue
      }
      transfers.append(
        HTTPTransfer(
          url: url.text, headers: headers(parcel), body: body(parcel), parcel.done))
    }
    if !transfers.isEmpty { thread.add(transfers) }
  }

  func stop() async { await thread.stop() }

  /// Only what the operator wrote: nothing in a message says where it is posted to.
  private func url(_ parcel: Parcel) -> HTTPSettings.URL? {
    parcel.order.channel == .webhook ? settings.endpoints[parcel.recipient] : settings.url
  }

  private func headers(_ parcel: Parcel) -> [String] {
    var headers = [
      "Content-Type: application/json", "Idempotency-Key: \(parcel.id)", "Accept: application/json",
      "User-Agent: homing", "Expect:",
    ]
    if let secret = settings.secret { headers.append("Authorization: Bearer \(secret.reveal())") }
    return headers
  }

  private func body(_ parcel: Parcel) -> [UInt8] {
    if case .webhook(let body) = parcel.content { return body }
    let fields = [
      ("id", parcel.id), ("channel", HTTPProvider.word(parcel.order.channel)),
      ("to", parcel.recipient), ("from", settings.sender),
      ("text", String(decoding: parcel.content.bytes, as: UTF8.self)),
      ("store", parcel.order.store), ("locale", parcel.locale),
    ]
    let members = fields.map { "\(JSON.quoted($0.0)):\(JSON.quoted($0.1))" }
    return Array("{\(members.joined(separator: ","))}".utf8)
  }

  private static func word(_ channel: CommonV1.Channel) -> String {
    switch channel {
    case .sms: "sms"
    case .chat: "chat"
    case .push: "push"
    default: "internal"
    }
  }
}
