internal import Messages
internal import ServiceKit
internal import Texts

/// What a webhook's endpoint gets: one JSON object.
///
/// `message`, `store`, `flow`, `step`, `variant`, `enrolment`, `at`, `contact` with `id`, `name`,
/// `company`, `email`, `phone`; `cart` with `id`, `kind`, `state`, `url`, `last_activity`, `totals`
/// (`currency`, `amount`) and `lines` (`sku`, `name`, `quantity`, `unit`, `total`);
/// `parameters` of the flow. Amounts are decimal numbers as text, instants RFC 3339. What is not
/// known is left out.
enum WebhookBody {
  static func bytes(_ request: RenderRequest) -> [UInt8] {
    let order = request.order
    var json = JSONText()
    json.object { json in
      json.member("message", order.id)
      json.member("store", order.store)
      json.member("flow", order.flow)
      json.member("step", order.step)
      json.member("variant", order.variant)
      json.member("enrolment", order.enrolment)
      json.member("at", request.now.description)
      json.key("contact")
      contact(request, &json)
      if let cart = request.facts.carts.first(where: { $0.id == order.cart && !order.cart.isEmpty })
      {
        json.key("cart")
        self.cart(cart, &json)
      }
      if !order.parameters.isEmpty {
        json.key("parameters")
        json.object { json in
          for attribute in order.parameters { parameter(attribute, &json) }
        }
      }
    }
    return json.bytes
  }

  private static func contact(_ request: RenderRequest, _ json: inout JSONText) {
    let profile = request.facts.contact?.profile ?? CartTrackerV1.ContactProfile()
    json.object { json in
      json.member("id", request.order.contact)
      let name = [profile.title, profile.givenName, profile.familyName]
      json.member("name", name.filter { !$0.isEmpty }.joined(separator: " "))
      json.member("company", profile.companyName)
      json.member("locale", profile.locale)
      for (name, channel) in [("email", CommonV1.Channel.email), ("phone", .sms)] {
        let destination = profile.destinations.first { $0.channel == channel }
        json.member(name, destination?.address ?? "")
      }
    }
  }

  private static func cart(_ cart: CartTrackerV1.Cart, _ json: inout JSONText) {
    json.object { json in
      json.member("id", cart.id)
      json.member("kind", CartKindText.names[cart.header?.kind ?? .cart] ?? "")
      json.member("url", WebURL(cart.header?.url ?? "")?.text ?? "")
      json.member("quote", cart.header?.quote ?? "")
      if let at = cart.lastActivityAt.flatMap({ try? Instant($0) }) {
        json.member("last_activity", at.description)
      }
      json.key("totals")
      json.array(cart.totals) { money, json in self.money(money, &json) }
      json.key("lines")
      json.array(cart.lines) { line, json in
        json.object { json in
          json.member("sku", line.sku)
          json.member("name", line.name)
          let quantity = line.quantity.map { Amount($0) } ?? Amount(units: 1, nanos: 0)
          json.member("quantity", DecimalText.text(quantity))
          json.member("unit", line.quantity?.unitCode ?? "")
          if let total = line.lineTotal {
            json.key("total")
            money(total, &json)
          }
        }
      }
    }
  }

  private static func money(_ money: CommonV1.Money, _ json: inout JSONText) {
    json.object { json in
      json.member("currency", money.currencyCode)
      json.member("amount", DecimalText.text(Amount(money)))
    }
  }

  private static func parameter(_ attribute: CommonV1.Attribute, _ json: inout JSONText) {
    switch attribute.value {
    case nil: break
    case .text(let text): json.member(attribute.name, text)
    case .number(let number):
      // JSON has no infinities.
      if number.isFinite { json.member(attribute.name, literal: "\(number)") }
    case .flag(let flag): json.member(attribute.name, literal: flag ? "true" : "false")
    case .instant(let instant):
      if let instant = try? Instant(instant) { json.member(attribute.name, instant.description) }
    case .money(let money):
      json.key(attribute.name)
      self.money(money, &json)
    }
  }
}

/// An amount as machines write it, such as `-12.5`.
enum DecimalText {
  static func text(_ amount: Amount) -> String {
    let (whole, fraction) = amount.nanos.magnitude.quotientAndRemainder(dividingBy: 1_000_000_000)
    var digits = "\(fraction)"
    digits = String(repeating: "0", count: 9 - digits.utf8.count) + digits
    while digits.hasSuffix("0") { digits.removeLast() }
    return (amount.nanos < 0 ? "-" : "") + "\(whole)" + (digits.isEmpty ? "" : "." + digits)
  }
}

/// Writes JSON (RFC 8259).
struct JSONText {
  private(set) var bytes: [UInt8] = []

  mutating func object(_ members: (inout JSONText) -> Void) {
    bytes.append(0x7B)
    members(&self)
    bytes.append(0x7D)
  }

  mutating func array<Element>(
    _ elements: [Element], _ write: (Element, inout JSONText) -> Void
  ) {
    bytes.append(0x5B)
    for (index, element) in elements.enumerated() {
      if index > 0 { bytes.append(0x2C) }
      write(element, &self)
    }
    bytes.append(0x5D)
  }

  /// Left out where the text is empty.
  mutating func member(_ name: String, _ text: String) {
    if text.isEmpty { return }
    key(name)
    string(text)
  }

  /// A number, `true` or `false`.
  mutating func member(_ name: String, literal: String) {
    key(name)
    bytes += literal.utf8
  }

  mutating func key(_ name: String) {
    if let last = bytes.last, last != 0x7B { bytes.append(0x2C) }
    string(name)
    bytes.append(0x3A)
  }

  private mutating func string(_ text: String) {
    bytes.append(0x22)
    for byte in text.utf8 {
      switch byte {
      case 0x22, 0x5C: bytes += [0x5C, byte]
      case 0x0A: bytes += [0x5C, 0x6E]
      case 0..<0x20: bytes += Array("\\u00".utf8) + Array(HexText.text([byte]).utf8)
      default: bytes.append(byte)
      }
    }
    bytes.append(0x22)
  }
}
