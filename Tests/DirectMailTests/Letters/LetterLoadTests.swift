internal import Foundation
internal import Messages
internal import TestSupport
internal import Testing

@testable internal import DirectMail

/// A night's batch. `HOMING_LETTERS=10000` gives the number of letters; limits hold in release.
@Suite struct LetterLoadTests {
  private static let count =
    ProcessInfo.processInfo.environment["HOMING_LETTERS"].flatMap { Int($0) } ?? 200

  /// Of this thread, in seconds.
  private func processorTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  private func residentBytes() -> Int {
    let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
    return (Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0) * 4096
  }

  private func letter(_ index: Int, _ template: String) -> LetterSamples.Case {
    var letter = LetterSamples.Case(template)
    letter.id = "00000000-0000-4000-8000-" + String(format: "%012d", index)
    letter.address.person = "Frau Dr. Änne Nummer \(index)"
    letter.address.streetLines = ["Große Bleichen \(index % 400 + 1)"]
    letter.address.postalCode = String(format: "%05d", 10_000 + index % 80_000)
    letter.address.company = "Schröder & Söhne \(index) GmbH"
    letter.lines = (0..<3).map { line in
      LetterSamples.line(
        "Artikel \(index % 500) Modell \(line)", Int64(20 + (index + line) % 700), quantity: 2,
        detail: "Ausführung \(index % 90), Eiche")
    }
    return letter
  }

  @Test(
    "D06 A large batch stays small, quick and flat in memory, and every address is in its window")
  func isQuick() throws {
    let template = try LetterSamples.shipped("quote-letter.de")
    let folder = try TemporaryFolder()
    let press = try PagePress(images: nil)
    let run = try press.begin(folder.file("letters.pdf"), .a4FormB, date: LetterSamples.date)
    let group = 64
    var warm = residentBytes()
    let start = processorTime()
    for first in stride(from: 0, to: LetterLoadTests.count, by: group) {
      let letters = (first..<min(first + group, LetterLoadTests.count)).map { letter($0, template) }
      for letter in letters { _ = try run.prepare(letter.order) }
      for letter in letters { _ = try run.draw(letter.id) }
      // Texts that come again are kept up to a limit, which a tenth of a night reaches.
      if first <= LetterLoadTests.count / 10 { warm = residentBytes() }
    }
    let grown = residentBytes() - warm
    #expect(try run.finish() == LetterLoadTests.count)
    let seconds = processorTime() - start
    let path = folder.file("letters.pdf")
    let size = try #require(
      try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
    let perLetter = size / LetterLoadTests.count
    print(
      "letters \(LetterLoadTests.count), processor \(seconds) s, \(perLetter) bytes a letter, "
        + "grown by \(grown) bytes")
    #expect(perLetter < 5 << 10 || LetterLoadTests.count < 200)
    #if !DEBUG
      #expect(seconds / Double(LetterLoadTests.count) <= 25.0 / 10_000)
      #expect(grown < 64 << 20)
    #endif
    try readBack(path)
  }

  /// Each letter bears its number in its window, on a page of its own.
  private func readBack(_ path: String) throws {
    let text = try Tool.run("pdftotext", "-bbox", path, "-")
    var page = -1
    var found = Set<Int>()
    for line in text.utf8.split(separator: 0x0A) {
      if line.starts(with: "  <page".utf8) { page += 1 }
      guard line.starts(with: "    <word".utf8) else { continue }
      // Quotation marks round four numbers: xMin, yMin, xMax, yMax.
      let parts = line.split(separator: 0x22).map { String(decoding: $0, as: UTF8.self) }
      guard parts.count == 9, parts[8] == ">\(page)</word>" else { continue }
      let (top, right, bottom) = (
        Double(parts[3]) ?? 0, Double(parts[5]) ?? 0, Double(parts[7]) ?? 0
      )
      if top >= 62.7.mm - 0.01, bottom <= 90.0.mm, right <= 105.0.mm { found.insert(page) }
    }
    #expect(page == LetterLoadTests.count - 1)
    #expect(found.count == LetterLoadTests.count)
    let fonts = try Tool.run("pdffonts", path).split(separator: "\n").dropFirst(2)
    #expect(fonts.count <= 8)
    #expect(fonts.allSatisfy { $0.contains(" yes yes yes ") })
  }
}
