internal import Glibc
internal import Testing

@testable internal import Homing

@Suite struct TableTests {
  @Test func `Columns are aligned, numbers to the right, no space at a line's end`() {
    var table = Table([("NAME", .left), ("COUNT", .right), ("ABOUT", .left)])
    table.add(["a", "7", "x"])
    table.add(["longer", "1000"])
    #expect(table.lines() == ["NAME    COUNT  ABOUT", "a           7  x", "longer   1000"])
  }

  @Test func `Wide and combining characters keep the columns aligned`() {
    var table = Table([("A", .left), ("B", .left)])
    table.add(["漢字", "x"])
    table.add(["e\u{301}", "y"])
    #expect(table.lines() == ["A     B", "漢字  x", "e\u{301}     y"])
  }

  @Test func `Only the heading is styled`() {
    var table = Table([("A", .left)])
    table.add(["b"])
    #expect(table.lines { "<\($0)>" } == ["<A>", "b"])
  }

  @Test func `A peer's control characters are shown, not obeyed`() {
    #expect(Printable.text("a\u{1b}[31m\n\u{9b}\u{202e}b") == "a\\u{1b}[31m\\u{a}\\u{9b}\\u{202e}b")
    #expect(Printable.text("plain é 😀") == "plain é 😀")
    var table = Table([("A", .left)])
    table.add(["x\ny"])
    #expect(table.lines() == ["A", "x\\u{a}y"])
  }
}

@Suite struct TimeSpanTests {
  @Test(arguments: [
    ("5s", Duration.seconds(5)), ("250ms", .milliseconds(250)), ("1m30s", .seconds(90)),
    ("1.5h", .seconds(5400)), ("10us", .microseconds(10)), ("10µs", .microseconds(10)),
    ("7ns", .nanoseconds(7)), ("0s", .zero),
  ])
  func `A span is read with its unit`(_ text: String, _ duration: Duration) {
    #expect(TimeSpan(text)?.duration == duration)
  }

  @Test(arguments: [
    "", "5", "s", "5 s", "-5s", "5S", "1e3s", "5d", "5s5", "0x5s", "..s", "٣s", "99999999999h",
  ])
  func `Text that is no span is refused`(_ text: String) {
    #expect(TimeSpan(text) == nil)
  }

  @Test(arguments: [
    (Duration.nanoseconds(750), "0.75 µs"), (.microseconds(12), "12.0 µs"),
    (.microseconds(1234), "1.23 ms"), (.milliseconds(250), "250 ms"), (.seconds(5), "5.00 s"),
    (.seconds(61), "61.0 s"), (.zero, "0 s"),
  ])
  func `A span is written with three digits and the unit that fits`(
    _ duration: Duration, _ text: String
  ) {
    #expect(TimeSpan.text(duration) == text)
  }
}

@Suite struct BlockingWorkTests {
  @Test func `The result of blocking work comes back, and its error`() async throws {
    #expect(try await BlockingWork.run { 7 } == 7)
    await #expect(throws: CommandError.usage("x")) {
      try await BlockingWork.run { throw CommandError.usage("x") }
    }
  }

  @Test func `A cancelled task does not wait for its blocking work`() async throws {
    // Read from a pipe that nobody writes to, until the test closes it.
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    let readEnd = ends[0]
    let outcome = await withThrowingTaskGroup(of: Bool.self) { group in
      group.addTask {
        do {
          _ = try await BlockingWork.run { try InputFile.chunk(readEnd, "pipe") }
          return false
        } catch is CancellationError {
          return true
        }
      }
      group.cancelAll()
      return await group.nextResult()
    }
    close(ends[1])
    #expect(try outcome?.get() == true)
  }
}
