internal import ArgumentParser
internal import Foundation
internal import Messages
internal import Stubs
internal import Testing
internal import Wire

@testable internal import Homing
@testable internal import Transport

@Suite struct LettersCommandTests {
  private typealias Methods = DirectMailV1.DirectMailMethods
  private static let at = ["here:1", "--store", "shop"]

  private let channel = TrackerChannel()
  private let printed = PrintedLines()
  private var caller: LetterCaller { LetterCaller(channel, timeout: .seconds(1)) }

  private static func piece(_ id: String) -> DirectMailV1.MailPiece {
    DirectMailV1.MailPiece(
      order: .init(
        id: id, store: "shop", channel: .letter, contact: "c1",
        anchor: .init(at: .init(seconds: 1_780_000_000)), enrolment: "e1", flow: "b2b",
        flowVersion: 2, step: "letter", template: "cart-letter",
        dueAt: .init(seconds: 1_780_000_000), expiresAt: .init(seconds: 1_790_000_000), mode: .test
      ),
      state: .failed, reason: .badDestination, field: "postal_code", format: .a4FormB,
      addressLines: ["Ann\u{1b}[2J", "Weg 1"], templateVersion: 3, locale: "de",
      cutOffAt: .init(seconds: 1_780_003_600), batch: "b1", firstPage: 4, pages: 2,
      cost: .init(currencyCode: "EUR", units: 0, nanos: 850_000_000),
      takenAt: .init(seconds: 1_780_000_000),
      history: [
        .init(state: .accepted, at: .init(seconds: 1_780_000_000)),
        .init(state: .failed, at: .init(seconds: 1_780_003_600), note: "no such code"),
      ])
  }

  @Test("D07 Letters are listed page by page with what the query asks")
  func list() async throws {
    channel.answer(Methods.listMailPieces) { (request: DirectMailV1.ListMailPiecesRequest) in
      request.page?.after == ""
        ? DirectMailV1.ListMailPiecesResponse(pieces: [Self.piece("m1")], next: "n")
        : DirectMailV1.ListMailPiecesResponse(pieces: [Self.piece("m2")])
    }
    let command = try LettersListCommand.parse(
      Self.at + ["--state", "failed,in-transit", "--reason", "bad-destination", "--batch", "b1"])
    try await command.list(caller) { printed.add($0) }
    #expect(printed.lines.count == 3)
    #expect(
      printed.lines[1].hasPrefix("2026-05-28T20:26:40Z  failed  bad_destination (postal_code)"))
    #expect(printed.lines[1].contains("0.85 EUR"))
    #expect(printed.lines[2].hasSuffix("m2"))
    let requests: [DirectMailV1.ListMailPiecesRequest] = try channel.requests(
      Methods.listMailPieces)
    #expect(requests[0].states == [.failed, .inTransit])
    #expect(requests[0].reasons == [.badDestination])
    #expect(requests[0].batch == "b1")
  }

  @Test("D04 D07 One letter is shown with its address, its pages and its history")
  func show() async throws {
    channel.answer(Methods.getMailPiece) { (_: DirectMailV1.GetMailPieceRequest) in
      Self.piece("m1")
    }
    try await LettersShowCommand.parse(Self.at + ["--piece", "m1"]).show(caller) {
      printed.add($0)
    }
    for text in [
      "address    Ann\\u{1b}[2J / Weg 1", "pages      4–5", "template   cart-letter version 3",
      "2026-05-28T21:26:40Z  failed    no such code",
    ] { #expect(printed.text.contains(text), "\(text)") }
  }

  private static let batch = DirectMailV1.Batch(
    id: "b1", store: "shop", format: .a4FormB, cutOffAt: .init(seconds: 1_780_003_600),
    state: .submitted, pieces: 2, pages: 3,
    cost: [.init(currencyCode: "EUR", units: 1, nanos: 700_000_000)],
    checksum: [1, 2, 3], sizeBytes: 4, destination: "/letters/x", sample: true)

  @Test("D06 Batches are listed, and one is closed before its cut-off")
  func batches() async throws {
    channel.answer(Methods.listBatches) { (_: DirectMailV1.ListBatchesRequest) in
      DirectMailV1.ListBatchesResponse(batches: [Self.batch])
    }
    channel.answer(Methods.closeBatch) { (_: DirectMailV1.CloseBatchRequest) in Self.batch }
    try await LettersBatchesCommand.parse(Self.at + ["--state", "open,submitted"]).list(caller) {
      printed.add($0)
    }
    #expect(
      printed.lines.last
        == "2026-05-28T21:26:40Z  submitted  a4_form_b        2      3  1.70 EUR  yes     b1     "
        + "/letters/x")
    try await LettersCloseCommand.parse(
      Self.at + ["--batch", "b1", "--idempotency-key", "k"]
    ).close(caller) { printed.add($0) }
    let requests: [DirectMailV1.CloseBatchRequest] = try channel.requests(Methods.closeBatch)
    #expect(requests.map(\.idempotencyKey) == ["k"])
    #expect(printed.text.contains("destination  /letters/x"))
  }

  @Test("D06 A batch is written as it came, and refused where its checksum is another")
  func fetch() async throws {
    channel.answer(Methods.getBatch) { (_: DirectMailV1.GetBatchRequest) in Self.batch }
    try channel.stream(
      Methods.fetchBatch,
      [DirectMailV1.Chunk(data: Array("%P".utf8)), .init(data: Array("DF".utf8))])
    let folder = try TemporaryFolder.make()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let command = try LettersFetchCommand.parse(
      Self.at + ["--batch", "b1", "--out", folder + "/new"])
    let error = await #expect(throws: CommandError.self) {
      try await command.fetch(caller) { printed.add($0) }
    }
    #expect(error?.message.hasSuffix("has not the checksum of the batch") == true)
    var right = Self.batch
    right.checksum = Self.digest
    let answer = right
    let other = TrackerChannel()
    other.answer(Methods.getBatch) { (_: DirectMailV1.GetBatchRequest) in answer }
    try other.stream(Methods.fetchBatch, [DirectMailV1.Chunk(data: Array("%PDF".utf8))])
    try await command.fetch(LetterCaller(other, timeout: nil)) { printed.add($0) }
    let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/new").sorted()
    #expect(names == ["letters.pdf", "manifest.csv", "manifest.json"])
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: folder + "/new/letters.pdf")) == Data("%PDF".utf8))
    let requests: [DirectMailV1.FetchBatchRequest] = try other.requests(Methods.fetchBatch)
    #expect(requests.map(\.file) == [.pdf, .manifestCSV, .manifestJSON])
  }

  /// SHA-256 of `%PDF`.
  private static let digest: [UInt8] = [
    0x31, 0x5D, 0x42, 0x9B, 0x77, 0x14, 0xCE, 0xDB, 0x6A, 0xD0, 0x4A, 0xC3, 0x12, 0x40, 0x14, 0x52,
    0x57, 0x69, 0x26, 0x30, 0x45, 0x7F, 0x3C, 0x88, 0x25, 0x3C, 0x5B, 0xEC, 0xEA, 0xC7, 0x60, 0x27,
  ]

  @Test("D08 Budgets are shown, and a limit that is not named stays as it is")
  func budget() async throws {
    let euro: (Int64) -> CommonV1.Money = { .init(currencyCode: "EUR", units: $0) }
    channel.answer(Methods.listBudgets) { (_: DirectMailV1.ListBudgetsRequest) in
      DirectMailV1.ListBudgetsResponse(budgets: [
        .init(
          daily: .init(currencyCode: "EUR", units: 50), spentToday: .init(currencyCode: "EUR"),
          spent: .init(currencyCode: "EUR", units: 7))
      ])
    }
    channel.answer(Methods.setBudget) { (request: DirectMailV1.SetBudgetRequest) in
      DirectMailV1.Budget(
        daily: request.daily, total: request.total, spentToday: .init(currencyCode: "EUR"),
        spent: .init(currencyCode: "EUR"))
    }
    try await LettersBudgetCommand.parse(Self.at).budget(caller) { printed.add($0) }
    #expect(
      printed.lines.last
        == "EUR         50.00 EUR     0.00 EUR          none      7.00 EUR           none")
    for options in [["--total", "200"], ["--daily", "none"]] {
      try await LettersBudgetCommand.parse(Self.at + ["--currency", "EUR"] + options)
        .budget(caller) { printed.add($0) }
    }
    let requests: [DirectMailV1.SetBudgetRequest] = try channel.requests(Methods.setBudget)
    #expect(requests.map(\.daily) == [euro(50), nil])
    #expect(requests.map(\.total) == [euro(200), nil])
    #expect(throws: (any Error).self) {
      try LettersBudgetCommand.parse(Self.at + ["--daily", "5"])
    }
    let wrong = try LettersBudgetCommand.parse(
      Self.at + ["--currency", "EUR", "--daily", "5 EUR"])
    await #expect(throws: CommandError.self) { try await wrong.budget(caller) { _ in } }
  }

  @Test("D10 Objections are listed and added, of a person or an address")
  func objections() async throws {
    channel.answer(Methods.listObjections) { (_: DirectMailV1.ListObjectionsRequest) in
      DirectMailV1.ListObjectionsResponse(objections: [
        .init(
          contact: "c1",
          address: .init(
            countryCode: "DE", streetLines: ["Weg 1"], postalCode: "12345", locality: "Köln"),
          cause: .person, since: .init(seconds: 1_780_000_000), evidence: "a call")
      ])
    }
    channel.answer(Methods.putObjections) { (_: DirectMailV1.PutObjectionsRequest) in
      DirectMailV1.PutObjectionsResponse(added: 1, withdrawn: 2)
    }
    try await LettersObjectionsListCommand.parse(Self.at).list(caller) { printed.add($0) }
    #expect(
      printed.lines.last
        == "2026-05-28T20:26:40Z  person  c1       Weg 1, 12345 Köln, DE  a call")
    let add = try LettersObjectionsAddCommand.parse(
      Self.at + ["--address", "Weg 1; 12345 Köln; DE", "--evidence", "a call"])
    try await add.add(caller) { printed.add($0) }
    #expect(printed.lines.last == "the objection kept; 2 letters are withdrawn")
    let requests: [DirectMailV1.PutObjectionsRequest] = try channel.requests(
      Methods.putObjections)
    #expect(requests[0].objections[0].address?.locality == "Köln")
    #expect(requests[0].objections[0].cause == .person)
    #expect(throws: (any Error).self) { try LettersObjectionsAddCommand.parse(Self.at) }
  }

  @Test("A letters' folder has a link to each batch's document")
  func links() throws {
    let folder = try TemporaryFolder.make()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let files = FileManager.default
    for name in ["a", "b", ".c.new"] {
      try files.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: false)
    }
    try Data("%PDF".utf8).write(to: URL(fileURLWithPath: folder + "/a/letters.pdf"))
    try LetterLinks.make(in: folder)
    try LetterLinks.make(in: folder)
    try LetterLinks.make(in: folder + "/none")
    #expect(
      try files.contentsOfDirectory(atPath: folder).sorted() == [".c.new", "a", "a.pdf", "b"])
    #expect(try files.destinationOfSymbolicLink(atPath: folder + "/a.pdf") == "a/letters.pdf")
  }
}
