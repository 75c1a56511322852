/// The name a person most likely meant.
package enum NearestName {
  /// The candidate that takes the fewest changed letters, nil where even that is too far off.
  package static func of(_ name: String, in candidates: [String]) -> String? {
    let wanted = Array(name.lowercased().utf8)
    guard wanted.count <= 256 else { return nil }
    let limit = max(2, wanted.count / 3)
    var best: (name: String, distance: Int)?
    for candidate in candidates {
      let distance = distance(wanted, Array(candidate.lowercased().utf8))
      if distance <= limit && distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.name
  }

  /// `; did you mean "x"?`, or where nothing is near and there are few: what there is.
  package static func hint(for name: String, in candidates: [String]) -> String {
    if let nearest = of(name, in: candidates) { return "; did you mean \"\(nearest)\"?" }
    if candidates.isEmpty { return "; there are none" }
    if candidates.count > 12 { return "" }
    return "; there are: " + candidates.joined(separator: ", ")
  }

  /// Letters to insert, remove or replace (Levenshtein).
  private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
    var row = Array(0...b.count)
    for (i, byteA) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, byteB) in b.enumerated() {
        let replaced = diagonal + (byteA == byteB ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
      }
    }
    return row[b.count]
  }
}
