package import Messages
package import Transport
package import Wire

/// Calls an intake of another service: `TakeChanges`, `TakeOutcomes`, `Send`.
///
/// Their requests are alike: field 1 the outbox's name, field 2 the rows, of which field 1 is the
/// position. So rows are sent in the bytes they were put in, with their positions before them.
package struct IntakeClient: Sendable {
  private let channel: any Channel
  private let method: RPCMethod
  private let timeout: Duration

  /// - Parameter timeout: of a call; one that takes longer is made again.
  package init(
    _ channel: any Channel, _ method: RPCMethod, timeout: Duration = .seconds(10)
  ) {
    self.channel = channel
    self.method = method
    self.timeout = timeout
  }

  /// For `OutboxSender`.
  ///
  /// - Throws: `RPCError`.
  package func send(_ outbox: String, _ rows: [OutboxRow]) async throws -> [CommonV1.Receipt] {
    let reply = try await channel.unary(
      method, IntakeClient.request(outbox, rows), CallOptions(timeout: timeout))
    return try CommonV1.Receipts(encoded: reply.message).receipts
  }

  /// The encoded request.
  static func request(_ outbox: String, _ rows: [OutboxRow]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(rows.reduce(64) { $0 + $1.body.count + 32 })
    append(field: 1, size: outbox.utf8.count, to: &bytes)
    bytes += outbox.utf8
    for row in rows {
      // Position: bucket is field 1, seq field 2, both varints; a bucket of 0 is left out.
      let positionSize = (row.bucket == 0 ? 0 : 1 + size(UInt64(row.bucket))) + 1 + size(row.seq)
      append(field: 2, size: 2 + positionSize + row.body.count, to: &bytes)
      append(field: 1, size: positionSize, to: &bytes)
      if row.bucket != 0 {
        bytes.append(1 << 3)
        append(varint: UInt64(row.bucket), to: &bytes)
      }
      bytes.append(2 << 3)
      append(varint: row.seq, to: &bytes)
      bytes += row.body
    }
    return bytes
  }

  private static func append(field number: UInt8, size: Int, to bytes: inout [UInt8]) {
    bytes.append(number << 3 | 2)
    append(varint: UInt64(size), to: &bytes)
  }

  private static func append(varint value: UInt64, to bytes: inout [UInt8]) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  /// Bytes of a varint.
  private static func size(_ value: UInt64) -> Int {
    max(1, (UInt64.bitWidth - value.leadingZeroBitCount + 6) / 7)
  }
}
