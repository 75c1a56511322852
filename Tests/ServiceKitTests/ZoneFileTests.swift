@testable internal import ServiceKit
internal import TestSupport
internal import Testing

@Suite struct ZoneFileTests {
  /// A file with one change, from UTC to an hour ahead at an instant, then a rule.
  private func file(
    rule: String = "", change: Int64 = 1000, offset: Int32 = 3600, index: UInt8 = 1,
    version: UInt8 = 0x32, counts: [UInt32] = [0, 0, 0, 1, 2, 4]
  ) -> [UInt8] {
    func header(_ counts: [UInt32]) -> [UInt8] {
      Array("TZif".utf8) + [version] + [UInt8](repeating: 0, count: 15)
        + counts.flatMap { big(UInt64($0), 4) }
    }
    var bytes = header([0, 0, 0, 0, 1, 1]) + [0, 0, 0, 0, 0, 0, 0]
    bytes += header(counts)
    bytes += big(UInt64(bitPattern: change), 8) + [index]
    bytes += [0, 0, 0, 0, 0, 0] + big(UInt64(UInt32(bitPattern: offset)), 4) + [0, 0]
    return bytes + Array("UTC\0\n\(rule)\n".utf8)
  }

  private func big(_ value: UInt64, _ width: Int) -> [UInt8] {
    (0..<width).reversed().map { UInt8(truncatingIfNeeded: value >> UInt64($0 * 8)) }
  }

  @Test("A table is read, and its last offset stays where there is no rule")
  func reads() throws {
    let data = try ZoneFile.parse(file(), "A")
    #expect(data.offset(at: 999) == 0)
    #expect(data.offset(at: 1000) == 3600)
    #expect(data.offset(at: 1 << 40) == 3600)
    #expect(data.instant(ofLocal: 999) == 999)
    // Skipped: an hour on.
    #expect(data.instant(ofLocal: 1000) == 1000)
    #expect(data.instant(ofLocal: 4599) == 4599)
    #expect(data.instant(ofLocal: 4600) == 1000)
  }

  @Test("A file cut short anywhere is refused")
  func cut() {
    let whole = file(rule: "CET-1CEST,M3.5.0,M10.5.0/3")
    for count in 0..<whole.count {
      #expect(throws: TimeError.self) { try ZoneFile.parse(Array(whole[..<count]), "A") }
    }
  }

  @Test("A file that breaks a rule is refused, not believed")
  func broken() {
    let wrong = [
      file(index: 2), file(offset: 100_000), file(offset: .min), file(version: 0),
      file(counts: [0, 0, 1, 1, 2, 4]), file(counts: [0, 0, 0, 1, 0, 4]),
      file(counts: [0, 0, 0, .max, 2, 4]), file(counts: [0, 0, 0, 60_000, 2, 4]),
      file(rule: "no rule"), file(rule: "CET-1CEST"), file(rule: "CET-1CEST,M13.5.0,M10.5.0"),
      file(rule: "CET-1CEST,M3.6.0,M10.5.0"), file(rule: "CET-25"), file(rule: "CE-1"),
      file(rule: "CET-1CEST,J0,J365"), file(rule: "CET-1CEST,366,0"),
      file(rule: "CET-1CEST,M3.5.0/168,M10.5.0"), file(rule: "CET-1CEST,M3.5.0,M10.5.0x"),
      [UInt8](repeating: 0x54, count: 4096), [],
    ]
    for bytes in wrong { #expect(throws: TimeError.self) { try ZoneFile.parse(bytes, "A") } }
  }

  @Test("No change of a byte in a file makes the reader do worse than refuse it")
  func damaged() throws {
    let whole = file(rule: "CET-1CEST,M3.5.0,M10.5.0/3")
    var readable = 0
    for index in whole.indices {
      for byte: UInt8 in [0, 1, 0x2D, 0x39, 0x7F, 0x80, 0xFF] {
        var bytes = whole
        bytes[index] = byte
        guard let data = try? ZoneFile.parse(bytes, "A") else { continue }
        readable += 1
        for seconds: Int64 in [-62_135_596_800, 0, 1_800_000_000, 253_402_300_799] {
          #expect(abs(data.instant(ofLocal: seconds) - seconds) <= ZoneData.offsetMax)
        }
      }
    }
    #expect(readable > 0)
  }

  @Test("A file over the limit is refused unread, as is one that is not there")
  func limits() throws {
    let folder = try TemporaryFolder()
    try folder.write([UInt8](repeating: 0, count: ZoneFile.bytesMax + 1), to: "Huge")
    try folder.write(file(), to: "Good")
    #expect(throws: TimeError.self) { try TimeZoneRules(name: "Huge", folder: folder.path) }
    #expect(throws: TimeError.self) { try TimeZoneRules(name: "None", folder: folder.path) }
    let good = try TimeZoneRules(name: "Good", folder: folder.path)
    #expect(good.offset(at: Instant(seconds: 5000)) == 3600)
  }

  @Test("Each kind of date in a rule names its day")
  func dates() throws {
    func changes(_ rule: String) throws -> [String] {
      let year = Instant.epoch + .seconds(1_830_297_600)  // 2028, a leap year
      return try ZoneRule(parsing: Array(rule.utf8)).changes(
        after: year.seconds, upTo: year.seconds + 366 * 86_400 - 1
      ).map { Instant(seconds: $0.at).description }
    }
    #expect(
      try changes("CET-1CEST,M3.5.0,M10.5.0/3") == ["2028-03-26T01:00:00Z", "2028-10-29T01:00:00Z"])
    #expect(
      try changes("<A+0>0<B+1>,J60/0,J61/1") == ["2028-03-01T00:00:00Z", "2028-03-02T00:00:00Z"])
    #expect(
      try changes("<A+0>0<B+1>,59/0,60/1") == ["2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z"])
    #expect(
      try changes("<-02>2<-01>,M3.5.0/-1,M10.5.0/0")
        == ["2028-03-26T01:00:00Z", "2028-10-29T01:00:00Z"])
    #expect(
      try changes("IST-1GMT0,M10.5.0,M3.5.0/1") == ["2028-03-26T01:00:00Z", "2028-10-29T01:00:00Z"])
  }

  @Test("Summer time that lasts all year never ends")
  func allYear() throws {
    let rule = try ZoneRule(parsing: Array("EST5EDT,0/0,J365/25".utf8))
    for day in 0..<800 {
      #expect(rule.offset(at: 1_800_000_000 + Int64(day) * 86_400) == -14_400)
    }
    #expect(rule.offset(at: 1_830_297_600 + 18_000) == -14_400)
  }
}
