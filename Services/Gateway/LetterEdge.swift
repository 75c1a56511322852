internal import Messages
internal import ServiceKit
internal import Stubs
internal import Wire

/// The codes on a letter (D02, D10).
extension Edge {
  func scan(_ token: String, _ request: WebRequest) async -> WebAnswer {
    guard let letters else { return trouble(.notFound, request) }
    // A phone that looks ahead has not brought anybody to the cart.
    let asked = DirectMailV1.ResolveLinkRequest(
      token: token, at: clock.now.timestamp,
      request: RequestMark.of(request, address: clients.of(request)), prefetch: request.isAhead)
    do throws(RPCError) {
      let link = try await call(of: lettersReach) {
        try await letters.resolveLink(asked, options: $0)
      }
      guard let location = WebText.location(link.url) else {
        return trouble(.internalError, request)
      }
      return WebAnswer(status: 302, headers: ["Location": location])
    } catch {
      return trouble(error.code, request)
    }
  }

  /// Only asks: the code's token is not looked at before the answer.
  func askObjection(_ token: String?, _ request: WebRequest) -> WebAnswer {
    guard letters != nil else { return trouble(.notFound, request) }
    let texts = texts(request)
    return (token == nil ? Page.letterCode(texts) : Page.objection(texts)).answer(200)
  }

  /// Doing it again changes nothing, so the answer is the page itself.
  func object(_ token: String?, _ request: WebRequest) async -> WebAnswer {
    guard let letters else { return trouble(.notFound, request) }
    let texts = texts(request)
    let typed = token == nil ? ObjectionForm.code(request.body) : nil
    guard let code = token ?? typed else {
      return Page.letterCode(texts, isWrong: true).answer(422)
    }
    let asked = DirectMailV1.ObjectRequest(
      token: code, at: clock.now.timestamp,
      evidence: OptOutEvidence.text(
        request, token == nil ? "/b" : "/b/", address: clients.of(request),
        body: token == nil ? "a typed code" : "the page's button"))
    do throws(RPCError) {
      _ = try await call(of: lettersReach) { try await letters.object(asked, options: $0) }
      return Page.objected(texts).answer(200)
    } catch {
      let isWrong = error.code == .notFound || error.code == .invalidArgument
      guard token == nil && isWrong else { return trouble(error.code, request) }
      return Page.letterCode(texts, isWrong: true).answer(422)
    }
  }

  private func texts(_ request: WebRequest) -> PageTexts {
    PageTexts.of(PageTexts.accepted(request.header("accept-language")))
  }
}
