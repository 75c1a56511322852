/// A value that belongs to one loop's thread, carried through code that does not.
///
/// `@unchecked Sendable`, because the only way to the value asserts in every build that the current
/// thread is the loop's: whoever carries it elsewhere cannot look inside. The value's reference
/// count is atomic, so copying and dropping the wrapper anywhere is safe; a class put in here must
/// not do loop work in its `deinit`.
struct LoopBound<Value>: @unchecked Sendable {
  let loop: EventLoop
  private let content: Value

  init(_ value: Value, on loop: EventLoop) {
    self.loop = loop
    content = value
  }

  var value: Value {
    precondition(loop.isCurrent, "a loop's value was touched from another thread")
    return content
  }
}
