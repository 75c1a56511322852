internal import CProtobufC

/// Memory for the C form of messages: one pointer moves up, `reset()` moves it back.
///
/// One a loop: no malloc for a field, and a hard bound for a frame, since a full arena refuses. Not
/// thread-safe. Never hands out a pointer that outlives the next `reset()`.
public final class Arena {
  /// Kept between resets; larger frames get blocks of their own, given back at the reset.
  static let retainedBytes = 128 << 10

  /// Most bytes between two resets, what is lost to alignment and at the ends of blocks included.
  public let limit: Int
  /// Whether an allocation was refused since the last reset.
  public var isFull: Bool { state.pointee.isFull }

  /// Beside the object, so that protobuf-c's calls reach it without the checks that a class's
  /// properties bring.
  private let state: UnsafeMutablePointer<State>
  let allocator: UnsafeMutablePointer<ProtobufCAllocator>

  public init(limit: Int) {
    precondition(limit > 0)
    self.limit = limit
    state = .allocate(capacity: 1)
    state.initialize(to: State(limit: limit))
    allocator = .allocate(capacity: 1)
    allocator.initialize(to: ProtobufCAllocator())
    allocator.pointee.alloc = { data, size in
      data!.assumingMemoryBound(to: State.self).pointee.allocate(size)
    }
    allocator.pointee.free = { _, _ in }
    allocator.pointee.allocator_data = UnsafeMutableRawPointer(state)
  }

  deinit {
    state.pointee.giveBack()
    state.deinitialize(count: 1)
    state.deallocate()
    allocator.deallocate()
  }

  /// Forgets everything allocated. Every pointer into the arena is dead afterwards.
  @inline(__always)
  public func reset() { state.pointee.reset() }

  /// Memory for `size` bytes aligned to 16, or nil when the limit is reached.
  @inline(__always)
  func allocate(_ size: Int) -> UnsafeMutableRawPointer? { state.pointee.allocate(size) }

  /// Memory for `count` values of a C type, not initialised.
  @inline(__always)
  func allocate<T>(_ type: T.Type, count: Int) throws(MessageError) -> UnsafeMutablePointer<T> {
    let (bytes, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<T>.stride)
    guard !overflow, let memory = allocate(bytes) else { throw full }
    return memory.bindMemory(to: T.self, capacity: max(count, 1))
  }

  var full: MessageError {
    MessageError(.memory, detail: "needs more than the \(limit) bytes a decoded frame may take")
  }
}

/// The block that is filled at the moment, and those filled before it.
private struct State {
  let limit: Int
  var isFull = false
  var block: UnsafeMutableRawPointer
  var blockSize: Int
  var used = 0
  var earlierBlocks: [UnsafeMutableRawPointer] = []
  var earlierBytes = 0

  init(limit: Int) {
    self.limit = limit
    blockSize = min(Arena.retainedBytes, limit)
    block = .allocate(byteCount: blockSize, alignment: 16)
  }

  @inline(__always)
  mutating func allocate(_ size: Int) -> UnsafeMutableRawPointer? {
    let start = (used &+ 15) & ~15
    if size >= 0 && size <= blockSize &- start {
      used = start &+ size
      return block + start
    }
    return allocateBlock(size)
  }

  @inline(never)
  private mutating func allocateBlock(_ size: Int) -> UnsafeMutableRawPointer? {
    // Whole blocks count, and they double no further than the limit leaves: it bounds the memory
    // taken from the system, not only the memory in use.
    let rest = limit - earlierBytes - blockSize
    guard size >= 0, size <= rest else {
      isFull = true
      return nil
    }
    earlierBlocks.append(block)
    earlierBytes += blockSize
    blockSize = max(size, min(2 * blockSize, rest))
    block = .allocate(byteCount: blockSize, alignment: 16)
    used = size
    return block
  }

  @inline(__always)
  mutating func reset() {
    used = 0
    isFull = false
    if !earlierBlocks.isEmpty || blockSize > Arena.retainedBytes { shrink() }
  }

  @inline(never)
  private mutating func shrink() {
    for old in earlierBlocks { old.deallocate() }
    earlierBlocks.removeAll()
    earlierBytes = 0
    if blockSize > Arena.retainedBytes {
      block.deallocate()
      blockSize = Arena.retainedBytes
      block = .allocate(byteCount: blockSize, alignment: 16)
    }
  }

  mutating func giveBack() {
    shrink()
    block.deallocate()
  }
}
