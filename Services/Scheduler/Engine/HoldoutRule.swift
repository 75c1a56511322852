internal import Delivery
internal import Messages
internal import ServiceKit

/// Who is never contacted by a flow, so that what it earns can be told from what would have been
/// earned without it (F17). Pure.
struct HoldoutRule: Sendable {
  /// Of the installation: nobody else can tell who is held out.
  let salt: [UInt8]

  /// One that is held out.
  struct Case: Equatable {
    /// Of the flow, counted from 1970.
    let period: Int64
    /// 16 bytes that tell subjects apart and name nobody.
    let subject: [UInt8]
  }

  /// The period that an instant is in.
  static func period(_ holdout: FlowDefinition.Holdout, at instant: Int64) -> Int64 {
    let (quotient, rest) = instant.quotientAndRemainder(dividingBy: max(1, holdout.period))
    return rest < 0 ? quotient - 1 : quotient
  }

  /// - Parameter subject: the company, else the contact, told apart.
  /// - Returns: nil where the subject is contacted.
  func judge(
    store: String, flow: String, _ holdout: FlowDefinition.Holdout, subject: String, at now: Int64
  ) -> Case? {
    if holdout.share <= 0 { return nil }
    let period = HoldoutRule.period(holdout, at: now)
    let own = digest(["holdout", store, flow, "\(period)", subject])
    guard SubjectHash.share(of: own) < holdout.share else { return nil }
    return Case(period: period, subject: Array(digest(["subject", store, subject]).prefix(16)))
  }

  private func digest(_ parts: [String]) -> [UInt8] {
    SubjectHash.digest(parts, salt: salt)
  }

  /// The subject of a send; a company's name and a contact's are never the same.
  static func subject(of ask: SendAsk) -> String {
    let company = SendSubject.company(of: ask)
    return company.isEmpty ? "contact/" + ask.enrolment.contact : "company/" + company
  }

  /// Whether this send would be the first to reach the person: those before it, and those that
  /// cannot reach anybody, are no matter of holdouts.
  static func isFirst(_ ask: SendAsk) -> Bool {
    guard ask.send.channel.reachesPeople, destination(of: ask) != nil else { return false }
    return !ask.enrolment.visits.contains { visit in
      visit.channel.reachesPeople
        && (visit.verdict == .sent || ask.isDry && visit.verdict == .wouldSend)
    }
  }

  /// Where the message would go; for the post the country.
  static func destination(of ask: SendAsk) -> String? {
    let profile = ask.input.facts?.contact?.profile
    switch ask.send.channel {
    case .letter, .postcard: return profile?.address?.countryCode
    default:
      return profile?.destinations.first { $0.channel == ask.send.channel }?.address
    }
  }

  /// Whether a list of test addresses, of which every one must have it, has where it would go.
  static func isTested(_ ask: SendAsk, _ lists: [[String]]) -> Bool {
    guard ask.input.mode == .test, let destination = destination(of: ask), !lists.isEmpty else {
      return false
    }
    let isPost = ask.send.channel == .letter || ask.send.channel == .postcard
    return lists.allSatisfy { list in
      list.contains { entry in
        isPost
          ? entry == "post:*" || entry == "post:" + destination
          : TestAddress.matches(entry, ask.send.channel, destination)
      }
    }
  }
}
