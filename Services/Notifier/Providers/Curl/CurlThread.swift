internal import CCurl
internal import Synchronization
internal import Transport

/// A thread that runs the transfers of one provider through libcurl's multi interface: connections
/// are kept and used again.
///
/// `@unchecked Sendable`, because the multi handle is used by its thread alone, from the thread's
/// first line to its last, but for `curl_multi_wakeup`, which libcurl allows from any thread while
/// the handle lives, and it lives as long as the process.
final class CurlThread: @unchecked Sendable {
  private struct Inbox {
    var new: [any CurlTransfer] = []
    var isStopping = false
    var isRunning = false
  }

  private let name: String
  private let multi: UnsafeMutableRawPointer
  private let inbox = Mutex(Inbox())
  private let onEnd = Mutex<CheckedContinuation<Void, Never>?>(nil)
  /// Sets what all transfers share in a new handle.
  private let makeReady: @Sendable (CurlHandle) -> Void

  private static let pollMilliseconds: Int32 = 1000
  private static let isReady: Bool = curl_global_init(homing_curl_global_default) == CURLE_OK

  /// - Parameters:
  ///   - connections: at most, at once and kept.
  ///   - makeReady: sets what all transfers share in a new handle.
  init(
    name: String, connections: Int, makeReady: @escaping @Sendable (CurlHandle) -> Void
  ) throws {
    guard CurlThread.isReady, let multi = curl_multi_init() else { throw NoCurl() }
    self.name = name
    self.multi = multi
    self.makeReady = makeReady
    homing_curl_multi_set_number(multi, CURLMOPT_MAXCONNECTS, connections)
    homing_curl_multi_set_number(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections)
    homing_curl_multi_set_number(multi, CURLMOPT_PIPELINING, 0)
  }

  struct NoCurl: Error, CustomStringConvertible {
    let description = "libcurl cannot be used"
  }

  func start() throws {
    inbox.withLock { $0.isRunning = true }
    try Thread.start(name: name) { self.run() }
  }

  func add(_ transfers: [any CurlTransfer]) {
    let isFirst = inbox.withLock { inbox in
      inbox.new += transfers
      return inbox.new.count == transfers.count
    }
    // One wake-up for all that comes until the thread has looked.
    if isFirst { curl_multi_wakeup(multi) }
  }

  /// Ends at once, with what runs.
  func stop() async {
    await withCheckedContinuation { continuation in
      onEnd.withLock { $0 = continuation }
      let isRunning = inbox.withLock { inbox in
        inbox.isStopping = true
        return inbox.isRunning
      }
      curl_multi_wakeup(multi)
      if !isRunning { ended() }
    }
  }

  private func ended() {
    let waiter = onEnd.withLock { waiter in
      defer { waiter = nil }
      return waiter
    }
    waiter?.resume()
  }

  // MARK: - On the thread

  private func run() {
    var idle: [CurlHandle] = []
    var running: [UnsafeMutableRawPointer: CurlHandle] = [:]
    var count: Int32 = 0
    while true {
      let (new, isStopping) = inbox.withLock { inbox in
        defer { inbox.new = [] }
        return (inbox.new, inbox.isStopping)
      }
      if isStopping { break }
      for transfer in new { begin(transfer, &idle, &running) }
      curl_multi_perform(multi, &count)
      var code = CURLE_OK
      while let easy = homing_curl_ended(multi, &code) {
        curl_multi_remove_handle(multi, easy)
        guard let handle = running.removeValue(forKey: easy), let transfer = handle.transfer
        else { continue }
        transfer.ended(handle, code)
        handle.transfer = nil
        idle.append(handle)
      }
      let isWaiting = inbox.withLock { !$0.new.isEmpty }
      if !isWaiting { curl_multi_poll(multi, nil, 0, CurlThread.pollMilliseconds, nil) }
    }
    // Connections end with the process: libcurl would say farewell to each server and wait for its
    // answer, one after the other.
    CurlThread.keep(running.values)
    inbox.withLock { $0.isRunning = false }
    ended()
  }

  /// What libcurl still points to.
  private static func keep(_ handles: some Collection<CurlHandle>) {
    for handle in handles { _ = Unmanaged.passRetained(handle) }
  }

  private func begin(
    _ transfer: any CurlTransfer, _ idle: inout [CurlHandle],
    _ running: inout [UnsafeMutableRawPointer: CurlHandle]
  ) {
    let known = idle.popLast()
    guard let handle = known ?? CurlHandle() else {
      preconditionFailure("no memory for a transfer")
    }
    if known == nil { makeReady(handle) }
    handle.transfer = transfer
    transfer.prepare(handle)
    running[handle.easy] = handle
    curl_multi_add_handle(multi, handle.easy)
  }
}
