internal import Messages
internal import Testing

@testable internal import Wire

/// Frames whose bytes never change: what is on the wire today is on it for good.
@Suite struct FrameVectorTests {
  /// `proto/README.md` §3, piece by piece.
  private static let call = [
    "00 00 00 14", "0d 01 00 00 00", "12 07 61 2e 42 2f 43 64 65", "2a 02 08 07", "30 01",
  ]
  private static let answer = ["00 00 00 0b", "0d 01 00 00 00", "2a 02 08 08", "3a 00"]

  @Test("The example of the wire's description is written and read as it stands there")
  func example() throws {
    let call = RpcV1.Frame(
      streamID: 1, method: "a.B/Cde", messages: [[8, 7]], halfClose: true)
    let answer = RpcV1.Frame(streamID: 1, messages: [[8, 8]], status: RpcV1.Status())
    let callBytes = hex(FrameVectorTests.call.joined(separator: " "))
    let answerBytes = hex(FrameVectorTests.answer.joined(separator: " "))
    #expect(try written(call) == callBytes)
    #expect(try written(answer) == answerBytes)
    var queue = ByteQueue()
    try FrameWriter.write([8, 8], streamID: 1, tail: .success, frameBytesMax: 11, to: &queue)
    #expect(queue.bytes == answerBytes)
    queue.append(callBytes)
    let bodies = try queue.takeFrames(frameBytesMax: 20)
    #expect(try bodies.map { try RpcV1.Frame(encoded: $0) } == [answer, call])
  }

  @Test("The pieces of the example stand in the wire's description")
  func exampleIsDescribed() throws {
    let text = try FrameCorpus.text("proto/README.md")
    for piece in FrameVectorTests.call + FrameVectorTests.answer {
      #expect(text.contains("`\(piece)`"), "\(piece)")
    }
  }

  static let vectors: [(String, RpcV1.Frame)] = [
    ("0d 2c010000 2a00 2a0161", RpcV1.Frame(streamID: 300, messages: [[], [0x61]])),
    ("0d 80000000 3001", RpcV1.Frame(streamID: 128, halfClose: true)),
    ("0d 00000100 4801", RpcV1.Frame(streamID: 65536, cancel: true)),
    ("0d 03000000 50808010", RpcV1.Frame(streamID: 3, credit: 262_144)),
    ("50 ffffffffffffffffff01", RpcV1.Frame(credit: .max)),
    (
      "5a18 0880800410011880800420 8080808080808080402880 8040",
      RpcV1.Frame(
        settings: RpcV1.Settings(
          frameBytesMax: 65536, streamsMax: 1, streamWindow: 65536, connectionWindow: 1 << 62,
          metadataBytesMax: 1 << 20))
    ),
    ("5a00", RpcV1.Frame(settings: RpcV1.Settings())),
    ("620b 09 0100000000000000 1001", RpcV1.Frame(ping: RpcV1.Ping(id: 1, answer: true))),
    (
      "6a1b 080c 1217 0803 1213 61206672616d65206f66206c656e6774682030",
      RpcV1.Frame(
        goAway: RpcV1.GoAway(
          streamIDLast: 12,
          status: RpcV1.Status(code: .invalidArgument, message: "a frame of length 0")))
    ),
    (
      "0d 07000000 1a08 081e 1080cab5ee01",
      RpcV1.Frame(streamID: 7, timeout: Protobuf.Duration(seconds: 30, nanos: 500_000_000))
    ),
    (
      "0d 01000000 2206 0a016b 120176 4205 0a01741200",
      RpcV1.Frame(
        streamID: 1, metadata: [RpcV1.Metadata(key: "k", value: [0x76])],
        trailers: [RpcV1.Metadata(key: "t")])
    ),
  ]

  @Test("Each field of a frame keeps its bytes", arguments: vectors.indices)
  func frozen(index: Int) throws {
    let (text, frame) = FrameVectorTests.vectors[index]
    let bytes = hex(text)
    #expect(try RpcV1.Frame(encoded: bytes) == frame)
    let encoded = try frame.encoded()
    #expect(try RpcV1.Frame(encoded: encoded) == frame)
    // An empty value inside a message may be written or left out.
    if !text.contains("1200") { #expect(encoded == bytes) }
  }

  @Test("Google's encoding of each field is read as the same frame")
  func corpus() throws {
    let frame = try RpcV1.Frame(encoded: FrameCorpus.file("everything-at-once"))
    #expect(
      frame
        == RpcV1.Frame(
          streamID: 2, method: "a/b", timeout: Protobuf.Duration(seconds: -1, nanos: -1),
          metadata: [RpcV1.Metadata(key: "k", value: [0x76])], messages: [[0x6d]],
          halfClose: true, status: RpcV1.Status(code: .aborted),
          trailers: [RpcV1.Metadata(key: "t")], cancel: true, credit: 1,
          settings: RpcV1.Settings(streamsMax: 7), ping: RpcV1.Ping(id: 3),
          goAway: RpcV1.GoAway()))
    #expect(try frame.encoded() == FrameCorpus.file("everything-at-once"))
  }
}
