internal import CLinux
internal import Glibc

/// Tells which descriptors are ready. The seam for other systems: epoll here, kqueue could follow.
protocol Poller {
  /// Starts watching; `token` comes back with each event. Level-triggered.
  func add(_ descriptor: Int32, _ interest: Interest, token: UInt64) throws(SystemError)
  func modify(_ descriptor: Int32, _ interest: Interest, token: UInt64)
  func remove(_ descriptor: Int32)
  /// Waits for events; `timeout` in milliseconds, -1 for ever, 0 not at all.
  ///
  /// - Returns: how many events there are, to be read by `event(at:)` before the next wait.
  func wait(timeout: Int32) -> Int
  func event(at index: Int) -> (token: UInt64, ready: Interest)
}

/// What a descriptor is watched for, and what it is ready for.
struct Interest: OptionSet {
  let rawValue: UInt32
  static let read = Interest(rawValue: 1)
  static let write = Interest(rawValue: 2)
}

/// A system call that failed, with its errno.
package struct SystemError: Error, Equatable, CustomStringConvertible {
  package let call: String
  package let number: Int32

  init(_ call: String, _ number: Int32 = errno) {
    self.call = call
    self.number = number
  }

  package var description: String { "\(call): \(String(cString: strerror(number)))" }
}

/// Linux. `@unchecked Sendable`, because only its loop's thread uses it, once that runs.
final class Epoll: Poller, @unchecked Sendable {
  private static let batch = 256
  private let descriptor: Int32
  private let events: UnsafeMutablePointer<epoll_event>

  init() throws(SystemError) {
    descriptor = homing_epoll_create()
    if descriptor < 0 { throw SystemError("epoll_create1") }
    events = .allocate(capacity: Epoll.batch)
  }

  deinit {
    close(descriptor)
    events.deallocate()
  }

  func add(_ fd: Int32, _ interest: Interest, token: UInt64) throws(SystemError) {
    if homing_epoll_control(descriptor, homing_epoll_add, fd, kinds(interest), token) != 0 {
      throw SystemError("epoll_ctl")
    }
  }

  func modify(_ fd: Int32, _ interest: Interest, token: UInt64) {
    let result = homing_epoll_control(
      descriptor, homing_epoll_modify, fd, kinds(interest), token)
    precondition(result == 0, "a watched descriptor is not watched")
  }

  func remove(_ fd: Int32) {
    _ = homing_epoll_control(descriptor, homing_epoll_remove, fd, 0, 0)
  }

  func wait(timeout: Int32) -> Int {
    let count = epoll_wait(descriptor, events, Int32(Epoll.batch), timeout)
    precondition(count >= 0 || errno == EINTR, "epoll_wait fails only when interrupted")
    return max(0, Int(count))
  }

  func event(at index: Int) -> (token: UInt64, ready: Interest) {
    let kinds = homing_event_kinds(events + index)
    var ready: Interest = []
    // A hang-up is learnt by reading, or by writing where nothing is read.
    if kinds & (homing_epoll_in | homing_epoll_hang_up) != 0 { ready.insert(.read) }
    if kinds & (homing_epoll_out | homing_epoll_hang_up) != 0 { ready.insert(.write) }
    return (homing_event_token(events + index), ready)
  }

  private func kinds(_ interest: Interest) -> UInt32 {
    (interest.contains(.read) ? homing_epoll_in : 0)
      | (interest.contains(.write) ? homing_epoll_out : 0)
  }
}
