internal import HTTPTypes
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import ServiceKit

/// One request and its answer over HTTP/1.1: reads what the limits allow, asks the edge, answers.
struct HTTPExchange: Sendable {
  let edge: Edge
  let budget: BodyBudget
  let log: Logger
  /// Throws when its task is cancelled.
  let sleep: @Sendable (Duration) async throws -> Void

  private enum Body: Sendable {
    case whole([UInt8])
    case refused(WebAnswer)
  }

  /// The answer was written and the connection is of no further use.
  private struct Ended: Error {}

  private var limits: WebLimits { edge.limits }

  /// - Throws: where the connection is to be closed.
  func run(
    _ request: Request, _ writer: consuming ResponseWriter, peer: String
  ) async throws {
    var web = HTTPExchange.request(request.head)
    web.peer = peer
    let (route, refusal) = judged(web, request.head)
    guard let route, refusal == nil else {
      try await end(refusal ?? .plain(404, "nothing is here"), request, writer)
      return
    }
    let sizeMax = route.bodySizeMax(web.method, limits)
    let reserved = min(HTTPExchange.declaredSize(request.head) ?? sizeMax, sizeMax)
    guard budget.take(reserved) else {
      return try await end(HTTPExchange.busy, request, writer)
    }
    defer { budget.giveBack(reserved) }
    if request.head.headerFields[.expect]?.lowercased() == "100-continue", sizeMax > 0 {
      try await writer.writeInformationalHead(HTTPResponse(status: .continue))
    }
    switch try await receive(request.body, sizeMax: sizeMax) {
    case .refused(let answer):
      try await end(answer, request, writer, isDrained: true)
    case .whole(let body):
      web.body = body
      let answer = await edge.answer(web, route)
      log.debug("answered", metadata: ["route": "\(route.name)", "status": "\(answer.status)"])
      let head = HTTPExchange.head(answer, clock: edge.clock)
      try await writer.write(
        response: head, body: HTTPExchange.body(answer, isHead: web.method == "HEAD"))
    }
  }

  // MARK: - In

  private static func request(_ head: HTTPRequest) -> WebRequest {
    var headers = head.headerFields.map {
      WebRequest.Header(name: $0.name.canonicalName, value: $0.value)
    }
    if let host = head.authority { headers.insert(.init(name: "host", value: host), at: 0) }
    return WebRequest(method: head.method.rawValue, target: head.path ?? "", headers: headers)
  }

  /// The route, or why the request is refused before its body is read.
  private func judged(_ web: WebRequest, _ head: HTTPRequest) -> (Route?, WebAnswer?) {
    guard web.target.utf8.count <= limits.targetSizeMax else {
      return (nil, .plain(414, "the address may have \(limits.targetSizeMax) bytes"))
    }
    guard let route = Route(path: web.path) else { return (nil, nil) }
    guard route.methods.contains(web.method) else {
      var answer = WebAnswer.plain(405, "this takes \(route.methods.joined(separator: ", "))")
      answer.headers["Allow"] = route.methods.joined(separator: ", ")
      return (nil, answer)
    }
    let sizeMax = route.bodySizeMax(web.method, limits)
    if let size = HTTPExchange.declaredSize(head), size > sizeMax {
      return (nil, HTTPExchange.tooLarge(sizeMax))
    }
    return (route, nil)
  }

  private static func declaredSize(_ head: HTTPRequest) -> Int? {
    head.headerFields[.contentLength].flatMap { Int($0) }
  }

  /// The whole body within its size and time.
  ///
  /// - Throws: where the connection ends before it.
  private func receive(_ body: RequestBody, sizeMax: Int) async throws -> Body {
    try await withThrowingTaskGroup(of: Body.self) { tasks in
      tasks.addTask {
        var bytes: [UInt8] = []
        var size = 0
        for try await part in body {
          size += part.readableBytes
          if size > sizeMax + limits.droppedSizeMax { break }
          if size <= sizeMax { bytes += part.readableBytesView } else { bytes = [] }
        }
        try Task.checkCancellation()
        return size <= sizeMax ? .whole(bytes) : .refused(HTTPExchange.tooLarge(sizeMax))
      }
      tasks.addTask {
        try await sleep(limits.bodyTime)
        return .refused(.plain(408, "the body took longer than \(limits.bodyTime)"))
      }
      defer { tasks.cancelAll() }
      return try await tasks.next() ?? .whole([])
    }
  }

  // MARK: - Out

  /// Answers and closes the connection.
  ///
  /// - Parameter isDrained: whether there is nothing more to be read. What a peer still sends is
  ///   read for a while: closing over unread bytes would take the answer from it.
  private func end(
    _ answer: WebAnswer, _ request: Request, _ writer: consuming ResponseWriter,
    isDrained: Bool = false
  ) async throws {
    log.debug("refused", metadata: ["status": "\(answer.status)"])
    var head = HTTPExchange.head(answer, clock: edge.clock)
    head.headerFields[.connection] = "close"
    let isHead = request.head.method == .head
    try await writer.write(response: head, body: HTTPExchange.body(answer, isHead: isHead))
    if !isDrained { _ = try? await receive(request.body, sizeMax: 0) }
    throw Ended()
  }

  private static func tooLarge(_ sizeMax: Int) -> WebAnswer {
    .plain(413, sizeMax == 0 ? "no body is taken here" : "the body may have \(sizeMax) bytes")
  }

  private static var busy: WebAnswer {
    var answer = WebAnswer.plain(503, "too much at once")
    answer.headers["Retry-After"] = "1"
    return answer
  }

  private static func head(_ answer: WebAnswer, clock: any WallClock) -> HTTPResponse {
    var fields = HTTPFields()
    for header in answer.allHeaders(date: WebText.date(clock.now)) {
      guard let name = HTTPField.Name(header.name) else {
        preconditionFailure("\(header.name) is no name of a header")
      }
      fields.append(HTTPField(name: name, value: header.value))
    }
    return HTTPResponse(status: .init(code: answer.status), headerFields: fields)
  }

  private static func body(_ answer: WebAnswer, isHead: Bool) -> ResponseBody {
    isHead || answer.body.isEmpty
      ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body))
  }
}
