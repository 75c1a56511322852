internal import Foundation
internal import Messages
internal import Synchronization
internal import Testing

@testable internal import Homing

/// The real logs of `../shared/data` through the driver and the plain rule of `FakeTracker`.
@Suite struct RealLogTests {
  /// One line of the table in the data's README.
  struct Expected: Sendable, CustomTestStringConvertible {
    let file: String
    let window: Int
    /// carts, episodes, abandoned, reopened, recovered, purchased, emptied, open.
    let counts: [UInt64]
    let digest: String
    var testDescription: String { "\(file), \(window) s" }
  }

  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../../../shared/data").standardizedFileURL

  static let isPresent = FileManager.default.fileExists(
    atPath: folder.appendingPathComponent("README.md").path)

  /// Read from the README, so that nothing is copied here.
  static let expected: [Expected] = {
    let readme = try? String(
      contentsOf: folder.appendingPathComponent("README.md"), encoding: .utf8)
    return (readme ?? "").split(separator: "\n").compactMap { line -> Expected? in
      let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      guard cells.count == 11, let window = Int(cells[1]) else { return nil }
      return Expected(
        file: cells[0] + ".csv.gz", window: window, counts: cells[2...9].compactMap { UInt64($0) },
        digest: cells[10])
    }
  }()

  @Test(
    "C14 Each real log gives the counts and the digest of the README",
    .enabled(if: isPresent, "needs ../shared/data"), arguments: expected)
  func counts(_ expected: Expected) async throws {
    let preset = expected.file.hasPrefix("taobao") ? "taobao" : "rees46"
    let file = ReplayFile(
      path: Self.folder.appendingPathComponent(expected.file).path,
      format: try ReplayFormat.preset(preset), store: "replay", currency: "EUR")
    let survey = try await BlockingWork.run { try file.survey() }
    #expect(survey.refusedCount == 0)
    let tracker = FakeTracker()
    let plan = ReplayPlan(
      stores: survey.stores,
      settings: ReplaySettings(
        window: .init(length: .span(.init(.seconds(expected.window)))), lateness: .zero,
        viewsAreActivity: false, timeZone: "UTC"),
      firstAt: survey.firstAt, lastAt: survey.lastAt, idPrefix: survey.idPrefix)
    let rows = try await FileRows(file, survey)
    var driver = ReplayDriver(tracker, plan, rows, pause: { _ in })
    let progress = try await driver.run()
    #expect(progress.sentCount == survey.rowCount)
    #expect(tracker.state.withLock { $0.violations } == [])
    let counts = try await ReplayCounts.read(tracker, survey, progress)
    #expect(
      [
        counts.carts, counts.episodes, counts.abandonedCarts, counts.reopened, counts.recovered,
        counts.purchased, counts.emptied, counts.openAtEnd,
      ] == expected.counts)
    #expect(counts.digest == expected.digest)
  }

  @Test("The table of the README is found", .enabled(if: isPresent, "needs ../shared/data"))
  func table() {
    #expect(Self.expected.count == 12)
    #expect(Self.expected.allSatisfy { $0.counts.count == 8 && $0.digest.count == 16 })
  }
}
