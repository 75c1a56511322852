internal import Testing

@testable internal import Wire

@Suite struct ByteQueueTests {
  @Test("Any sequence of operations does what an array does", arguments: 0..<12)
  func model(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var queue = ByteQueue()
    var model: [UInt8] = []
    let largest = [16, 300, 9000][Int(seed % 3)]
    for _ in 0..<3000 {
      step(&queue, &model, &random, largest)
      #expect(queue.count == model.count)
      #expect(queue.isEmpty == model.isEmpty)
      #expect(queue.capacity >= queue.count)
      if random.oneIn(10) { #expect(queue.bytes == model) }
    }
    #expect(queue.bytes == model)
  }

  private func step(
    _ queue: inout ByteQueue, _ model: inout [UInt8], _ random: inout SplitMix64, _ largest: Int
  ) {
    let bytes = random.bytes(random.int(0...largest))
    switch random.int(0...9) {
    case 0: queue.append(bytes)
    case 1: bytes.withUnsafeBytes { queue.append($0) }
    case 2:
      let room = queue.append(bytes.count)
      for (index, byte) in bytes.enumerated() {
        room.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
      }
    case 3:
      let memory = queue.free(bytes.count)
      #expect(memory.count >= bytes.count)
      memory.copyBytes(from: bytes)
      let used = random.int(0...bytes.count)
      queue.commit(used)
      model += bytes[..<used]
      return
    case 4:
      let size = random.int(0...min(model.count, largest))
      queue.unappend(size)
      model.removeLast(size)
      return
    case 5 where random.oneIn(5):
      queue.consume(model.count)
      model = []
      queue.release()
      #expect(queue.capacity == 0)
      return
    case 6:
      let before = queue.capacity
      queue.release()
      #expect(queue.capacity == (model.isEmpty ? 0 : before))
      return
    default:
      let size = random.int(0...min(model.count, 2 * largest))
      queue.consume(size)
      model.removeFirst(size)
      return
    }
    model += bytes
  }

  @Test("A new queue holds nothing and no memory, and may be released")
  func empty() {
    var queue = ByteQueue()
    #expect(queue.count == 0)
    #expect(queue.bytes == [])
    queue.release()
    queue.consume(0)
    queue.unappend(0)
    queue.append([])
    #expect(queue.capacity == 0)
    queue.append([1])
    #expect(queue.bytes == [1])
  }

  @Test("Room for no bytes is given before there is any memory")
  func noBytes() {
    var appended = ByteQueue()
    _ = appended.append(0)
    #expect(appended.count == 0)
    var freed = ByteQueue()
    _ = freed.free(0)
    freed.commit(0)
    #expect(freed.count == 0)
  }

  @Test("Growing keeps what waits")
  func grows() {
    var queue = ByteQueue()
    let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
    for start in stride(from: 0, to: bytes.count, by: 1000) {
      queue.append(Array(bytes[start..<(start + 1000)]))
    }
    #expect(queue.bytes == bytes)
    #expect(queue.capacity < 4 * bytes.count)
  }

  @Test("A queue that is read as it is written stays as small as what waits")
  func compacts() {
    var queue = ByteQueue()
    var next: UInt8 = 0
    var expected: UInt8 = 0
    var inOrder = true
    for _ in 0..<5000 {
      for _ in 0..<100 {
        queue.append([next])
        next &+= 1
      }
      let size = queue.count > 1000 ? 150 : 90
      for byte in queue.bytes.prefix(size) {
        if byte != expected { inOrder = false }
        expected &+= 1
      }
      queue.consume(size)
    }
    #expect(inOrder)
    #expect(queue.capacity <= 4096)
  }

  @Test("An append that is taken back leaves the bytes before it")
  func unappends() {
    var queue = ByteQueue()
    queue.append([1, 2, 3])
    queue.consume(1)
    queue.append([UInt8](repeating: 9, count: 10_000))
    queue.unappend(10_000)
    #expect(queue.bytes == [2, 3])
    queue.append([4])
    #expect(queue.bytes == [2, 3, 4])
  }

  @Test("Free memory is not counted until it is committed")
  func commits() {
    var queue = ByteQueue()
    queue.append([1])
    let room = queue.free(5000)
    #expect(room.count >= 5000)
    room[0] = 2
    #expect(queue.bytes == [1])
    queue.commit(1)
    #expect(queue.bytes == [1, 2])
  }
}
