internal import Messages
internal import ServiceKit

/// The rules of one country (F16), read from `legal-rules.txt`.
struct RulePack {
  /// ISO 3166-1; empty: every country without a pack of its own.
  let country: String
  let version: String
  /// By channel and purpose.
  fileprivate(set) var grounds: [Line: [LegalGround]] = [:]

  struct Line: Hashable {
    let channel: CommonV1.Channel
    let purpose: String
  }

  /// One of them is enough; none: it is not allowed.
  func grounds(_ channel: CommonV1.Channel, _ purpose: String) -> [LegalGround] {
    grounds[Line(channel: channel, purpose: purpose)]
      ?? grounds[Line(channel: channel, purpose: ConsentEvidence.everyPurpose)] ?? []
  }
}

/// All packs.
struct RulePacks {
  private let byCountry: [String: RulePack]
  private let other: RulePack

  /// Those that come with the service.
  static let shipped: RulePacks = {
    do {
      return try RulePacks(
        parsing: String(decoding: PackageResources.legal_rules_txt, as: UTF8.self))
    } catch { preconditionFailure("the rule packs that come with the service: \(error)") }
  }()

  /// - Parameter country: nil where none is known.
  func pack(for country: String?) -> RulePack {
    country.flatMap { byCountry[$0] } ?? other
  }

  /// In order of their countries; that of all others last.
  var all: [RulePack] { byCountry.values.sorted { $0.country < $1.country } + [other] }

  /// What is wrong with a text, by its line, from 1.
  struct Fault: Error, Equatable {
    let line: Int
    let problem: String
  }

  init(parsing text: String) throws(Fault) {
    var packs: [RulePack] = []
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "," })
        .map(String.init)
      guard let first = words.first, !first.hasPrefix("#") else { continue }
      func fault(_ problem: String) -> Fault { Fault(line: index + 1, problem: problem) }
      if first == "pack" {
        guard words.count == 3 else { throw fault("needs a country and a version") }
        let country = words[1] == "**" ? "" : words[1]
        if packs.contains(where: { $0.country == country }) {
          throw fault("a second pack of this country")
        }
        packs.append(RulePack(country: country, version: words[2]))
        continue
      }
      guard !packs.isEmpty else { throw fault("stands before any pack") }
      let (line, grounds) = try RulePacks.rule(words, index + 1)
      if packs[packs.count - 1].grounds.updateValue(grounds, forKey: line) != nil {
        throw fault("a second rule for channel and purpose")
      }
    }
    guard let other = packs.first(where: { $0.country.isEmpty }) else {
      throw Fault(line: 0, problem: "there is no pack for all other countries")
    }
    self.other = other
    var byCountry: [String: RulePack] = [:]
    for pack in packs where !pack.country.isEmpty { byCountry[pack.country] = pack }
    self.byCountry = byCountry
  }

  private static func rule(
    _ words: [String], _ number: Int
  ) throws(Fault) -> (RulePack.Line, [LegalGround]) {
    guard words.count >= 3, let channel = channels[words[0]] else {
      throw Fault(line: number, problem: "needs a channel, a purpose and grounds")
    }
    var grounds: [LegalGround] = []
    for word in words[2...] {
      guard let ground = LegalGround(rawValue: word) else {
        throw Fault(line: number, problem: "`\(word)` is no ground")
      }
      grounds.append(ground)
    }
    return (RulePack.Line(channel: channel, purpose: words[1]), grounds)
  }

  private static let channels: [String: CommonV1.Channel] = [
    "email": .email, "sms": .sms, "chat": .chat, "push": .push, "letter": .letter,
    "postcard": .postcard,
  ]
}
