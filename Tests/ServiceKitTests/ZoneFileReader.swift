internal import Foundation
internal import TestSupport
internal import Testing

/// Another reader of the machine's zone files: Python's `zoneinfo`. Foundation carries zones of its
/// own, which are other ones as soon as a government changes its mind.
enum ZoneFileReader {
  private static let script = """
    import sys
    from datetime import datetime, timedelta, timezone
    from zoneinfo import ZoneInfo
    zone = ZoneInfo(sys.argv[1])
    start = datetime(1970, 1, 1, tzinfo=timezone.utc)
    for line in sys.stdin:
        at = (start + timedelta(seconds=int(line))).astimezone(zone)
        print(int(at.utcoffset().total_seconds()))
    """

  /// Seconds east of Greenwich at each instant, in seconds since 1970.
  static func offsets(of zone: String, at instants: [Int64]) throws -> [Int] {
    let folder = try TemporaryFolder()
    let input = URL(filePath: folder.path + "/instants")
    try instants.map(String.init).joined(separator: "\n")
      .write(to: input, atomically: false, encoding: .utf8)
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", "-c", script, zone]
    process.standardInput = try FileHandle(forReadingFrom: input)
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
    let offsets = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
      .compactMap { Int($0) }
    try #require(offsets.count == instants.count)
    return offsets
  }
}
