@testable internal import Messages
internal import Testing

@Suite struct ArenaTests {
  @Test func `Allocations are aligned to 16 and do not overlap`() throws {
    let arena = Arena(limit: 1 << 20)
    var end: UInt = 0
    for size in [1, 15, 16, 17, 0, 100] {
      let memory: UnsafeMutableRawPointer = try #require(arena.allocate(size))
      let start = UInt(bitPattern: memory)
      #expect(start % 16 == 0)
      #expect(start >= end)
      end = start + UInt(size)
    }
  }

  @Test func `The limit holds for the sum, and a reset gives all of it back`() throws {
    let arena = Arena(limit: 1 << 20)
    for _ in 0..<3 {
      var total = 0
      while arena.allocate(1000) != nil { total += 1000 }
      #expect(arena.isFull)
      #expect(total <= 1 << 20)
      #expect(total > 1 << 19)
      arena.reset()
      #expect(!arena.isFull)
    }
  }

  @Test func `One allocation over the limit is refused at once`() {
    let arena = Arena(limit: 1 << 20)
    #expect(arena.allocate(1 << 20 + 1) == nil)
    #expect(arena.isFull)
    #expect(arena.allocate(.max) == nil)
    #expect(arena.allocate(-1) == nil)
    #expect(throws: MessageError(.memory, detail: "")) {
      _ = try arena.allocate(UInt64.self, count: .max)
    }
  }

  @Test func `A large allocation has a block of its own and leaves what lies before`()
    throws
  {
    let arena = Arena(limit: 8 << 20)
    let first = try arena.allocate(UInt64.self, count: 1)
    first.initialize(to: 42)
    let large = try arena.allocate(UInt8.self, count: 3 << 20)
    large.initialize(repeating: 7, count: 3 << 20)
    #expect(first.pointee == 42)
  }
}
