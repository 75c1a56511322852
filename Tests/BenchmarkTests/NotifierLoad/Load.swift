internal import Foundation
internal import Messages
internal import Stubs
internal import Transport
internal import Wire

/// The orders, and what became of them.
struct Load: Sendable {
  let client: NotifierV1.NotifierClient
  let standIn: StandIn
  let count: Int
  /// Seconds from the first order until all are due.
  let lead: Int64
  /// With everything that may hold a mail back, of which nothing does (F15, F20, F22, M18).
  let brakes: Bool

  private static let rowsMax = 256
  private static let callsAtOnce = 4

  func prepare(subject: String, html: String, text: String) async throws {
    if brakes { try await brake() }
    _ = try await client.putModes(
      .init(modes: [.init(store: "bench", mode: .test, testAddresses: ["@test"], revision: 1)]))
    _ = try await client.putTemplate(
      .init(
        store: "bench", idempotencyKey: "template", template: "cart-reminder", channel: .email,
        locale: "en",
        parts: .init(
          subject: subject.trimmingCharacters(in: .whitespacesAndNewlines), html: html, text: text))
    )
  }

  /// Pauses of other flows, stores and templates, and addresses of others that are suppressed.
  private func brake() async throws {
    let pauses = (0..<200).map { number in
      CommonV1.Pause(
        id: id(number), store: number % 3 == 0 ? "other-\(number)" : "bench",
        channel: number % 3 == 1 ? .email : .unspecified,
        flow: number % 3 == 1 ? "other-\(number)" : "",
        template: number % 3 == 2 ? "other-\(number)" : "", holds: true, revision: 1)
    }
    _ = try await client.putPauses(.init(pauses: pauses))
    for share in 0..<100 {
      _ = try await client.putSuppressions(
        .init(
          store: "bench", idempotencyKey: "share-\(share)",
          suppressions: (0..<1000).map { number in
            .init(
              channel: .email, address: "gone-\(share)-\(number)@bench.test", cause: .staff,
              wholeController: number % 2 == 0)
          }))
    }
  }

  func run() async throws -> String {
    let wall = Date().timeIntervalSince1970
    let now = Int64(wall)
    let began = MonotonicInstant.now
    // Orders are due at a whole second of the wall clock.
    let due = began + .seconds(Double(now + lead) - wall)
    let outbox = "018f4c3e-7b2a-7c1d-9e5f-0000000000aa"
    var next = [UInt64](repeating: 1, count: 256)
    var calls: [[CommonV1.SendOrders.Row]] = [[]]
    for number in 0..<count {
      let bucket = number % 256
      let row = CommonV1.SendOrders.Row(
        position: .init(bucket: UInt32(bucket), seq: next[bucket]),
        action: .send(order(number, now: now)))
      next[bucket] += 1
      if calls[calls.count - 1].count == Load.rowsMax { calls.append([]) }
      calls[calls.count - 1].append(row)
    }
    var left = calls[...]
    while !left.isEmpty {
      let batch = left.prefix(Load.callsAtOnce)
      left = left.dropFirst(Load.callsAtOnce)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for rows in batch {
          group.addTask {
            let answer = try await client.send(.init(outbox: outbox, rows: rows))
            let stored = answer.receipts.count { $0.verdict == .stored }
            if stored != rows.count { throw Refused(what: "\(answer.receipts.first!)") }
          }
        }
        try await group.waitForAll()
      }
    }
    let taken = MonotonicInstant.now
    await standIn.reached(count)
    let end = standIn.last ?? .now
    let kinds = standIn.outcomes.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",")
    // Where they were due before the last was taken, intake and hand-off ran at once.
    let start = lead > 0 ? max(due, taken) : began
    return """
      {"orders":\(count),"intake_s":\(seconds(taken - began)),"handoff_s":\(seconds(end - start)),\
      "total_s":\(seconds(end - began)),"outcomes":{\(kinds)}}
      """
  }

  private struct Refused: Error {
    let what: String
  }

  private func seconds(_ span: Duration) -> Double {
    Double(span.components.seconds) + Double(span.components.attoseconds) / 1e18
  }

  private func order(_ number: Int, now: Int64) -> CommonV1.SendOrder {
    let id = id(number)
    let windows = [CommonV1.SendWindow(fromMinute: 0, toMinute: 0, weekdays: Array(1...7))]
    return CommonV1.SendOrder(
      id: id, store: "bench", channel: .email, contact: "contact-\(number)", cart: "cart-\(number)",
      anchor: .init(at: .init(seconds: now - 3600), event: "event-\(number)"), enrolment: id,
      flow: "cart-recovery", flowVersion: 1, step: "first-mail", template: "cart-reminder",
      dueAt: .init(seconds: now + lead), expiresAt: .init(seconds: now + lead + 86_400),
      mode: .test, windows: brakes ? windows : [])
  }

  private func id(_ number: Int) -> String {
    String(format: "%08x-0000-4000-8000-%012x", UInt32(number) &* 2_654_435_761, number)
  }
}
