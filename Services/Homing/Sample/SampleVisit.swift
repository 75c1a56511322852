internal import ServiceKit

/// One cart from its first line to its end, or to where it is left.
struct SampleVisit {
  private(set) var rows: [SampleRow] = []
  private var time: Int
  private let store: SampleCatalogue.Store
  private let buyer: SampleCatalogue.Buyer
  private let cart: String
  private let kind: String
  private let device: String
  private var stage = "cart"
  private var lines: [(product: SampleCatalogue.Product, quantity: Int)] = []
  /// Set while the shopper has not logged in.
  private var guest = ""

  init(
    time: Int, store: SampleCatalogue.Store, buyer: SampleCatalogue.Buyer, cart: String,
    kind: String
  ) {
    self.time = time
    self.store = store
    self.buyer = buyer
    self.cart = cart
    self.kind = kind
    device = time % 5 == 0 ? "phone" : "desktop"
  }

  /// Adds everything that happens to the cart.
  mutating func play(_ random: inout SampleRandom) {
    if kind == "cart" && random.happens(30) { guest = "\(cart)-device" }
    fill(&random)
    if !guest.isEmpty && random.happens(80) {
      identify()
    }
    if kind == "quote" && random.happens(85) { requestQuote(&random) }
    // Those who are not bought at once may be taken up again, once or twice.
    var isBought = random.happens(30) && checkOut(&random)
    for _ in 0..<2 where !isBought && random.happens(35) {
      time += 3 * 3600 + random.below(4 * 86_400)
      if random.happens(50) { fill(&random) } else { add(.view) }
      isBought = random.happens(45) && checkOut(&random)
    }
    if !isBought { leave(&random) }
  }

  private mutating func fill(_ random: inout SampleRandom) {
    for _ in 0...random.below(4) {
      let product = random.pick(store.products)
      let quantity = product.price < 20_000 ? 1 + random.below(20) : 1 + random.below(2)
      guard !lines.contains(where: { $0.product.sku == product.sku }) else {
        change(product, quantity)
        continue
      }
      lines.append((product, quantity))
      add(
        .add, product,
        set: [
          .quantity: "\(quantity)",
          .price: SampleVisit.decimal(product.price),
          .currency: store.currency,
          .image: "\(store.site)/images/\(product.sku).jpg",
          .productURL: "\(store.site)/products/\(product.sku)",
          .configuration: kind == "configuration" ? product.configuration : "",
        ])
      pause(&random)
    }
    if lines.count > 1 && random.happens(15) {
      add(.remove, lines.removeLast().product)
      pause(&random)
    }
  }

  private mutating func change(_ product: SampleCatalogue.Product, _ quantity: Int) {
    guard let index = lines.firstIndex(where: { $0.product.sku == product.sku }) else { return }
    lines[index].quantity = quantity
    time += 20
    add(.change, product, set: [.quantity: "\(quantity)"])
  }

  private mutating func identify() {
    time += 15
    add(.identify, set: [.contact: buyer.contact])
    guest = ""
  }

  private mutating func requestQuote(_ random: inout SampleRandom) {
    stage = "quote_requested"
    let deadline = time + (5 + random.below(10)) * 86_400
    add(
      .quote,
      set: [
        .quote: "\(cart)-quote",
        .deadline: Instant(seconds: Int64(deadline)).description,
      ])
    time += 60
  }

  /// Whether the cart was bought.
  private mutating func checkOut(_ random: inout SampleRandom) -> Bool {
    if !guest.isEmpty { identify() }
    for step in ["checkout", "shipping", "payment"] {
      stage = step
      add(.step, set: [.step: step])
      pause(&random)
    }
    if random.happens(12) {
      add(.failed)
      return false
    }
    if random.happens(10) { add(.pending) }
    time += 30 + random.below(120)
    stage = "order"
    guard lines.count > 1, random.happens(10) else {
      let total = lines.reduce(0) { $0 + $1.product.price * $1.quantity }
      add(
        .purchase,
        set: [
          .order: "\(cart)-order",
          .price: SampleVisit.decimal(total),
          .currency: store.currency,
        ])
      return true
    }
    // One line is bought, the rest stays in the cart.
    let line = lines.removeFirst()
    add(
      .purchaseLine, line.product,
      set: [
        .order: "\(cart)-part",
        .quantity: "\(line.quantity)",
        .price: SampleVisit.decimal(line.product.price * line.quantity),
        .currency: store.currency,
      ])
    stage = "cart"
    return false
  }

  private mutating func leave(_ random: inout SampleRandom) {
    if random.happens(20) { add(.left) }
    if random.happens(25) {
      let reasons = [
        "shipping_cost", "delivery_time_unclear", "complicated_checkout", "open_question",
        "configuration_unfinished", "distracted", "wish_list", "tax",
      ]
      time += 5
      let reason = random.pick(reasons)
      add(.reason, set: [.reason: reason])
    } else if random.happens(5) {
      add(.empty)
    }
  }

  private mutating func pause(_ random: inout SampleRandom) { time += 15 + random.below(240) }

  private mutating func add(
    _ kind: ReplayKind, _ product: SampleCatalogue.Product? = nil,
    set fields: [ReplayColumn: String] = [:]
  ) {
    var row = SampleRow(time, kind)
    row[.store] = store.id
    row[.contact] = guest.isEmpty ? buyer.contact : ""
    row[.guest] = guest
    row[.cart] = cart
    row[.cartKind] = self.kind
    row[.place] = self.kind == "configuration" ? "configurator" : store.place
    row[.offerClass] = product?.offerClass ?? ""
    row[.device] = device
    row[.stage] = stage
    row[.company] = guest.isEmpty ? buyer.company : ""
    row[.url] = "\(store.site)/carts/\(cart)"
    row[.item] = product?.sku ?? ""
    row[.name] = kind == .add ? product?.name ?? "" : ""
    for (column, text) in fields { row[column] = text }
    rows.append(row)
  }

  /// Hundredths as a decimal number.
  private static func decimal(_ hundredths: Int) -> String {
    let rest = hundredths % 100
    return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
  }
}
