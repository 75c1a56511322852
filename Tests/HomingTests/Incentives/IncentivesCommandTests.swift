internal import ArgumentParser
internal import Foundation
internal import Messages
internal import Stubs
internal import Testing
internal import Wire

@testable internal import Homing
@testable internal import Transport

@Suite struct IncentivesCommandTests {
  private typealias Methods = SchedulerV1.IncentivesMethods

  private let channel = TrackerChannel()
  private let printed = PrintedLines()
  private var caller: SchedulerCaller { SchedulerCaller(channel, timeout: .seconds(1)) }
  private let common = ["here:1", "--store", "shop"]

  private func put(_ arguments: String...) async throws -> SchedulerV1.IncentiveTerms? {
    channel.answer(Methods.putIncentive) { (request: SchedulerV1.PutIncentiveRequest) in
      SchedulerV1.Incentive(store: "shop", terms: request.terms, revision: 1)
    }
    let command = try IncentivesPutCommand.parse(common + ["ten"] + arguments)
    try await command.put(caller) { printed.add($0) }
    let requests: [SchedulerV1.PutIncentiveRequest] = try channel.requests(Methods.putIncentive)
    return requests.last?.terms
  }

  private func answerAbsent() {
    channel.answer(Methods.getIncentive) {
      (_: SchedulerV1.GetIncentiveRequest) -> SchedulerV1.Incentive in
      throw RPCError(.notFound, "no such incentive")
    }
  }

  private static func euros(_ units: Int64) -> CommonV1.Money {
    .init(currencyCode: "EUR", units: units)
  }

  @Test("M11 An incentive is made from the options, and shown")
  func new() async throws {
    answerAbsent()
    let terms = try await put(
      "--gift", "12.5%", "--codes", "generated", "--valid-for", "14d", "--budget", "500 EUR",
      "--minimum", "50 EUR", "--limit", "30d", "--until", "2026-12-24")
    #expect(
      terms
        == .init(
          name: "ten", gift: .init(kind: .percentage, basisPoints: 1250), codes: .generated,
          validUntil: .init(seconds: 1_798_070_400), codeValidFor: .init(.seconds(14 * 86_400)),
          budgets: [Self.euros(500)], minimums: [Self.euros(50)],
          limitPeriod: .init(.seconds(30 * 86_400))))
    #expect(printed.lines.count == 2 && printed.lines[1].hasPrefix("ten        12.5 %"))
  }

  @Test("M11 Of an incentive that is there only what the options name is changed")
  func change() async throws {
    let present = SchedulerV1.IncentiveTerms(
      name: "ten", gift: .init(kind: .amount, code: "SAVE10", amount: Self.euros(10)),
      codes: .fixed, budgets: [Self.euros(100)])
    channel.answer(Methods.getIncentive) { (_: SchedulerV1.GetIncentiveRequest) in
      SchedulerV1.Incentive(store: "shop", terms: present, revision: 3)
    }
    var expected = present
    expected.closed = true
    #expect(try await put("--closed", "on") == expected)
    expected = present
    expected.gift?.amount = Self.euros(5)
    expected.budgets = []
    #expect(try await put("--gift", "5 EUR", "--budget", "none") == expected)
  }

  @Test(
    "M11 Every gift is told from its words, and what is none is refused",
    arguments: [
      ("free shipping", CommonV1.Incentive.Kind.freeShipping), ("200 points", .loyaltyPoints),
      ("sample:SKU-1", .sample), ("resource:https://shop.example/g.pdf", .resource),
      ("0.01%", .percentage), ("5.50 EUR", .amount),
    ])
  func gifts(text: String, kind: CommonV1.Incentive.Kind) throws {
    #expect(GiftText.gift(text)?.kind == kind)
    for wrong in ["101%", "-1%", "0.001%", "five EUR", "5 Euro", "points", ""] {
      #expect(GiftText.gift(wrong) == nil, "\(wrong)")
    }
  }

  @Test("M11 Refused codes are told by the lines of the file, over calls")
  func upload() async throws {
    channel.answer(Methods.uploadCodes) { (request: SchedulerV1.UploadCodesRequest) in
      SchedulerV1.UploadCodesResponse(
        added: UInt32(request.codes.count) - 1,
        refused: [.init(line: UInt32(request.codes.count), problem: "stands in line 1 too")])
    }
    let folder = try TemporaryFolder.make()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let file = folder + "/codes.csv"
    let count = IncentivesUploadCommand.batchSize + 2
    let text = "code\r\n\n" + (0..<count).map { "\"C\($0)\";x\n" }.joined()
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    let command = try IncentivesUploadCommand.parse(common + ["ten", file])
    try await command.upload(caller) { printed.add($0) }
    let requests: [SchedulerV1.UploadCodesRequest] = try channel.requests(Methods.uploadCodes)
    #expect(requests.map(\.codes.count) == [IncentivesUploadCommand.batchSize, 2])
    #expect(requests.first?.codes.first == "C0" && requests.last?.codes == ["C5000", "C5001"])
    #expect(
      printed.lines == [
        "line 5002: stands in line 3 too", "line 5004: stands in line 5003 too",
        "5000 added, 2 refused",
      ])
  }

  @Test("M12 A code that holds ends with 0 and its worth, a refused one with 3 and the reason")
  func redeem() async throws {
    channel.answer(Methods.redeem) { (request: SchedulerV1.RedeemRequest) in
      request.code == "GOOD"
        ? SchedulerV1.RedeemResponse(value: Self.euros(9), incentive: "ten")
        : SchedulerV1.RedeemResponse(refusal: .expired)
    }
    let order = ["--order", "o1", "--total", "99.90 EUR", "--contact", "ann", "--check"]
    try await IncentivesRedeemCommand.parse(common + ["GOOD"] + order)
      .redeem(caller) { printed.add($0) }
    let end = await #expect(throws: ExitCode.self) {
      try await IncentivesRedeemCommand.parse(common + ["OLD"] + order)
        .redeem(caller) { printed.add($0) }
    }
    #expect(end?.rawValue == 3)
    #expect(printed.lines == ["holds: ten worth 9.00 EUR", "refused: the code has expired"])
    let requests: [SchedulerV1.RedeemRequest] = try channel.requests(Methods.redeem)
    let total = CommonV1.Money(currencyCode: "EUR", units: 99, nanos: 900_000_000)
    #expect(
      requests.first
        == .init(
          store: "shop", code: "GOOD", order: "o1", contact: "ann", total: total, checkOnly: true))
  }

  @Test("M12 A redemption is taken back and a code ended, each with its key")
  func end() async throws {
    channel.answer(Methods.reverseRedemption) { (_: SchedulerV1.ReverseRedemptionRequest) in
      SchedulerV1.ReverseRedemptionResponse(holds: true)
    }
    channel.answer(Methods.voidCode) { (_: SchedulerV1.VoidCodeRequest) in
      SchedulerV1.VoidCodeResponse()
    }
    let key = ["--idempotency-key", "k"]
    try await IncentivesReverseCommand.parse(common + ["GOOD", "--order", "o1"] + key)
      .reverse(caller) { printed.add($0) }
    try await IncentivesVoidCommand.parse(common + ["GOOD", "--contact", "ann"] + key)
      .void(caller) { printed.add($0) }
    let back: [SchedulerV1.ReverseRedemptionRequest] = try channel.requests(
      Methods.reverseRedemption)
    let ended: [SchedulerV1.VoidCodeRequest] = try channel.requests(Methods.voidCode)
    #expect(back == [.init(store: "shop", idempotencyKey: "k", code: "GOOD", order: "o1")])
    #expect(
      ended == [.init(store: "shop", idempotencyKey: "k", code: "GOOD", contact: "ann")])
    #expect(printed.lines == ["taken back: the code holds again", "void"])
  }
}
