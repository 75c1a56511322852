internal import Delivery
internal import Messages
internal import Storage
internal import Stubs
internal import Transport
internal import Wire

/// Every rule that was looked at for a person or a cart, also of the other services (X01).
extension SchedulerHandler {
  /// Rows asked of another service at most.
  private static let pagesMax = 10

  func explain(
    _ request: SchedulerV1.ExplainRequest, _ call: ServerCall
  ) throws -> Reply<SchedulerV1.ExplainResponse> {
    guard request.contact.isEmpty != request.cart.isEmpty else {
      let detail = request.contact.isEmpty ? "both are empty" : "both are set"
      throw RPCError(
        .invalidArgument, "either a contact or a cart is to be given",
        fieldViolations: [.init(field: "contact", detail: detail)])
    }
    return .later {
      try await store(request.store)
      var explanation = try await ownLines(request)
      var missing: [String] = []
      do {
        for episode in try await episodes(request, call) { explanation.add(episode) }
      } catch {
        missing.append("cart-tracker")
      }
      do {
        for message in try await messages(request, call) { explanation.add(message) }
      } catch {
        missing.append("notifier")
      }
      return .now(
        SchedulerV1.ExplainResponse(lines: explanation.sorted, missing: missing))
    }
  }

  private func ownLines(_ request: SchedulerV1.ExplainRequest) async throws -> Explanation {
    try await reading { session in
      var explanation = Explanation(within: request.at)
      let list = EnrolmentList(
        request: SchedulerV1.ListEnrolmentsRequest(
          store: request.store, contact: request.contact, cart: request.cart),
        session: session, flows: flows)
      let reader = EnrolmentReader(session: session, flows: flows)
      var contacts: Set<String> = request.contact.isEmpty ? [] : [request.contact]
      for enrolment in try list.all() {
        explanation.add(enrolment, decisions: try reader.decisions(of: enrolment))
        contacts.insert(enrolment.contact)
      }
      for contact in contacts.sorted() {
        for gift in try Gift.all(of: contact, in: request.store, session)
        where request.cart.isEmpty || gift.carts.contains(request.cart) {
          explanation.add(
            gift, try Campaign.named(gift.incentive, in: request.store, session))
        }
      }
      return explanation
    }
  }

  private func episodes(
    _ request: SchedulerV1.ExplainRequest, _ call: ServerCall
  ) async throws -> [CartTrackerV1.Episode] {
    var found: [CartTrackerV1.Episode] = []
    var page = CommonV1.Page(limit: 1000)
    for _ in 0..<Self.pagesMax {
      let answer = try await peers.tracker.listEpisodes(
        CartTrackerV1.ListEpisodesRequest(
          store: request.store, page: page,
          query: CartTrackerV1.EpisodeQuery(
            states: (1...6).map { CartTrackerV1.EpisodeState(rawValue: $0) },
            contact: request.contact, cart: request.cart)), options: call.onward())
      found += answer.episodes
      page.after = answer.next
      if answer.next.isEmpty { break }
    }
    return found
  }

  private func messages(
    _ request: SchedulerV1.ExplainRequest, _ call: ServerCall
  ) async throws -> [NotifierV1.OutboundMessage] {
    var found: [NotifierV1.OutboundMessage] = []
    var page = CommonV1.Page(limit: 1000)
    for _ in 0..<Self.pagesMax {
      let answer = try await peers.notifier.listMessages(
        NotifierV1.ListMessagesRequest(
          store: request.store, page: page, contact: request.contact, cart: request.cart),
        options: call.onward())
      found += answer.messages
      page.after = answer.next
      if answer.next.isEmpty { break }
    }
    return found
  }
}
