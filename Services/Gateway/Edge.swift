internal import Messages
internal import ServiceKit
internal import Stubs
internal import Transport
internal import Wire

/// The gateway without HTTP's transport: each request is one call of the notifier or of
/// direct-mail, and nothing is kept.
struct Edge: Sendable {
  let notifier: NotifierV1.NotifierClient
  /// Nil: there are no letters.
  let letters: DirectMailV1.DirectMailClient?
  let clients: ClientAddress
  let limits: WebLimits
  let clock: any WallClock
  let notifierReach: ServiceReach
  let lettersReach: ServiceReach
  /// Whether this process is to get requests.
  let isServing: @Sendable () -> Bool

  /// What the largest answer of `Retry-After` is, and the one where nothing is said.
  private static let retryMax: Duration = .seconds(3600)
  private static let retry: Duration = .seconds(5)

  /// A transparent picture of one point (GIF89a).
  static let picture: [UInt8] = [
    0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 1, 0, 1, 0, 0x80, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0x21,
    0xF9, 4, 1, 0, 0, 0, 0, 0x2C, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0, 0x3B,
  ]

  /// - Parameter route: of the request, whose method is one of its own.
  func answer(_ request: WebRequest, _ route: Route) async -> WebAnswer {
    switch (route, request.method) {
    case (.click(let token), _): await click(token, request)
    case (.open(let token), _): await open(token, request)
    case (.unsubscribe(let token), "POST"): await unsubscribe(token, request)
    case (.unsubscribe(let token), _): await describe(token, request)
    case (.scan(let token), _): await scan(token, request)
    case (.object(let token), "POST"): await object(token, request)
    case (.object(let token), _): askObjection(token, request)
    case (.report(let provider), _): await report(provider, request)
    case (.health, _): isServing() ? .plain(200, "serving") : .plain(503, "not serving")
    }
  }

  // MARK: - Links

  private func click(_ token: String, _ request: WebRequest) async -> WebAnswer {
    let address = clients.of(request)
    let asked = NotifierV1.ResolveLinkRequest(
      token: token, userAgent: userAgent(request), address: known(address),
      at: clock.now.timestamp, request: RequestMark.of(request, address: address),
      prefetch: request.isAhead)
    do throws(RPCError) {
      let link = try await call { try await notifier.resolveLink(asked, options: $0) }
      guard let location = WebText.location(link.url) else {
        return trouble(.internalError, request)
      }
      return WebAnswer(status: 302, headers: ["Location": location])
    } catch {
      return trouble(error.code, request)
    }
  }

  /// The same picture whatever the token is, and whether the notifier is there: nothing is learnt,
  /// and no mail shows a broken picture.
  private func open(_ token: String?, _ request: WebRequest) async -> WebAnswer {
    if let token {
      let address = clients.of(request)
      let asked = NotifierV1.RecordOpenRequest(
        token: token, userAgent: userAgent(request), address: known(address),
        at: clock.now.timestamp, request: RequestMark.of(request, address: address),
        prefetch: request.isAhead)
      _ = try? await call(within: limits.openTime) {
        try await notifier.recordOpen(asked, options: $0)
      }
    }
    return WebAnswer(
      status: 200,
      headers: ["Content-Type": "image/gif", "Cross-Origin-Resource-Policy": "cross-origin"],
      body: Edge.picture)
  }

  // MARK: - Unsubscribe

  private func describe(_ token: String, _ request: WebRequest) async -> WebAnswer {
    do throws(RPCError) {
      let known = try await call {
        try await notifier.describeUnsubscribe(.init(token: token), options: $0)
      }
      return Page.unsubscribe(known).answer(200)
    } catch {
      return trouble(error.code, request)
    }
  }

  private func unsubscribe(_ token: String, _ request: WebRequest) async -> WebAnswer {
    let form = OptOutForm(request.body, contentType: request.header("content-type"))
    let asked = NotifierV1.UnsubscribeRequest(
      token: token, oneClick: form == .oneClick, at: clock.now.timestamp,
      evidence: OptOutEvidence.text(request, "/u/", address: clients.of(request), body: form.name))
    do throws(RPCError) {
      _ = try await call { try await notifier.unsubscribe(asked, options: $0) }
    } catch {
      return trouble(error.code, request)
    }
    // A person is shown the page, which says by now that it is done; to load it again is harmless.
    return form == .oneClick
      ? .plain(200) : WebAnswer(status: 303, headers: ["Location": "/u/\(token)"])
  }

  // MARK: - Providers

  private func report(_ provider: String, _ request: WebRequest) async -> WebAnswer {
    guard request.headers.count <= limits.headersMax else {
      return .plain(431, "at most \(limits.headersMax) headers, these are \(request.headers.count)")
    }
    let taken = NotifierV1.TakeReportRequest(
      provider: provider, headers: request.headers.map { .init(name: $0.name, value: $0.value) },
      body: request.body, receivedAt: clock.now.timestamp)
    do throws(RPCError) {
      _ = try await call { try await notifier.takeReport(taken, options: $0) }
      return .plain(200)
    } catch {
      return refusal(error)
    }
  }

  /// So that a provider sends again what another attempt can help, and nothing else.
  private func refusal(_ error: RPCError) -> WebAnswer {
    switch error.code {
    case .unauthenticated: return .plain(401, "the signature is wrong or too old")
    case .notFound: return .plain(404, "no such provider")
    case .invalidArgument, .failedPrecondition, .outOfRange:
      return .plain(400, "the report cannot be read")
    default:
      var answer = WebAnswer.plain(503, "not now")
      let wait = min(max(error.retryAfter ?? Edge.retry, .seconds(1)), Edge.retryMax)
      answer.headers["Retry-After"] = "\(wait.components.seconds)"
      return answer
    }
  }

  /// One call of the notifier, or of who is named, noted whether it went well.
  ///
  /// - Parameter time: for all its attempts; nil: the usual.
  func call<Answer>(
    within time: Duration? = nil, of service: ServiceReach? = nil,
    _ body: (CallOptions) async throws -> Answer
  ) async throws(RPCError) -> Answer {
    let reach = service ?? notifierReach
    do {
      let answer = try await body(CallOptions(timeout: time ?? limits.callTime))
      reach.note(nil)
      return answer
    } catch {
      let error = RPCError(thrown: error)
      reach.note(error.code)
      throw error
    }
  }

  // MARK: - What a person is told

  func trouble(_ code: RPCError.Code, _ request: WebRequest) -> WebAnswer {
    let texts = PageTexts.of(PageTexts.accepted(request.header("accept-language")))
    if code == .notFound || code == .invalidArgument { return Page.gone(texts).answer(404) }
    var answer = Page.later(texts).answer(503)
    answer.headers["Retry-After"] = "\(Edge.retry.components.seconds)"
    return answer
  }

  private func userAgent(_ request: WebRequest) -> String {
    (request.header("user-agent") ?? "").cut(toBytes: 512)
  }

  /// Empty for what is no address.
  func known(_ address: String) -> String {
    InternetAddress(address) == nil ? "" : address
  }
}
