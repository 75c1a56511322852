internal import Logging
internal import Messages
internal import Stubs
internal import Transport
internal import Wire

/// Asks the shop itself, right before a hand-off, whether a cart is still open (C29).
extension CartTrackerHandler {
  /// A grant lives a second from when it was asked for: what is left has to do for the hand-off.
  private static let timeout: Duration = .milliseconds(500)

  /// Grants that the shop does not confirm become refusals; what is refused already is not asked
  /// about.
  func confirmed(
    _ answers: [Tracked.StopAnswer], _ subjects: [Tracked.StopSubject],
    _ entry: StoreRegistry.Entry, _ call: ServerCall
  ) async -> [Tracked.StopAnswer] {
    guard entry.store.settings?.confirmOpen == true else { return answers }
    let open = answers.indices.filter { answers[$0].grant != nil && !subjects[$0].cart.isEmpty }
    if open.isEmpty { return answers }
    let request = Tracked.ConfirmOpenRequest(
      store: entry.store.id,
      subjects: open.map { .init(contact: subjects[$0].contact, cart: subjects[$0].cart) })
    var answers = answers
    let said = await said(request, entry, call)
    for (index, answer) in zip(open, said) where answer != .open {
      let isClosed = answer == .closed
      answers[index].grant = nil
      answers[index].refusal = Tracked.StopAnswer.Refusal(
        reason: isClosed ? .notOpen : .notReadable, lasting: isClosed)
    }
    return answers
  }

  /// As many answers as subjects; where the shop cannot be asked, none says that a cart is open.
  private func said(
    _ request: Tracked.ConfirmOpenRequest, _ entry: StoreRegistry.Entry, _ call: ServerCall
  ) async -> [Tracked.ConfirmOpenResponse.Answer] {
    let unknown = request.subjects.map { _ in Tracked.ConfirmOpenResponse.Answer.unspecified }
    guard let source = sources[entry.store.settings?.cartSource ?? ""] else { return unknown }
    do {
      var options = call.onward()
      options.timeout = Self.timeout
      let answers = try await source.confirmOpen(request, options: options).answers
      return answers.count == unknown.count ? answers : unknown
    } catch {
      log.warning(
        "a shop does not say whether carts are open",
        metadata: ["store": "\(request.store)", "problem": "\(error)"])
      return unknown
    }
  }
}
