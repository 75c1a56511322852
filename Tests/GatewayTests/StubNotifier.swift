internal import Messages
internal import Stubs
internal import Synchronization
internal import TestSupport
internal import Transport
internal import Wire

/// A notifier that knows one token, keeps what it was asked, and fails as a test says.
final class StubNotifier: Sendable {
  static let token = "good-Token_1"

  enum Call: Sendable {
    case click(NotifierV1.ResolveLinkRequest)
    case open(NotifierV1.RecordOpenRequest)
    case report(NotifierV1.TakeReportRequest)
    case describe(NotifierV1.DescribeUnsubscribeRequest)
    case unsubscribe(NotifierV1.UnsubscribeRequest)
  }

  struct State {
    var failure: RPCError?
    var url = "https://shop.example/cart/1?code=SAVE10"
    var known = NotifierV1.DescribeUnsubscribeResponse(
      storeName: "Werkzeughaus <Süd>", channel: .email, address: "a…@example.com", locale: "de-CH")
  }

  let calls = Journal<Call>()
  let state = Mutex(State())

  /// Whether anything was changed.
  var hasOptOut: Bool { state.withLock { $0.known.done } }

  private func check(_ token: String) throws {
    if let failure = state.withLock({ $0.failure }) { throw failure }
    if token != StubNotifier.token { throw RPCError(.notFound, "no such link") }
  }

  func register(in table: inout MethodTable) {
    serve(NotifierV1.NotifierMethods.resolveLink, &table) {
      (request: NotifierV1.ResolveLinkRequest) in
      self.calls.add(.click(request))
      try self.check(request.token)
      return NotifierV1.ResolveLinkResponse(url: self.state.withLock { $0.url }, store: "shop")
    }
    serve(NotifierV1.NotifierMethods.recordOpen, &table) {
      (request: NotifierV1.RecordOpenRequest) in
      self.calls.add(.open(request))
      try self.check(request.token)
      return NotifierV1.RecordOpenResponse()
    }
    serve(NotifierV1.NotifierMethods.takeReport, &table) {
      (request: NotifierV1.TakeReportRequest) in
      self.calls.add(.report(request))
      try self.check(StubNotifier.token)
      if request.provider != "post.1" { throw RPCError(.notFound, "no such provider") }
      guard request.headers.contains(where: { $0.name == "x-signature" && $0.value == "right" })
      else { throw RPCError(.unauthenticated, "the signature is wrong") }
      return NotifierV1.TakeReportResponse(outcomes: 1)
    }
    serve(NotifierV1.NotifierMethods.describeUnsubscribe, &table) {
      (request: NotifierV1.DescribeUnsubscribeRequest) in
      self.calls.add(.describe(request))
      try self.check(request.token)
      return self.state.withLock { $0.known }
    }
    serve(NotifierV1.NotifierMethods.unsubscribe, &table) {
      (request: NotifierV1.UnsubscribeRequest) in
      self.calls.add(.unsubscribe(request))
      try self.check(request.token)
      self.state.withLock { $0.known.done = true }
      return NotifierV1.OptOutResponse(withdrawn: 2)
    }
  }
}
