@testable internal import CartTracker
internal import Messages
internal import Testing

@Suite struct ListAmountTests {
  private func amount(_ units: Int64, _ nanos: Int32 = 0) -> Amount {
    Amount(units: units, nanos: nanos)
  }

  @Test("L08 a product is rounded once, half away from zero")
  func rounding() {
    let third = amount(10).times(.one, over: amount(3))
    #expect(third == amount(3, 333_333_333))
    #expect(amount(20).times(.one, over: amount(3)) == amount(6, 666_666_667))
    #expect(amount(0, 1).times(amount(0, 500_000_000), over: .one) == amount(0, 1))
    #expect(amount(0, -1).times(amount(0, 500_000_000), over: .one) == amount(0, -1))
    #expect(amount(0, 1).times(amount(0, 499_999_999), over: .one) == .zero)
    #expect(amount(-20).times(.one, over: amount(-3)) == amount(6, 666_666_667))
  }

  @Test("An exact product of wide numbers equals one of the parts")
  func wide() {
    #expect(Amount.greatest.times(amount(1000), over: amount(1000)) == .greatest)
    #expect(Amount.least.times(amount(1000), over: amount(1000)) == .least)
    #expect(Amount.greatest.times(amount(2), over: .one) == nil)
    #expect(Amount.greatest.times(.greatest, over: amount(0, 1)) == nil)
    #expect(Amount.greatest.times(.greatest, over: .greatest) == .greatest)
  }

  @Test("A sum out of range is nil, or stays at the end")
  func sums() {
    #expect(amount(1, 600_000_000).adding(amount(0, 600_000_000)) == amount(2, 200_000_000))
    #expect(Amount.greatest.adding(amount(0, 1)) == nil)
    #expect(Amount.greatest.addingClamped(.one) == .greatest)
    #expect(Amount.least.addingClamped(amount(-1)) == .least)
  }

  @Test("Parts have one sign, and text is exact")
  func parts() {
    let mixed = amount(-1, 250_000_000)
    #expect(mixed.units == 0 && mixed.fraction == -750_000_000)
    #expect(mixed.text() == "-0.75")
    #expect(amount(12, 500_000_000).text(digitsMin: 9) == "12.500000000")
    #expect(amount(12).text() == "12")
    #expect(amount(12).text(digitsMin: 2) == "12.00")
    #expect(amount(0, 1).text(digitsMin: 2) == "0.000000001")
    #expect(Amount.least.text() == "-9223372036854775808.999999999")
  }

  @Test("Products of small numbers agree with plain integers")
  func model() {
    var chance = ListChance(state: 7)
    for _ in 0..<5000 {
      let price = Int64(chance.below(2_000_001)) - 1_000_000
      let factor = Int64(chance.below(2001)) - 1000
      let base = Int64(chance.below(20)) + 1
      // In billionths: price × factor × 10⁹ ÷ base.
      let exact = Int128(price) * Int128(factor) * 1_000_000_000
      let (whole, rest) = exact.magnitude.quotientAndRemainder(dividingBy: UInt128(base))
      let rounded = Int128(whole) + (rest * 2 >= UInt128(base) ? 1 : 0)
      let product = amount(price).times(amount(factor), over: amount(base))
      #expect(product?.nanos == (exact < 0 ? -rounded : rounded))
    }
  }

  @Test("L08 C30 totals follow the shop's line total, else quantity × price ÷ base, per currency")
  func totals() {
    let lines: [CartTrackerV1.CartLine] = [
      .init(
        sku: "a", quantity: .init(units: 3), unitPrice: .init(currencyCode: "EUR", units: 2),
        lineTotal: .init(currencyCode: "EUR", units: 5, nanos: 990_000_000)),
      .init(
        sku: "b", quantity: .init(units: 250, unitCode: "MTR"),
        unitPrice: .init(currencyCode: "EUR", units: 7), priceBase: .init(units: 100)),
      .init(sku: "c", unitPrice: .init(currencyCode: "CHF", units: 1, nanos: 500_000_000)),
      .init(sku: "d", quantity: .init(units: 2, nanos: 500_000_000, unitCode: "MTR")),
    ]
    #expect(
      CartTotals.totals(of: lines) == [
        .init(currencyCode: "CHF", units: 1, nanos: 500_000_000),
        .init(currencyCode: "EUR", units: 23, nanos: 490_000_000),
      ])
    #expect(
      CartTotals.quantities(of: lines) == [
        .init(units: 4), .init(units: 252, nanos: 500_000_000, unitCode: "MTR"),
      ])
    #expect(CartTotals.totals(of: []).isEmpty)
  }

  @Test("A total beyond what money holds stays at the greatest amount; a base of nothing is one")
  func extremes() {
    let line = CartTrackerV1.CartLine(
      sku: "a", quantity: .init(units: -2), unitPrice: .init(currencyCode: "EUR", units: .max))
    #expect(
      line.total == .init(currencyCode: "EUR", units: .min, nanos: -999_999_999))
    let free = CartTrackerV1.CartLine(
      sku: "a", unitPrice: .init(currencyCode: "EUR", units: 2), priceBase: .init())
    #expect(free.total == .init(currencyCode: "EUR", units: 2))
  }
}
