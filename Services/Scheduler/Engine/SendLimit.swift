internal import Delivery
internal import Messages
internal import ServiceKit

/// So many messages in any span of so long (F15). Pure.
struct SendLimit: Sendable, Equatable {
  enum Scope: Sendable {
    case person
    case company
  }

  var scope: Scope
  /// At least 1.
  var count: Int
  /// Microseconds, more than zero.
  var period: Int64
  /// Empty: all that reach people.
  var channels: Set<CommonV1.Channel> = []

  /// Where a store says nothing: 3 in 7 days for a person.
  static let standard = [SendLimit(scope: .person, count: 3, period: 7 * Micros.day)]
  /// As the contract has it; what is older counts nowhere.
  static let periodMax = 366 * Micros.day

  func isAbout(_ channel: CommonV1.Channel) -> Bool {
    channel.reachesPeople && (channels.isEmpty || channels.contains(channel))
  }

  /// When there is room for one more: a send no longer counts once it is as old as the period.
  ///
  /// - Parameter newest: when the newest sends were that count, newest first, at least as many as
  ///   `count` where there are so many; microseconds.
  /// - Returns: nil: there is room now.
  func opens(newest: [Int64], now: Int64) -> Int64? {
    guard newest.count >= count else { return nil }
    let opening = Micros.sum(newest[count - 1], period)
    return opening > now ? opening : nil
  }

  /// The channels as bits, by number.
  var channelBits: Int64 {
    channels.isEmpty ? .max : channels.reduce(0) { $0 | SendLimit.bit($1) }
  }

  static func bit(_ channel: CommonV1.Channel) -> Int64 { 1 << Int64(channel.rawValue & 31) }

  /// What a store's settings say; those that this version cannot read are left out.
  static func all(of settings: CartTrackerV1.StoreSettings?) -> [SendLimit] {
    guard let settings else { return standard }
    if settings.uncapped { return [] }
    if settings.caps.isEmpty { return standard }
    return settings.caps.compactMap { cap in
      guard cap.count > 0, let period = cap.period.map({ Micros.of($0) }), period > 0 else {
        return nil
      }
      let scope: Scope
      switch cap.scope {
      case .person: scope = .person
      case .company: scope = .company
      default: return nil
      }
      return SendLimit(
        scope: scope, count: Int(cap.count), period: period, channels: Set(cap.channels))
    }
  }
}

/// Under which keys what is sent to somebody counts.
struct SendSubject {
  /// Of the contact: its row leads to the others.
  let own: OwnerKey
  /// Of the addresses that make the same person of contacts of several stores: the first e-mail
  /// address, else the first telephone number, and where this message goes.
  let addresses: [OwnerKey]
  /// Nil where no company is known.
  let company: OwnerKey?
  /// Of other contacts that are the same person.
  let linked: [OwnerKey]

  init(_ ask: SendAsk) { self.init(ask.enrolment, ask.input, ask.send.channel) }

  /// - Parameter channel: where a message goes, whose address counts beside the first ones.
  init(_ enrolment: Enrolment, _ input: DecisionInput, _ channel: CommonV1.Channel) {
    let store = input.store
    let contact = input.facts?.contact
    own = OwnerKeys.owner(of: enrolment)
    linked = (contact?.linked ?? []).map {
      OwnerKey.contact(store: enrolment.store, contact: $0)
    }
    let destinations = contact?.profile?.destinations ?? []
    let main =
      destinations.first { $0.channel == .email } ?? destinations.first { $0.channel == .sms }
    var keys: [OwnerKey] = []
    for found in [main, destinations.first { $0.channel == channel }] {
      guard let found, !found.address.isEmpty else { continue }
      let address = AddressForm.normal(found.channel, found.address)
      // No store's id is empty, and no channel unspecified: of nobody else's rows.
      let key = OwnerKey.address(
        scope: "", channel: .unspecified, address: store.controller + "\u{0}" + address)
      if !keys.contains(key) { keys.append(key) }
    }
    addresses = keys
    let name = SendSubject.company(enrolment, input)
    company = name.isEmpty ? nil : OwnerKey(scope: store.controller, kind: .company, id: name)
  }

  /// As it is known now, else as it was at the start; empty where none is.
  static func company(of ask: SendAsk) -> String { company(ask.enrolment, ask.input) }

  private static func company(_ enrolment: Enrolment, _ input: DecisionInput) -> String {
    let known = input.facts?.contact?.profile?.company ?? ""
    return known.isEmpty ? enrolment.company : known
  }
}
