internal import Messages
internal import ServiceKit
internal import Storage
internal import TestSupport
internal import Testing

@testable internal import Scheduler

@Suite struct RedemptionTests {
  private static let day = SchedulerFixture.day
  private typealias Refusal = SchedulerV1.RedeemResponse.Refusal

  /// Ann has a code for cart c1.
  private static func fixture(
    _ change: (inout SchedulerV1.IncentiveTerms) -> Void = { _ in }
  ) throws -> (SchedulerFixture, code: String) {
    let fixture = try SchedulerFixture()
    var terms = SchedulerFixture.terms()
    change(&terms)
    try fixture.put(terms)
    if terms.codes == .pool { _ = try fixture.upload(["AB-12", "CD-34"]) }
    try fixture.apply(SchedulerFixture.giving)
    try fixture.abandon("ann")
    let order = try #require(try fixture.orders.first)
    try fixture.tell(.handedOver, of: order)
    return (fixture, order.incentive?.code ?? "")
  }

  @Test("M12 Redeem answers yes, or the one reason why not", arguments: [false, true])
  func table(isFixed: Bool) throws {
    let (fixture, code) = try Self.fixture { terms in
      guard isFixed else { return }
      terms.codes = .fixed
      terms.gift?.code = "SAVE10"
    }
    func ask(
      _ code: String, _ contact: String = "ann", cart: String = "", order: String = "o1"
    ) throws -> SchedulerV1.RedeemResponse.Refusal {
      try fixture.redeem(code, order: order, contact: contact, cart: cart).refusal
    }
    #expect(try ask("NOPE-NOPE-NOPE") == .unknown)
    #expect(try ask("no code: ß") == .unknown)
    #expect(try ask(code, "bob") == .wrongPersonOrCart)
    #expect(try ask(code, "ann", cart: "c2") == .wrongPersonOrCart)
    #expect(try ask(code, "", cart: "c2") == .wrongPersonOrCart)
    #expect(try fixture.redeem(code, order: "o1", checkOnly: true).refusal == .unspecified)
    #expect(try fixture.incentive().counted == [0, 1, 0])
    #expect(try ask(code.lowercased().replacing("-", with: " "), "", cart: "c1") == .unspecified)
    #expect(try fixture.incentive().counted == [0, 0, 1])
    // The order is known: the same answer whatever else is said.
    let again = try fixture.redeem(code, order: "o1", euros: 5)
    #expect(again.refusal == .unspecified && again.value?.units == 10)
    #expect(try ask(code, order: "o2") == .redeemed)
    #expect(try fixture.incentive().counted == [0, 0, 1])
  }

  @Test("M12 A code expires at the very microsecond, whatever has been swept")
  func expiry() throws {
    let (fixture, code) = try Self.fixture()
    try fixture.advance(to: SchedulerFixture.start + 30 * Self.day - 1)
    #expect(try fixture.redeem(code, checkOnly: true).refusal == .unspecified)
    try fixture.advance(by: 1)
    #expect(try fixture.redeem(code).refusal == .expired)
    try fixture.endIncentives()
    #expect(try fixture.redeem(code).refusal == .expired)
    #expect(try fixture.given().map(\.state) == [.expired])
    #expect(try fixture.incentive().counted == [0, 0, 0])
  }

  @Test("M12 The incentive's own end ends its codes, and terms changed later change none given")
  func ends() throws {
    let (fixture, code) = try Self.fixture()
    var terms = SchedulerFixture.terms()
    terms.gift?.basisPoints = 5000
    try fixture.put(terms)
    #expect(try fixture.redeem(code, checkOnly: true).value?.units == 10)
    terms.validUntil = Micros.timestamp(fixture.now)
    try fixture.put(terms)
    #expect(try fixture.redeem(code).refusal == .expired)
  }

  @Test("M12 An order below the minimum, or in another currency, is refused")
  func minimum() throws {
    let (fixture, code) = try Self.fixture {
      $0.minimums = [.init(currencyCode: "EUR", units: 50)]
      $0.valueMax = [.init(currencyCode: "EUR", units: 15)]
    }
    #expect(try fixture.redeem(code, euros: 49).refusal == .minimum)
    #expect(try fixture.redeem(code, euros: 500, currency: "CHF").refusal == .minimum)
    #expect(try fixture.redeem(code, euros: 500).value?.units == 15)
  }

  @Test("M12 An amount is never worth more than the order")
  func amount() throws {
    let (fixture, code) = try Self.fixture {
      $0.gift = .init(kind: .amount, amount: .init(currencyCode: "EUR", units: 20))
    }
    #expect(try fixture.redeem(code, euros: 15, checkOnly: true).value?.units == 15)
    #expect(try fixture.redeem(code, euros: 50).value?.units == 20)
  }

  @Test("M12 A cancellation gives the code back until it expires; a repeat changes nothing")
  func reversal() throws {
    let (fixture, code) = try Self.fixture()
    #expect(throws: (any Error).self) { try fixture.reverse(code) }
    #expect(try fixture.redeem(code).refusal == .unspecified)
    #expect(try fixture.reverse(code))
    #expect(try fixture.reverse(code))
    #expect(try fixture.incentive().counted == [0, 1, 0])
    #expect(try fixture.redeem(code, order: "o2").refusal == .unspecified)
    #expect(try fixture.reverse(code, order: "o1") == false)
    try fixture.advance(by: 31 * Self.day)
    #expect(try fixture.reverse(code, order: "o2") == false)
    #expect(try fixture.given().map(\.state) == [.expired])
  }

  @Test("M12 A reversed purchase takes its redemption back by itself")
  func reversedPurchase() throws {
    let (fixture, code) = try Self.fixture()
    #expect(try fixture.redeem(code).refusal == .unspecified)
    try fixture.take([fixture.purchase("ann", carts: ["c1"])])
    #expect(try fixture.given().map(\.state) == [.redeemed])
    try fixture.take([fixture.purchase("ann", carts: ["c1"], reversal: true)])
    #expect(try fixture.given().map(\.state) == [.outstanding])
  }

  @Test("M12 A void code is refused; one of a pool is never given, one redeemed stays")
  func void() throws {
    let (fixture, code) = try Self.fixture { $0.codes = .pool }
    #expect(code == "AB-12")
    try fixture.void("cd34")
    try fixture.void("cd34")
    #expect(try fixture.redeem("CD-34").refusal == .void)
    #expect(try fixture.incentive().poolLeft == 0)
    try fixture.void(code)
    #expect(try fixture.redeem(code).refusal == .void)
    #expect(try fixture.given().map(\.state) == [.void])
    let unknown = try #require(throws: (any Error).self) { try fixture.void("EF-56") }
    #expect("\(unknown)".contains("no such code"))
    let (other, redeemed) = try Self.fixture()
    #expect(try other.redeem(redeemed).refusal == .unspecified)
    let refused = try #require(throws: (any Error).self) { try other.void(redeemed) }
    #expect("\(refused)".contains("was redeemed by the order o1"))
  }

  @Test("M12 A fixed code is void for one contact only")
  func voidFixed() throws {
    let (fixture, code) = try Self.fixture {
      $0.codes = .fixed
      $0.gift?.code = "SAVE10"
    }
    try fixture.abandon("bob", cart: "c2")
    #expect(throws: (any Error).self) { try fixture.void(code) }
    try fixture.void(code, contact: "ann")
    #expect(try fixture.redeem(code).refusal == .void)
    #expect(try fixture.redeem(code, contact: "bob", cart: "c2").refusal == .unspecified)
  }
}
