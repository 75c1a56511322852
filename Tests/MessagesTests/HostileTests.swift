internal import Glibc
internal import Messages
internal import Testing

/// Bytes nobody would send in good faith: they may be refused, or bounded, and never crash.
@Suite(.serialized) struct HostileTests {
  /// As a server has it, in bytes: the default frame, and a multiple of it to decode in.
  static let frameSizeMax = 4 << 20
  static let arenaSizeMax = 3 * frameSizeMax

  @Test func `A message cut short at any byte is refused or is a shorter message`() throws {
    let bytes = try EchoV1.Everything.full.encoded()
    let arena = Arena(limit: HostileTests.arenaSizeMax)
    var refused = 0
    for count in 0..<bytes.count {
      arena.reset()
      do throws(MessageError) {
        let message = try decode(EchoV1.Everything.self, Array(bytes.prefix(count)), in: arena)
        #expect(message != .full)
      } catch {
        #expect(error.code == .malformed)
        refused += 1
      }
    }
    #expect(refused > bytes.count / 2)
  }

  @Test(arguments: messageTypes.indices)
  func `Changed bytes never crash a decoder, and what it takes it writes back equal`(
    index: Int
  ) throws {
    try mutate(messageTypes[index], seed: UInt64(index))
  }

  private func mutate<M: Message>(_ type: M.Type, seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var sampler = SchemaSampler(seed: seed)
    let corpus = try Corpus.files.map(\.bytes)
    let arena = Arena(limit: HostileTests.arenaSizeMax)
    var taken = 0
    for round in 0..<150 {
      var bytes =
        round % 3 == 0
        ? corpus.randomElement(using: &random) ?? [] : sampler.message(M.fullName)
      for _ in 0..<(round % 8) { Corpus.change(&bytes, &random) }
      arena.reset()
      guard let message = try? decode(type, bytes, in: arena) else { continue }
      taken += 1
      let encoded = try message.encoded()
      #expect(try decode(type, encoded, in: arena).encoded() == encoded)
    }
    #expect(taken > 0)
  }

  @Test func `Every file of the corpus goes through every decoder`() throws {
    let files = try Corpus.files
    #expect(files.count >= 40)
    let arena = Arena(limit: HostileTests.arenaSizeMax)
    for file in files {
      var outcomes: Set<String> = []
      for type in messageTypes {
        arena.reset()
        outcomes.insert(outcome(type, file.bytes, arena))
      }
      // A file is named after what it is, so its own decoder's outcome is known.
      let isRefused = file.name.hasPrefix("refused-")
      let own = messageTypes.first { file.name.contains($0.fullName + "-") }
      if let own {
        arena.reset()
        #expect((outcome(own, file.bytes, arena) == "taken") == !isRefused, "\(file.name)")
      }
      #expect(!outcomes.isEmpty)
    }
  }

  private func outcome<M: Message>(_ type: M.Type, _ bytes: [UInt8], _ arena: Arena) -> String {
    do throws(MessageError) {
      _ = try decode(type, bytes, in: arena)
      return "taken"
    } catch {
      return "\(error.code)"
    }
  }

  @Test(arguments: Flood.allCases, [1 << 18, 1 << 20, 2 << 20, frameSizeMax])
  func `A flood is refused or bounded in memory and time`(flood: Flood, size: Int) throws {
    let bytes = flood.bytes(size)
    #expect(bytes.count <= size)
    let arena = Arena(limit: HostileTests.arenaSizeMax)
    // What earlier tests gave back must not count as room for this one.
    giveBackFreeMemory()
    let before = residentSize()
    let start = ContinuousClock.now
    var after = 0
    var code: MessageError.Code?
    do throws(MessageError) {
      let message = try decode(EchoV1.Everything.self, bytes, in: arena)
      after = residentSize()
      withExtendedLifetime(message) {}
    } catch {
      after = residentSize()
      code = error.code
    }
    let time = ContinuousClock.now - start
    // A sanitizer keeps memory of its own and what was freed.
    if !isSanitized { #expect(after - before <= 8 * HostileTests.frameSizeMax) }
    #expect(time < .seconds(2))
    if let expected = flood.refusal(size) { #expect(code == expected) }
    // The arena is as good as new afterwards.
    arena.reset()
    #expect(
      try decode(EchoV1.Everything.self, EchoV1.Everything.full.encoded(), in: arena) == .full)
  }
}

private var isSanitized: Bool {
  dlsym(nil, "__asan_init") != nil || dlsym(nil, "__tsan_init") != nil
}

/// glibc's `malloc_trim`, which Swift's module map of glibc leaves out.
private func giveBackFreeMemory() {
  guard let symbol = dlsym(nil, "malloc_trim") else { return }
  _ = unsafeBitCast(symbol, to: (@convention(c) (Int) -> Int32).self)(0)
}

/// Bytes of this process that lie in memory.
private func residentSize() -> Int {
  guard let file = fopen("/proc/self/statm", "r") else { return 0 }
  defer { fclose(file) }
  var line = [CChar](repeating: 0, count: 256)
  guard fgets(&line, 256, file) != nil else { return 0 }
  let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  return (Int(text.split(separator: " ")[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
}

/// Ways to fill a frame with as much work as possible.
enum Flood: CaseIterable, Sendable {
  case emptyMessages, emptyTexts, shortTexts, emptyBytes, shortBytes, times
  case unknownVarints, unknownBytes, unknownGroups
  case packedBools, packedNumbers, unpackedNumbers, packedPastEnd, enums
  case repeatedSingular, repeatedOneof, mergedLists, nesting, deepGroups

  /// What the answer must be; nil where taking it is as good.
  func refusal(_ size: Int) -> MessageError.Code? {
    switch self {
    case .emptyMessages, .emptyTexts, .packedNumbers, .unknownVarints:
      size == HostileTests.frameSizeMax ? .memory : nil
    case .packedPastEnd, .unknownGroups, .deepGroups: .malformed
    default: nil
    }
  }

  /// At most `size` bytes for `Everything`.
  func bytes(_ size: Int) -> [UInt8] {
    switch self {
    case .emptyMessages: fill(size, [0xb2, 2, 0])
    case .emptyTexts: fill(size, [0x9a, 2, 0])
    case .shortTexts: fill(size, [0x9a, 2, 16] + [UInt8](repeating: 0x61, count: 16))
    case .emptyBytes: fill(size, [0xa2, 2, 0])
    case .shortBytes: fill(size, [0xa2, 2, 1, 0])
    case .times: fill(size, [0xc2, 2, 0])
    case .unknownVarints: fill(size, [0xa0, 6, 1])
    case .unknownBytes: fill(size, [0xa2, 6, 2, 0, 0])
    case .unknownGroups: fill(size, [0xa3, 6, 0xa4, 6])
    case .packedBools: packed(size, 34, 1)
    case .packedNumbers: packed(size, 31, 1)
    case .unpackedNumbers: fill(size, [0xf8, 1, 1])
    case .packedPastEnd: Array(packed(size, 31, 1).dropLast())
    case .enums: packed(size, 37, 1)
    case .repeatedSingular: fill(size, [0x8a, 1, 0])
    case .repeatedOneof: fill(size, [0x9a, 3, 0, 0x92, 3, 0])
    case .mergedLists:
      // message_value with a list of words, over and over: each is merged with all before it.
      fill(size, [0x8a, 1, 100] + fill(100, [0x1a, 0]))
    case .nesting: nest(size)
    case .deepGroups: [UInt8](repeating: 0x0b, count: size)
    }
  }

  private func fill(_ size: Int, _ unit: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(size)
    while bytes.count + unit.count <= size { bytes += unit }
    return bytes
  }

  private func packed(_ size: Int, _ field: Int, _ value: UInt8) -> [UInt8] {
    let count = size - 8
    return varint(field << 3 | 2) + varint(count) + [UInt8](repeating: value, count: count)
  }

  /// Messages in messages by field 4 (`deeper`, which has no field 4), as many as fit.
  private func nest(_ size: Int) -> [UInt8] {
    var levels: [[UInt8]] = []
    var inner = 0
    while inner + 8 <= size {
      let header = [0x22] + varint(inner)
      levels.append(header)
      inner += header.count
    }
    return [0x8a, 1] + varint(inner) + levels.reversed().flatMap { $0 }.suffix(inner)
  }

  private func varint(_ value: Int) -> [UInt8] {
    var value = value
    var bytes: [UInt8] = []
    while value >= 0x80 {
      bytes.append(UInt8(value & 0x7f) | 0x80)
      value >>= 7
    }
    return bytes + [UInt8(value)]
  }
}
