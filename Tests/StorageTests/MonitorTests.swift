internal import Storage
internal import TestSupport
internal import Testing

@Suite struct MonitorTests {
  @Test("A thread that waits goes on when the value is there")
  func waits() async throws {
    let monitor = Monitor(0)
    async let found = onThread { monitor.wait { $0 == 3 ? $0 : nil } }
    for _ in 0..<3 {
      monitor.withLock { $0 += 1 }
      monitor.wakeAll()
    }
    #expect(try await found == 3)
  }

  @Test("Waiting for a time ends without a value")
  func givesUp() async throws {
    let monitor = Monitor(0)
    let found = try await onThread {
      monitor.wait(atMost: .milliseconds(1)) { $0 == 1 ? $0 : nil }
    }
    #expect(found == nil)
    let none = try await onThread { monitor.wait(atMost: .seconds(-5)) { _ in nil as Int? } }
    #expect(none == nil)
    let there = try await onThread { monitor.wait(atMost: .seconds(1000)) { $0 as Int? } }
    #expect(there == 0)
  }
}
