internal import Messages
internal import Testing

@Suite struct WellKnownTests {
  @Test func `Spans go to Swift's Duration and back`() {
    let spans: [(Swift.Duration, Int64, Int32)] = [
      (.zero, 0, 0), (.seconds(3), 3, 0), (.milliseconds(-1500), -1, -500_000_000),
      (.nanoseconds(1), 0, 1), (.nanoseconds(-1), 0, -1),
      (.seconds(315_576_000_000), 315_576_000_000, 0),
    ]
    for (span, seconds, nanos) in spans {
      let message = Protobuf.Duration(span)
      #expect(message == Protobuf.Duration(seconds: seconds, nanos: nanos))
      #expect(message.span == span)
    }
  }

  @Test func `A span that no message can carry is cut to the range`() {
    #expect(Protobuf.Duration(.seconds(Int64.max)).seconds == 315_576_000_000)
    #expect(Protobuf.Duration(.seconds(Int64.min)).seconds == -315_576_000_000)
    let past = Swift.Duration.seconds(315_576_000_001)
    #expect(Protobuf.Duration(past) == Protobuf.Duration(seconds: 315_576_000_000))
  }

  @Test func `Parts of a nanosecond are dropped`() {
    #expect(
      Protobuf.Duration(Swift.Duration(secondsComponent: 0, attosecondsComponent: 1)).nanos == 0)
  }

  @Test func `Times outside the years 1 to 9999 are refused with their path`() throws {
    let bad: [(Int64, Int32, String)] = [
      (-62_135_596_801, 0, "at.seconds"), (253_402_300_800, 0, "at.seconds"), (0, -1, "at.nanos"),
      (0, 1_000_000_000, "at.nanos"), (.max, 0, "at.seconds"), (.min, 0, "at.seconds"),
    ]
    for (seconds, nanos, path) in bad {
      let message = EchoV1.Everything(at: .init(seconds: seconds, nanos: nanos))
      #expect(
        refusal(EchoV1.Everything.self, try message.encoded())
          == MessageError(.outOfRange, path: path, detail: ""))
    }
    for seconds in [Int64(-62_135_596_800), 253_402_300_799] {
      let message = EchoV1.Everything(at: .init(seconds: seconds, nanos: 999_999_999))
      #expect(try EchoV1.Everything(encoded: message.encoded()) == message)
    }
  }

  @Test func `Spans out of range or of two signs are refused with their path`() throws {
    let bad: [(Int64, Int32, String)] = [
      (315_576_000_001, 0, "span.seconds"), (-315_576_000_001, 0, "span.seconds"),
      (1, -1, "span.nanos"), (-1, 1, "span.nanos"), (0, 1_000_000_000, "span.nanos"),
      (0, .min, "span.nanos"),
    ]
    for (seconds, nanos, path) in bad {
      let message = EchoV1.Everything(span: .init(seconds: seconds, nanos: nanos))
      #expect(
        refusal(EchoV1.Everything.self, try message.encoded())
          == MessageError(.outOfRange, path: path, detail: ""))
    }
    let list = EchoV1.Everything(atList: [.init(), .init(nanos: -1)])
    #expect(
      refusal(EchoV1.Everything.self, try list.encoded())
        == MessageError(.outOfRange, path: "at_list[1].nanos", detail: ""))
  }
}
