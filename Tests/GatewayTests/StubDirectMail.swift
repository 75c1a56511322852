internal import Messages
internal import Stubs
internal import Synchronization
internal import TestSupport
internal import Transport
internal import Wire

/// A direct-mail that knows one token and one typed code, and keeps what it was asked.
final class StubDirectMail: Sendable {
  static let token = "letter-Token_1"
  static let code = "0A1B2C3D4E5F6G7H"

  let scans = Journal<DirectMailV1.ResolveLinkRequest>()
  let objections = Journal<DirectMailV1.ObjectRequest>()
  let failure = Mutex<RPCError?>(nil)

  private func check(_ token: String, _ known: [String]) throws {
    if let failure = failure.withLock({ $0 }) { throw failure }
    if !known.contains(token) { throw RPCError(.notFound, "the code is not one of ours") }
  }

  func register(in table: inout MethodTable) {
    serve(DirectMailV1.DirectMailMethods.resolveLink, &table) {
      (request: DirectMailV1.ResolveLinkRequest) in
      self.scans.add(request)
      try self.check(request.token, [Self.token])
      return DirectMailV1.ResolveLinkResponse(url: "https://shop.example/cart/1", store: "shop")
    }
    serve(DirectMailV1.DirectMailMethods.object, &table) { (request: DirectMailV1.ObjectRequest) in
      self.objections.add(request)
      try self.check(request.token, [Self.token, Self.code])
      return DirectMailV1.PutObjectionsResponse(added: 2)
    }
  }
}
