internal import Foundation
internal import Messages

@testable internal import CartTracker

/// Rows of the real shop logs, for tests where they are at hand (beside the project, never in it).
struct ShopLog {
  struct Row {
    enum Kind { case add, remove, purchase }
    let at: Int64
    let user: String
    let item: String
    let kind: Kind
  }

  /// `HOMING_SHOP_LOGS`, else beside the project.
  static let folder =
    ProcessInfo.processInfo.environment["HOMING_SHOP_LOGS"]
    ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../../shared/data").standardizedFileURL.path

  static let isPresent = FileManager.default.fileExists(atPath: folder)

  /// In order of (instant, row); views and favourites left out.
  let rows: [Row]

  init(_ name: String) throws {
    let unzip = Process()
    unzip.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    unzip.arguments = ["gzip", "-dc", "\(Self.folder)/\(name).csv.gz"]
    let output = Pipe()
    unzip.standardOutput = output
    try unzip.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    unzip.waitUntilExit()
    let lines = text.split(whereSeparator: \.isNewline).map {
      $0.split(separator: ",").map(String.init)
    }
    let rows =
      name.hasPrefix("taobao") ? lines.compactMap(Self.taobao) : lines.compactMap(Self.rees)
    self.rows = rows.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }
      .map(\.element)
  }

  private static func taobao(_ fields: [String]) -> Row? {
    let kinds: [String: Row.Kind] = ["cart": .add, "buy": .purchase]
    guard fields.count == 5, let at = Int64(fields[4]), let kind = kinds[fields[3]] else {
      return nil
    }
    return Row(at: at, user: fields[0], item: fields[1], kind: kind)
  }

  private static func rees(_ fields: [String]) -> Row? {
    let kinds: [String: Row.Kind] = [
      "cart": .add, "remove_from_cart": .remove, "purchase": .purchase,
    ]
    guard fields.count >= 5, let kind = kinds[fields[1]] else { return nil }
    let parts = fields[0].prefix(19).split { !$0.isNumber }.compactMap { Int($0) }
    guard parts.count == 6 else { return nil }
    var components = DateComponents()
    components.timeZone = TimeZone(secondsFromGMT: 0)
    (components.year, components.month, components.day) = (parts[0], parts[1], parts[2])
    (components.hour, components.minute, components.second) = (parts[3], parts[4], parts[5])
    let calendar = Calendar(identifier: .gregorian)
    guard let date = calendar.date(from: components) else { return nil }
    return Row(
      at: Int64(date.timeIntervalSince1970), user: fields[4], item: fields[2], kind: kind)
  }
}
