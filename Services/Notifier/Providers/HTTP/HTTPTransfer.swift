internal import CCurl

/// One POST.
///
/// `@unchecked Sendable`, because it is made by one thread, handed to the curl thread through a
/// lock, and from then on used by that thread alone.
final class HTTPTransfer: CurlTransfer, @unchecked Sendable {
  private let url: String
  private let headers: [String]
  private let body: [UInt8]
  private let done: @Sendable (ProviderResult) -> Void
  private var exchange = HTTPExchange()

  init(
    url: String, headers: [String], body: [UInt8],
    _ done: @escaping @Sendable (ProviderResult) -> Void
  ) {
    self.url = url
    self.headers = headers
    self.body = body
    self.done = done
  }

  func prepare(_ handle: CurlHandle) {
    handle.set(CURLOPT_URL, url)
    handle.set(CURLOPT_HTTPHEADER, headers)
    handle.set(body: body)
    handle.set(
      write: HTTPTransfer.receive, header: HTTPTransfer.hear,
      Unmanaged.passUnretained(self).toOpaque())
  }

  func ended(_ handle: CurlHandle, _ code: CURLcode) {
    exchange.status = handle.number(CURLINFO_RESPONSE_CODE)
    exchange.wasSent = handle.number(CURLINFO_REQUEST_SIZE) > 0
    done(exchange.fate(TransferFault(code), TransferFault.text(code)))
  }

  // MARK: - Called by libcurl

  private static let receive: homing_curl_callback = { bytes, size, count, context in
    guard let bytes, let context else { return size * count }
    let transfer = Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
    transfer.exchange.receive(UnsafeRawBufferPointer(start: bytes, count: size * count))
    return size * count
  }

  private static let hear: homing_curl_callback = { bytes, size, count, context in
    guard let bytes, let context else { return size * count }
    let transfer = Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
    transfer.exchange.hear([UInt8](UnsafeRawBufferPointer(start: bytes, count: size * count)))
    return size * count
  }
}
