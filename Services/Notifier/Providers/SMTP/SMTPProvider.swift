internal import CCurl
internal import ServiceKit

/// Hands e-mails to an SMTP server through libcurl: several connections at once, each kept for the
/// next mail.
///
/// SMTP knows no idempotency key: a mail of unknown fate is never tried again.
final class SMTPProvider: Provider {
  let name: String
  let slots: Int
  let retries: RetryRule
  let isIdempotent = false
  private let thread: CurlThread
  private let returnPath: MailAddress?

  init(
    name: String, slots: Int, retries: RetryRule, _ settings: SMTPSettings
  ) throws {
    self.name = name
    self.slots = slots
    self.retries = retries
    returnPath = settings.returnPath
    thread = try CurlThread(name: name, connections: slots) { handle in
      SMTPProvider.prepare(handle, settings)
    }
  }

  func start() throws { try thread.start() }

  func send(_ parcels: [Parcel]) {
    thread.add(
      parcels.compactMap { parcel in
        guard case .email(let email) = parcel.content else {
          preconditionFailure("a message that is no e-mail for SMTP")
        }
        return SMTPTransfer(
          email, returnPath: ReturnPath.text(returnPath, email.returnToken), thread, parcel.done)
      })
  }

  func stop() async { await thread.stop() }

  /// What is the same for every mail.
  private static func prepare(_ handle: CurlHandle, _ settings: SMTPSettings) {
    let scheme = settings.tls == .implicit ? "smtps" : "smtp"
    handle.set(CURLOPT_URL, "\(scheme)://\(settings.server)/\(settings.helo)")
    handle.set(CURLOPT_PROTOCOLS_STR, "smtp,smtps")
    handle.set(CURLOPT_UPLOAD, 1)
    handle.set(CURLOPT_CONNECTTIMEOUT_MS, settings.connectTimeout)
    handle.set(CURLOPT_TIMEOUT_MS, settings.timeout)
    let seconds = (settings.replyTimeout.microsecondsClamped + 999_999) / 1_000_000
    handle.set(CURLOPT_SERVER_RESPONSE_TIMEOUT, Int(clamping: max(1, seconds)))
    let use: Int =
      switch settings.tls {
      case .off: Int(CURLUSESSL_NONE.rawValue)
      case .opportunistic: Int(CURLUSESSL_TRY.rawValue)
      case .required, .implicit: Int(CURLUSESSL_ALL.rawValue)
      }
    handle.set(CURLOPT_USE_SSL, use)
    let isChecked = settings.tls != .opportunistic || settings.authorityFile != nil
    handle.set(CURLOPT_SSL_VERIFYPEER, isChecked ? 1 : 0)
    handle.set(CURLOPT_SSL_VERIFYHOST, isChecked ? 2 : 0)
    if let file = settings.authorityFile { handle.set(CURLOPT_CAINFO, file) }
    if let user = settings.user, let password = settings.password {
      handle.set(CURLOPT_USERNAME, user)
      handle.set(CURLOPT_PASSWORD, password.reveal())
    }
  }
}
