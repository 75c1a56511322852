internal import ArgumentParser
internal import Messages
internal import Stubs
internal import Testing
internal import Wire

@testable internal import Homing
@testable internal import Transport

@Suite struct MessagesCommandTests {
  private typealias Methods = NotifierV1.NotifierMethods
  private static let at = ["here:1", "--store", "shop"]

  private let channel = TrackerChannel()
  private let printed = PrintedLines()
  private var caller: NotifierCaller { NotifierCaller(channel, timeout: .seconds(1)) }

  private static func message(_ id: String) -> NotifierV1.OutboundMessage {
    NotifierV1.OutboundMessage(
      order: .init(
        id: id, store: "shop", channel: .email, contact: "c1",
        anchor: .init(at: .init(seconds: 1_780_000_000)), enrolment: "e1", flow: "recovery",
        flowVersion: 2, step: "first", template: "hello", dueAt: .init(seconds: 1_780_000_000),
        expiresAt: .init(seconds: 1_790_000_000), mode: .test),
      state: .handedOver, recipient: "a@example.com", locale: "de", templateVersion: 7,
      takenAt: .init(seconds: 1_780_000_000),
      grant: .init(positions: [.init(bucket: 3, seq: 9)], grantedAt: .init(seconds: 1_780_000_001)),
      attempts: [
        .init(
          at: .init(seconds: 1_780_000_001), provider: "smtp", status: 250,
          answer: "2.0.0 queued\r",
          providerID: "q1")
      ],
      outcomes: [
        outcome(id, .handedOver, 1_780_000_001),
        outcome(id, .clicked, 1_780_000_100, by: .human, link: "cart"),
      ])
  }

  private static func outcome(
    _ order: String, _ kind: CommonV1.OutcomeKind, _ seconds: Int64,
    by actor: CommonV1.Outcome.Actor = .unspecified, link: String = ""
  ) -> CommonV1.Outcome {
    .init(
      order: order, store: "shop", enrolment: "e1", step: "first", channel: .email, kind: kind,
      at: .init(seconds: seconds), actor: actor, link: link, id: "\(order)-\(kind)")
  }

  @Test("M10 Messages are listed page by page with what the query asks")
  func list() async throws {
    channel.answer(Methods.listMessages) { (request: NotifierV1.ListMessagesRequest) in
      request.page?.after == ""
        ? NotifierV1.ListMessagesResponse(messages: [Self.message("m1")], next: "n")
        : NotifierV1.ListMessagesResponse(messages: [Self.message("m2")])
    }
    let command = try MessagesListCommand.parse(
      Self.at + [
        "--channel", "email,sms", "--state", "handed-over", "--reason", "purchased", "--contact",
        "c1", "--from", "2026-05-01", "--flow", "recovery",
      ])
    try await command.list(caller) { printed.add($0) }
    #expect(printed.lines.count == 3)
    #expect(printed.lines[1].hasPrefix("2026-05-28T20:26:40Z  email    handed_over"))
    #expect(printed.lines[2].hasSuffix("m2"))
    let requests: [NotifierV1.ListMessagesRequest] = try channel.requests(Methods.listMessages)
    #expect(requests[0].channels == [.email, .sms])
    #expect(requests[0].states == [.handedOver])
    #expect(requests[0].reasons == [.purchased])
    #expect(requests[1].page?.after == "n")
  }

  @Test("An option that names nothing is told with what there is")
  func wrong() async throws {
    let command = try MessagesListCommand.parse(Self.at + ["--state", "gone"])
    let error = await #expect(throws: CommandError.self) {
      try await command.list(caller) { _ in }
    }
    #expect(error?.message.contains("--state: \"gone\" is none of waiting, sending") == true)
  }

  @Test("M10 X03 One message is shown with attempts, outcomes and the permission it began with")
  func show() async throws {
    channel.answer(Methods.getMessage) { (_: NotifierV1.GetMessageRequest) in
      NotifierV1.GetMessageResponse(
        message: Self.message("m1"), content: Array("Subject: A\r\n\r\n\u{1b}]0;b\n".utf8))
    }
    let command = try MessagesShowCommand.parse(
      Self.at + ["--message", "m1", "--content"])
    try await command.show(caller) { printed.add($0) }
    for text in [
      "flow        recovery version 2", "template    hello version 7",
      "2026-05-28T20:26:41Z, purchases read up to 3/9", "smtp", "2.0.0 queued\\u{d}", "clicked",
      "human", "Subject: A", "\\u{1b}]0;b",
    ] { #expect(printed.text.contains(text), "\(text)") }
    let requests: [NotifierV1.GetMessageRequest] = try channel.requests(Methods.getMessage)
    #expect(requests.map(\.withContent) == [true])
  }

  @Test("Content is only asked for where it is wanted")
  func json() async throws {
    channel.answer(Methods.getMessage) { (_: NotifierV1.GetMessageRequest) in
      NotifierV1.GetMessageResponse(message: Self.message("m1"))
    }
    let command = try MessagesShowCommand.parse(Self.at + ["--message", "m1", "--json"])
    try await command.show(caller) { printed.add($0) }
    #expect(printed.lines.count == 1)
    #expect(printed.lines[0].hasPrefix(#"{"message":{"order":{"id":"m1""#))
    let requests: [NotifierV1.GetMessageRequest] = try channel.requests(Methods.getMessage)
    #expect(requests.map(\.withContent) == [false])
  }
}
