/// Bytes that come in at the back and leave at the front. Grows as needed, never shrinks by itself.
///
/// Counters rise in order: 0 ≤ `head` ≤ `tail` ≤ `capacity`; the bytes between `head` and `tail`
/// are waiting.
package struct ByteQueue: ~Copyable {
  private var memory: UnsafeMutableRawPointer?
  private var head = 0
  private var tail = 0
  package private(set) var capacity = 0

  package init() {}

  deinit { memory?.deallocate() }

  package var count: Int { tail &- head }
  package var isEmpty: Bool { tail == head }

  /// What waits, in order. Dead after the next mutation.
  package var waiting: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: memory.map { $0 + head }, count: tail &- head)
  }

  /// Room for `size` bytes at the back, to be written whole by the caller before the next call.
  package mutating func append(_ size: Int) -> UnsafeMutableRawPointer {
    if size > capacity &- tail || memory == nil { makeRoom(size) }
    let room = memory.unsafelyUnwrapped + tail
    tail &+= size
    assert(invariants)
    return room
  }

  package mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress, !bytes.isEmpty else { return }
    append(bytes.count).copyMemory(from: start, byteCount: bytes.count)
  }

  package mutating func append(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { append($0) }
  }

  /// At least `size` bytes of free memory at the back, not counted until `commit`.
  package mutating func free(_ size: Int) -> UnsafeMutableRawBufferPointer {
    if size > capacity &- tail || memory == nil { makeRoom(size) }
    return UnsafeMutableRawBufferPointer(
      start: memory.unsafelyUnwrapped + tail, count: capacity &- tail)
  }

  /// Counts bytes that were written into the free memory.
  package mutating func commit(_ size: Int) {
    precondition(size >= 0 && size <= capacity &- tail)
    tail &+= size
  }

  /// Forgets the first `size` bytes.
  package mutating func consume(_ size: Int) {
    precondition(size >= 0 && size <= count)
    head &+= size
    if head == tail {
      head = 0
      tail = 0
    }
    assert(invariants)
  }

  /// Forgets the last `size` bytes: undoes an `append`.
  package mutating func unappend(_ size: Int) {
    precondition(size >= 0 && size <= count)
    tail &-= size
  }

  /// Gives the memory back where nothing waits.
  package mutating func release() {
    guard isEmpty else { return }
    memory?.deallocate()
    memory = nil
    capacity = 0
    head = 0
    tail = 0
  }

  private mutating func makeRoom(_ size: Int) {
    let count = self.count
    if let memory, count + size <= capacity, head >= capacity / 2 {
      memory.copyMemory(from: memory + head, byteCount: count)
    } else {
      capacity = max(4096, 2 * capacity, count + size)
      let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
      if let memory {
        larger.copyMemory(from: memory + head, byteCount: count)
        memory.deallocate()
      }
      memory = larger
    }
    head = 0
    tail = count
    assert(invariants)
  }

  private var invariants: Bool { 0 <= head && head <= tail && tail <= capacity }
}
