internal import CCurl
internal import ServiceKit

/// How a transfer ended, in our words.
enum TransferFault: Hashable, Sendable {
  case none
  /// Nobody was reached.
  case unreachable
  /// TLS was not offered, or its certificate is not good.
  case tls
  /// The server let nobody in: greeting, EHLO, AUTH.
  case refusedEntry
  /// The server answered no to a command about the message.
  case refusedCommand
  case timeout
  case other

  init(_ code: CURLcode) {
    switch code {
    case CURLE_OK: self = .none
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_PROXY:
      self = .unreachable
    case CURLE_USE_SSL_FAILED, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CONNECT_ERROR,
      CURLE_SSL_CERTPROBLEM, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CIPHER,
      CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CRL_BADFILE:
      self = .tls
    case CURLE_LOGIN_DENIED, CURLE_REMOTE_ACCESS_DENIED, CURLE_WEIRD_SERVER_REPLY:
      self = .refusedEntry
    case CURLE_SEND_ERROR: self = .refusedCommand
    case CURLE_OPERATION_TIMEDOUT: self = .timeout
    default: self = .other
    }
  }

  static func text(_ code: CURLcode) -> String { String(cString: curl_easy_strerror(code)) }
}

/// One exchange with a server. Everything but `init` is called on the curl thread.
protocol CurlTransfer: AnyObject, Sendable {
  /// Sets what is this transfer's own. The handle keeps what it had otherwise.
  func prepare(_ handle: CurlHandle)
  /// Once; the handle goes to another transfer after it.
  func ended(_ handle: CurlHandle, _ code: CURLcode)
}

/// One easy handle of libcurl with the lists that belong to it. Used on the curl thread only.
final class CurlHandle {
  let easy: UnsafeMutableRawPointer
  private var lists: [CURLoption.RawValue: UnsafeMutablePointer<curl_slist>] = [:]
  var transfer: (any CurlTransfer)?

  /// Nil where there is no memory for it.
  init?() {
    guard let easy = curl_easy_init() else { return nil }
    self.easy = easy
    // Names are looked up on threads of libcurl's, and no signal is used for time-outs.
    set(CURLOPT_NOSIGNAL, 1)
    set(CURLOPT_NOPROGRESS, 1)
    // What stands in the environment is not asked: the operator's file alone says where mail goes.
    set(CURLOPT_PROXY, "")
    set(CURLOPT_NOPROXY, "*")
    set(CURLOPT_FOLLOWLOCATION, 0)
    set(CURLOPT_TCP_KEEPALIVE, 1)
  }

  deinit {
    curl_easy_cleanup(easy)
    for list in lists.values { curl_slist_free_all(list) }
  }

  func set(_ option: CURLoption, _ value: Int) { homing_curl_set_number(easy, option, value) }

  /// libcurl keeps a copy.
  func set(_ option: CURLoption, _ text: String) { homing_curl_set_text(easy, option, text) }

  func set(_ option: CURLoption, _ span: Duration) {
    set(option, Int(clamping: max(1, span.microsecondsClamped / 1000)))
  }

  func set(_ option: CURLoption, _ items: [String]) {
    if let old = lists.removeValue(forKey: option.rawValue) { curl_slist_free_all(old) }
    var list: UnsafeMutablePointer<curl_slist>?
    for item in items {
      guard let longer = curl_slist_append(list, item) else { break }
      list = longer
    }
    lists[option.rawValue] = list
    homing_curl_set_pointer(easy, option, list)
  }

  func set(body: [UInt8]) {
    body.withUnsafeBytes { raw in
      _ = homing_curl_set_bytes(easy, raw.baseAddress, curl_off_t(raw.count))
    }
  }

  /// Bytes of a transfer are read, and its answers written, by these.
  func set(
    read: homing_curl_callback? = nil, write: homing_curl_callback? = nil,
    header: homing_curl_callback? = nil, _ context: UnsafeMutableRawPointer
  ) {
    if let read { homing_curl_set_read(easy, read, context) }
    if let write { homing_curl_set_write(easy, write, context) }
    if let header { homing_curl_set_header(easy, header, context) }
  }

  func number(_ info: CURLINFO) -> Int {
    var value = 0
    homing_curl_get_number(easy, info, &value)
    return value
  }
}
