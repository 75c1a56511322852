internal import Messages

/// Makes frames of every shape, valid in themselves though not in a call's order.
struct FrameSampler {
  private var random: SplitMix64

  init(seed: UInt64) { random = SplitMix64(seed: seed) }

  mutating func frame() -> RpcV1.Frame {
    var frame = RpcV1.Frame(
      streamID: random.oneIn(3) ? 0 : UInt32.random(in: 0 ... .max, using: &random))
    if random.oneIn(3) { frame.method = random.text(40) }
    if random.oneIn(4) { frame.timeout = span() }
    if random.oneIn(4) { frame.metadata = metadata() }
    if random.oneIn(2) {
      frame.messages = (0...random.int(0...4)).map { _ in random.bytes(random.int(0...40)) }
    }
    frame.halfClose = random.oneIn(3)
    if random.oneIn(4) { frame.status = status() }
    if random.oneIn(4) { frame.trailers = metadata() }
    frame.cancel = random.oneIn(5)
    if random.oneIn(4) { frame.credit = random.next() >> UInt64(random.int(0...63)) }
    if random.oneIn(6) { frame.settings = settings() }
    if random.oneIn(6) { frame.ping = RpcV1.Ping(id: random.next(), answer: random.oneIn(2)) }
    if random.oneIn(6) {
      frame.goAway = RpcV1.GoAway(
        streamIDLast: UInt32(truncatingIfNeeded: random.next()),
        status: random.oneIn(2) ? status() : nil)
    }
    return frame
  }

  private mutating func span() -> Protobuf.Duration {
    let sign: Int64 = random.oneIn(3) ? -1 : 1
    return Protobuf.Duration(
      seconds: sign * Int64(random.int(0...315_576_000_000) >> random.int(0...38)),
      nanos: Int32(sign) * Int32(random.int(0...999_999_999)))
  }

  private mutating func metadata() -> [RpcV1.Metadata] {
    (0...random.int(0...3)).map { _ in
      RpcV1.Metadata(key: random.text(8), value: random.bytes(random.int(0...20)))
    }
  }

  private mutating func status() -> RpcV1.Status {
    RpcV1.Status(
      code: RpcV1.Code(rawValue: Int32(random.int(-1...20))), message: random.text(30),
      retryAfter: random.oneIn(3) ? span() : nil,
      fieldViolations: (0..<random.int(0...3)).map { _ in
        RpcV1.FieldViolation(field: random.text(9), description: random.text(9))
      })
  }

  private mutating func settings() -> RpcV1.Settings {
    RpcV1.Settings(
      frameBytesMax: UInt32(truncatingIfNeeded: random.next()),
      streamsMax: random.oneIn(2) ? 0 : 9, streamWindow: random.next() >> 20,
      connectionWindow: random.next(), metadataBytesMax: random.oneIn(2) ? 0 : 1)
  }
}
