package import Messages
package import ServiceKit

/// The zones that an address may lie in, by country, region and postal code (F20): read from
/// `country-zones.txt`, which says how.
package struct CountryZones: Sendable {
  private struct Line: Sendable {
    let zones: [TimeZoneRules]
    let regions: Set<String>
    /// Of one size each.
    let postal: [ClosedRange<String>]

    var isWholeCountry: Bool { regions.isEmpty && postal.isEmpty }

    func holds(_ code: String) -> Bool {
      postal.contains { $0.contains(String(code.prefix($0.lowerBound.count))) }
    }
  }

  /// What is wrong with a text, by its line, from 1.
  package struct Fault: Error, Equatable {
    package let line: Int
    package let problem: String

    package init(line: Int, problem: String) {
      self.line = line
      self.problem = problem
    }
  }

  private var lines: [String: [Line]] = [:]

  /// Those that come with the services.
  package static let shipped: CountryZones = {
    do {
      return try CountryZones(
        parsing: String(decoding: PackageResources.country_zones_txt, as: UTF8.self))
    } catch { preconditionFailure("the zones that come with the services: \(error)") }
  }()

  /// - Throws: for a zone that this machine has no file of, too.
  package init(parsing text: String) throws(Fault) {
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      let words = line.split(separator: " ").map(String.init)
      guard let country = words.first, !country.hasPrefix("#") else { continue }
      guard words.count > 1 else { throw Fault(line: index + 1, problem: "names no zone") }
      do {
        lines[country, default: []].append(try CountryZones.line(words.dropFirst()))
      } catch { throw Fault(line: index + 1, problem: "\(error)") }
    }
  }

  private static func line(_ words: ArraySlice<String>) throws -> Line {
    let zones = try words.prefix(1).joined().split(separator: ",").map {
      try TimeZoneRules(name: String($0))
    }
    let postal = try words.dropFirst().filter { $0.hasPrefix("@") }.map { word in
      let ends = word.dropFirst().split(separator: "-").map(String.init)
      guard let first = ends.first, let last = ends.last, ends.count <= 2,
        first.count == last.count, first <= last
      else { throw TimeError("\(word) is no postal code and no range of them") }
      return first...last
    }
    return Line(
      zones: zones, regions: Set(words.dropFirst().filter { !$0.hasPrefix("@") }), postal: postal)
  }

  /// The zones that an address may lie in, the principal one first; empty for a country that is not
  /// known.
  package func zones(of address: CommonV1.Address) -> [TimeZoneRules] {
    guard let lines = lines[address.countryCode] else { return [] }
    let region = CountryZones.folded(address.region, in: address.countryCode)
    if let line = lines.first(where: { $0.isWholeCountry || $0.regions.contains(region) }) {
      return line.zones
    }
    let code = address.postalCode.uppercased().filter { $0 != " " }
    if !code.isEmpty, let line = lines.first(where: { $0.holds(code) }) { return line.zones }
    var all: [TimeZoneRules] = []
    for zone in lines.flatMap(\.zones) where !all.contains(where: { $0.name == zone.name }) {
      all.append(zone)
    }
    return all
  }

  /// `US-NY` and `ny` are `NY`.
  private static func folded(_ region: String, in country: String) -> String {
    let upper = region.uppercased().filter { $0 != " " && $0 != "." }
    return upper.hasPrefix(country + "-") ? String(upper.dropFirst(country.count + 1)) : upper
  }
}
