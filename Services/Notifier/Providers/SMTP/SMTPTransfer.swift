internal import CCurl
internal import Glibc

/// One mail on its way to an SMTP server, then its copies one after the other.
///
/// `@unchecked Sendable`, because it is made by one thread, handed to the curl thread through a
/// lock, and from then on used by that thread alone.
final class SMTPTransfer: CurlTransfer, @unchecked Sendable {
  private let bytes: [UInt8]
  private let from: String
  /// Of the mail itself; copies have the plain sender, since a copy that bounces says nothing of
  /// the person.
  private let envelope: String
  private let to: String
  /// Sent once this one was taken. They are not the message: what becomes of them is not told, and
  /// a crash loses them rather than sending them twice.
  private let copies: ArraySlice<EmailCopy>
  private let thread: CurlThread
  private let done: @Sendable (ProviderResult) -> Void
  /// Of the mail that this is a copy of.
  private let result: ProviderResult?
  private var offset = 0
  private var exchange = SMTPExchange()

  convenience init(
    _ email: EmailContent, returnPath: String?, _ thread: CurlThread,
    _ done: @escaping @Sendable (ProviderResult) -> Void
  ) {
    self.init(
      email.bytes, from: email.from, envelope: returnPath ?? email.from, to: email.to,
      email.copies[...], thread, nil, done)
  }

  private init(
    _ bytes: [UInt8], from: String, envelope: String, to: String, _ copies: ArraySlice<EmailCopy>,
    _ thread: CurlThread, _ result: ProviderResult?,
    _ done: @escaping @Sendable (ProviderResult) -> Void
  ) {
    self.bytes = bytes
    self.from = from
    self.envelope = envelope
    self.to = to
    self.copies = copies
    self.thread = thread
    self.result = result
    self.done = done
  }

  func prepare(_ handle: CurlHandle) {
    let context = Unmanaged.passUnretained(self).toOpaque()
    handle.set(CURLOPT_MAIL_FROM, envelope)
    handle.set(CURLOPT_MAIL_RCPT, [to])
    handle.set(
      read: SMTPTransfer.read, write: SMTPTransfer.discard, header: SMTPTransfer.hear, context)
  }

  func ended(_ handle: CurlHandle, _ code: CURLcode) {
    let own = exchange.fate(TransferFault(code), TransferFault.text(code))
    let first = result ?? own
    guard first.fate == .taken, let copy = copies.first else { return done(first) }
    thread.add([
      SMTPTransfer(
        copy.bytes, from: from, envelope: from, to: copy.to, copies.dropFirst(), thread, first,
        done)
    ])
  }

  // MARK: - Called by libcurl

  private static let read: homing_curl_callback = { buffer, size, count, context in
    guard let buffer, let context else { return 0 }
    let transfer = Unmanaged<SMTPTransfer>.fromOpaque(context).takeUnretainedValue()
    return transfer.read(into: UnsafeMutableRawPointer(buffer), room: size * count)
  }

  private static let hear: homing_curl_callback = { bytes, size, count, context in
    guard let bytes, let context else { return size * count }
    let transfer = Unmanaged<SMTPTransfer>.fromOpaque(context).takeUnretainedValue()
    let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
    transfer.exchange.hear([UInt8](line))
    return size * count
  }

  /// A server has nothing to say outside its replies.
  private static let discard: homing_curl_callback = { _, size, count, _ in size * count }

  /// libcurl stuffs the dots.
  private func read(into buffer: UnsafeMutableRawPointer, room: Int) -> Int {
    let count = min(room, bytes.count - offset)
    if count == 0 {
      exchange.hasBodyEnd = true
      return 0
    }
    bytes.withUnsafeBytes { _ = memcpy(buffer, $0.baseAddress! + offset, count) }
    offset += count
    return count
  }
}
