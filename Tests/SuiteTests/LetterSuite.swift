internal import Foundation
internal import Messages
internal import Stubs
internal import TestSupport
internal import Transport
internal import Wire

/// What journeys with letters do again and again.
extension ServiceSuite {
  /// A letter once a cart is abandoned, an e-mail where there can be none and five days after.
  static let letterFlow = """
    flow: letter-and-mail
    start: cart abandoned
    steps:
      - send letter:
          template: cart-letter
          expires: 7 days
          if not sent:
            - go to: mail
        name: letter
      - pause: 5 days
      - send e-mail: { template: cart-reminder, expires: 4 days }
        name: mail
    """
  /// 16:00 in Berlin of the first morning, when its batch closes.
  static let cutOff = TrackerProcess.morning + 6 * hour

  /// All services and a shop with the flow.
  static func withLetters() async throws -> ServiceSuite {
    let suite = try ServiceSuite()
    try await suite.start()
    try await suite.openShop(flow: letterFlow)
    return suite
  }

  /// A contact who can be reached by post and by e-mail, and a cart of theirs.
  func meetByPost(
    _ contact: String, postalCode: String = "20354", cart: String = "c1", at second: Int64
  ) async throws {
    let at = Protobuf.Timestamp(seconds: second)
    let profile = CartTrackerV1.ContactProfile(
      givenName: "Änne", familyName: "Ó Súilleabháin \(contact)", locale: "de",
      destinations: [
        .init(channel: .email, address: "\(contact)@replay.invalid", confirmedAt: at)
      ],
      address: .init(
        countryCode: "DE", person: "Änne Ó Súilleabháin \(contact)",
        streetLines: ["Große Bleichen 1"], postalCode: postalCode, locality: "Hamburg"),
      consents: [
        .init(channel: .email, purpose: "recovery", source: "test", givenAt: at, confirmedAt: at)
      ])
    try await record([
      Make.event(
        "meet-\(contact)", second, contact: contact, .contactUpserted(.init(profile: profile))),
      Make.event("add-\(contact)", second, contact: contact, cart: cart, Make.add("A")),
    ])
  }

  func buy(_ contact: String, cart: String = "c1", at second: Int64) async throws {
    try await run(to: second)
    try await record([
      Make.event(
        "buy-\(contact)-\(cart)", second, contact: contact, cart: cart,
        .purchase(.init(order: "o-\(contact)")))
    ])
    try await settle()
  }

  /// What direct-mail knows of a contact's letters, oldest first.
  func pieces(of contact: String = "") async throws -> [DirectMailV1.MailPiece] {
    try await letters.listMailPieces(
      .init(store: "shop", page: .init(limit: 1000), contact: contact)
    ).pieces.reversed()
  }

  /// The folders of what was handed over for printing.
  var printRuns: [URL] {
    let folder = URL(fileURLWithPath: letterFolder)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.sorted().map { folder.appendingPathComponent($0) }
  }

  /// The text of all that was handed over.
  func printed() throws -> String {
    try printRuns.map {
      try Self.output("pdftotext", $0.appendingPathComponent("letters.pdf").path, "-")
    }.joined()
  }

  /// What the codes of a print run's pages say, as a phone reads them.
  func scanned(_ run: URL) throws -> [String] {
    let pictures = try TemporaryFolder()
    let pages = pictures.file("page")
    _ = try Self.output(
      "pdftoppm", "-r", "300", "-gray", "-png", run.appendingPathComponent("letters.pdf").path,
      pages)
    let files = try FileManager.default.contentsOfDirectory(atPath: pictures.path).sorted()
    return try files.flatMap { file in
      try Self.output("zbarimg", "--quiet", "--raw", pictures.file(file))
        .split(whereSeparator: \.isNewline).map(String.init)
    }
  }

  private static func output(_ tool: String, _ arguments: String...) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [tool] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(what: "\(tool) ended with \(process.terminationStatus)")
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
