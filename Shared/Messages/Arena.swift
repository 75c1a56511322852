internal import CProtobufC

/// Memory for the C form of messages: one pointer moves up, `reset()` moves it back.
///
/// One a loop: no malloc for a field, and a hard bound for a frame, since a full arena refuses. Not thread-safe.
/// Never hands out a pointer that outlives the next `reset()`.
public final class Arena {
  /// Kept between resets; larger frames get blocks of their own, given back at the reset.
  static let retainedBytes = 128 << 10

  /// Most bytes between two resets.
  public package(set) var limit: Int
  /// Whether an allocation was refused since the last reset.
  public private(set) var isFull = false

  private var block: UnsafeMutableRawPointer
  private var blockSize: Int
  private var used = 0
  private var earlierBlocks: [UnsafeMutableRawPointer] = []
  private var earlierBytes = 0
  let allocator: UnsafeMutablePointer<ProtobufCAllocator>

  public init(limit: Int) {
    precondition(limit > 0)
    self.limit = limit
    blockSize = min(Arena.retainedBytes, max(limit, 4096))
    block = .allocate(byteCount: blockSize, alignment: 16)
    allocator = .allocate(capacity: 1)
    allocator.initialize(to: ProtobufCAllocator())
    allocator.pointee.alloc = { data, size in
      Unmanaged<Arena>.fromOpaque(data!)._withUnsafeGuaranteedRef { $0.allocate(size) }
    }
    allocator.pointee.free = { _, _ in }
    allocator.pointee.allocator_data = Unmanaged.passUnretained(self).toOpaque()
  }

  deinit {
    reset()
    block.deallocate()
    allocator.deallocate()
  }

  /// Forgets everything allocated. Every pointer into the arena is dead afterwards.
  public func reset() {
    used = 0
    isFull = false
    if earlierBlocks.isEmpty && blockSize <= Arena.retainedBytes { return }
    for old in earlierBlocks { old.deallocate() }
    earlierBlocks.removeAll()
    earlierBytes = 0
    if blockSize > Arena.retainedBytes {
      block.deallocate()
      blockSize = Arena.retainedBytes
      block = .allocate(byteCount: blockSize, alignment: 16)
    }
  }

  /// Memory for `size` bytes aligned to 16, or nil when the limit is reached.
  func allocate(_ size: Int) -> UnsafeMutableRawPointer? {
    let start = (used &+ 15) & ~15
    if size >= 0 && size <= blockSize &- start {
      used = start &+ size
      return block + start
    }
    return allocateBlock(size)
  }

  private func allocateBlock(_ size: Int) -> UnsafeMutableRawPointer? {
    guard size >= 0, size <= limit, earlierBytes + used + size <= limit else {
      isFull = true
      return nil
    }
    earlierBlocks.append(block)
    earlierBytes += used
    blockSize = max(size, 2 * blockSize)
    block = .allocate(byteCount: blockSize, alignment: 16)
    used = size
    return block
  }

  /// Memory for `count` values of a C type, not initialised.
  func allocate<T>(_ type: T.Type, count: Int) throws(MessageError) -> UnsafeMutablePointer<T> {
    let (bytes, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<T>.stride)
    guard !overflow, let memory = allocate(bytes) else { throw full }
    return memory.bindMemory(to: T.self, capacity: max(count, 1))
  }

  var full: MessageError {
    MessageError(.memory, detail: "needs more than the \(limit) bytes a decoded frame may take")
  }
}
