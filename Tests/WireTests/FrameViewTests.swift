internal import Testing

@testable internal import Messages
@testable internal import Wire

/// The view that the hot path reads: its short way against its long one, and both against the value
/// that the generated code makes of the same bytes.
@Suite struct FrameViewTests {
  private static let arenaBytesMax = 1 << 20

  /// All that a view shows of some bytes.
  private struct Seen: Equatable {
    /// Why there is no view.
    var refusal: MessageError.Code?
    var method: [UInt8] = []
    /// Nil where a field inside is refused.
    var frame: RpcV1.Frame?
    /// What is asked of a frame before its fields are looked at.
    var facts: [Bool] = []

    init(_ make: () throws(MessageError) -> FrameView) {
      do throws(MessageError) {
        let view = try make()
        method = Array(view.method)
        frame = try? RpcV1.Frame(view)
        facts = [
          view.hasMethod, view.hasStatus, view.hasTimeout, view.hasMetadata, view.hasTrailers,
          view.hasSettings, view.speaksOfConnection, view.speaksOfStream,
        ]
      } catch {
        refusal = error.code
      }
    }

    /// What a view should show of a value.
    init(_ frame: RpcV1.Frame) {
      self.frame = frame
      method = Array(frame.method.utf8)
      var stream = frame
      stream.streamID = 0
      stream.credit = 0
      stream.settings = nil
      stream.ping = nil
      stream.goAway = nil
      facts = [
        !frame.method.isEmpty, frame.status != nil, frame.timeout != nil,
        !frame.metadata.isEmpty, !frame.trailers.isEmpty, frame.settings != nil,
        frame.settings != nil || frame.ping != nil || frame.goAway != nil,
        stream != RpcV1.Frame(),
      ]
    }
  }

  /// Reads bytes in all three ways and compares. Returns whether the view took them.
  ///
  /// The value is judged more strictly: it refuses text that is not UTF-8, times out of range, and
  /// what `WireScan` refuses. So what it takes the view must take, with the same fields.
  @discardableResult
  private func compare(_ bytes: [UInt8], _ arena: Arena) -> Bool {
    bytes.withUnsafeBytes { raw in
      arena.reset()
      let seen = Seen { () throws(MessageError) in try FrameView(raw, in: arena) }
      arena.reset()
      let unpacked = Seen { () throws(MessageError) in try FrameView(unpacking: raw, in: arena) }
      #expect(seen == unpacked, "\(bytes)")
      arena.reset()
      do throws(MessageError) {
        let value = try RpcV1.Frame.decode(raw, in: arena)
        #expect(seen == Seen(value), "\(bytes)")
      } catch {
        #expect(seen.refusal == nil || seen.refusal == error.code, "\(bytes)")
      }
      return seen.refusal == nil
    }
  }

  @Test("A view shows what the value has, for frames of every shape", arguments: 0..<4)
  func sampled(seed: UInt64) throws {
    var sampler = FrameSampler(seed: seed)
    let arena = Arena(limit: FrameViewTests.arenaBytesMax)
    for _ in 0..<500 {
      let frame = sampler.frame()
      let bytes = try frame.encoded()
      #expect(try RpcV1.Frame(encoded: bytes) == frame)
      #expect(compare(bytes, arena))
    }
  }

  @Test("A frame cut at any byte is refused, or is a frame with less in it")
  func truncated() throws {
    let arena = Arena(limit: FrameViewTests.arenaBytesMax)
    var refused = 0
    var taken = 0
    for file in try FrameCorpus.files() where !file.name.hasPrefix("refused-") {
      for count in 0..<file.bytes.count {
        if compare(Array(file.bytes[..<count]), arena) { taken += 1 } else { refused += 1 }
      }
    }
    #expect(taken > 50 && refused > 500)
  }

  @Test("Every file of the corpus is taken or refused as its name says")
  func corpus() throws {
    let files = try FrameCorpus.files()
    #expect(files.count >= 40)
    let arena = Arena(limit: FrameViewTests.arenaBytesMax)
    for file in files {
      let isTaken = compare(file.bytes, arena)
      #expect(isTaken == !file.name.hasPrefix("refused-"), "\(file.name)")
    }
  }

  @Test(
    "Changed bytes never crash the decoder, and never say more than the value", arguments: 0..<8)
  func mutated(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var sampler = FrameSampler(seed: seed)
    let corpus = try FrameCorpus.files().map(\.bytes)
    let arena = Arena(limit: FrameViewTests.arenaBytesMax)
    var taken = 0
    var refused = 0
    for round in 0..<1500 {
      var bytes = corpus.randomElement(using: &random) ?? []
      if round % 3 == 0 { bytes = try sampler.frame().encoded() }
      if round % 7 == 0 { bytes += corpus.randomElement(using: &random) ?? [] }
      if round % 31 == 0 { bytes = random.bytes(random.int(0...60)) }
      for _ in 0..<(1 + round % 5) { FrameCorpus.change(&bytes, &random) }
      if compare(bytes, arena) { taken += 1 } else { refused += 1 }
    }
    #expect(taken > 100 && refused > 100)
  }

  @Test(
    "What unfolds to more than the arena may have is refused, and the arena is good again",
    arguments: [[0x2a, 0], [0x22, 0], [0x42, 0], [0xa2, 0x06, 0]])
  func floods(unit: [UInt8]) throws {
    let arena = Arena(limit: FrameViewTests.arenaBytesMax)
    let flood = [UInt8]((0..<(1 << 19)).map { _ in unit }.joined())
    let error = flood.withUnsafeBytes { raw in
      #expect(throws: MessageError.self) { try FrameView(raw, in: arena) }
    }
    #expect(error?.code == .memory)
    #expect(compare(try FrameCorpus.file("everything-at-once"), arena))
  }

  @Test("Many messages that fit the arena are all there, in order")
  func manyMessages() throws {
    let messages = (0..<10_000).map { [UInt8](repeating: UInt8($0 % 251), count: $0 % 3) }
    let bytes = try RpcV1.Frame(streamID: 1, messages: messages).encoded()
    #expect(compare(bytes, Arena(limit: FrameViewTests.arenaBytesMax)))
  }

  @Test("No bytes are a frame without fields")
  func empty() throws {
    let arena = Arena(limit: FrameViewTests.arenaBytesMax)
    let view = try FrameView(UnsafeRawBufferPointer(start: nil, count: 0), in: arena)
    #expect(try RpcV1.Frame(view) == RpcV1.Frame())
    #expect(!view.speaksOfStream && !view.speaksOfConnection)
  }
}

extension RpcV1.Frame {
  /// All that a view shows, every byte of it touched.
  fileprivate init(_ view: FrameView) throws(MessageError) {
    let messages = (0..<view.messageCount).map { Array(view.message(at: $0)) }
    #expect(messages.reduce(0) { $0 + $1.count } == view.messageBytes)
    self.init(
      streamID: view.streamID, method: String(decoding: view.method, as: UTF8.self),
      timeout: try view.timeout(), metadata: try view.metadata(), messages: messages,
      halfClose: view.halfClose, status: try view.status(), trailers: try view.trailers(),
      cancel: view.cancel, credit: view.credit, settings: try view.settings(),
      ping: try view.ping(), goAway: try view.goAway())
  }
}
