internal import Testing

@testable internal import Wire

/// Both ends of one direction's credit, and the wires between them.
private struct Link {
  var sender: SendCredit
  var receiver: ReceiveCredit
  let grace: Int
  let difference: Int
  /// Sizes of frames under way, and of credits on their way back.
  var frames: [Int] = []
  var grants: [Int] = []
  var unread: [Int] = []
  var isSettled = false
  /// Sent and not granted again, by simple counting.
  var used = 0

  init(window: Int, standard: Int) {
    sender = SendCredit(window: standard)
    receiver = ReceiveCredit(window: window)
    grace = max(0, standard - window)
    difference = window - standard
  }

  mutating func send(_ size: Int) {
    sender.spend(size)
    used += size
    frames.append(size)
  }

  mutating func deliver() -> Bool {
    let size = frames.removeFirst()
    unread.append(size)
    return receiver.receive(size, grace: grace)
  }

  mutating func consume() {
    let credit = receiver.consume(unread.removeFirst())
    if credit > 0 { grants.append(credit) }
  }

  mutating func grant() throws {
    let credit = grants.removeFirst()
    used -= credit
    try sender.grant(UInt64(credit))
  }

  mutating func settle() throws {
    if !isSettled { try sender.adjust(by: difference) }
    isSettled = true
  }

  /// Everything under way arrives and everything received is consumed.
  mutating func drain() throws {
    try settle()
    while !frames.isEmpty { _ = deliver() }
    while !unread.isEmpty { consume() }
    while !grants.isEmpty { try grant() }
  }
}

@Suite struct CreditTests {
  @Test(
    "Over any sequence no honest sender is refused, no byte is lost, and none waits for ever",
    arguments: [1, 2, 3, 100, 256 << 10, 1 << 20, 1 << 62], 0..<6)
  func bothEnds(window: Int, seed: UInt64) throws {
    var random = SplitMix64(seed: seed &+ UInt64(window))
    let standard = [1, 50, 256 << 10][Int(seed % 3)]
    var link = Link(window: window, standard: standard)
    let largest = seed % 2 == 0 ? 7 : 3 * min(max(window, standard), 1 << 21)
    for step in 0..<2000 {
      switch random.int(0...9) {
      case 0...3: if link.sender.isOpen { link.send(random.int(0...largest)) }
      case 4...5: if !link.frames.isEmpty { #expect(link.deliver() == true) }
      case 6...7: if !link.unread.isEmpty { link.consume() }
      case 8: if !link.grants.isEmpty { try link.grant() }
      default: if random.oneIn(20) { try link.settle() }
      }
      // Conservation: the window is what may still be sent and what was sent and not granted again.
      #expect(link.sender.balance + link.used == (link.isSettled ? window : standard))
      #expect(link.receiver.outstanding == link.unread.reduce(0, +))
      if step % 500 == 499 {
        try link.drain()
        #expect(link.sender.isOpen)
        #expect(link.receiver.outstanding == 0)
        // No more than half the window is kept back.
        #expect(link.used <= window / 2)
      }
    }
  }

  @Test("A frame may overdraw while any credit is left, the next may not")
  func overdraw() throws {
    var sender = SendCredit(window: 10)
    var receiver = ReceiveCredit(window: 10)
    sender.spend(9)
    #expect(sender.isOpen)
    sender.spend(1000)
    #expect(!sender.isOpen)
    #expect(sender.balance == -999)
    #expect(receiver.receive(9) == true)
    #expect(receiver.receive(1000) == true)
    #expect(receiver.receive(1) == false)
    #expect(receiver.receive(0) == true)
    #expect(receiver.outstanding == 1010)
  }

  @Test("A window that is used up exactly closes the sender")
  func exactlyUsedUp() throws {
    var sender = SendCredit(window: 10)
    sender.spend(10)
    #expect(!sender.isOpen)
    try sender.grant(1)
    #expect(sender.isOpen)
  }

  @Test("Credit is saved up to half the window and then told at once")
  func savesUp() {
    var receiver = ReceiveCredit(window: 10)
    #expect(receiver.receive(10) == true)
    #expect(receiver.consume(4) == 0)
    #expect(receiver.consume(1) == 5)
    #expect(receiver.consume(5) == 5)
    #expect(receiver.outstanding == 0)
    #expect(receiver.receive(10) == true)
  }

  @Test("What is saved is not the peer's yet")
  func savedIsNotGranted() {
    var receiver = ReceiveCredit(window: 10)
    #expect(receiver.receive(4) == true)
    #expect(receiver.consume(4) == 0)
    #expect(receiver.receive(6) == true)
    #expect(receiver.receive(1) == false)
  }

  @Test("Grace admits a peer that still believes in the larger default")
  func grace() {
    var receiver = ReceiveCredit(window: 10)
    #expect(receiver.receive(10, grace: 90) == true)
    #expect(receiver.receive(89, grace: 90) == true)
    #expect(receiver.receive(1, grace: 90) == true)
    #expect(receiver.receive(1, grace: 90) == false)
  }

  @Test("Settings change the credit by the difference of either sign, also below 0")
  func adjusts() throws {
    var sender = SendCredit(window: 100)
    sender.spend(60)
    try sender.adjust(by: -90)
    #expect(sender.balance == -50)
    #expect(!sender.isOpen)
    try sender.adjust(by: 51)
    #expect(sender.isOpen)
  }

  @Test("Settings that take the total past 2^62 are a broken rule")
  func adjustsWithinBounds() throws {
    var sender = SendCredit(window: 10)
    try sender.grant(1 << 61)
    #expect(throws: BrokenRule.self) { try sender.adjust(by: 1 << 61) }
    try sender.adjust(by: (1 << 61) - 10)
    #expect(sender.balance == 1 << 62)
  }

  @Test("A total of 2^62 is credit, one byte more is a broken rule")
  func most() throws {
    var sender = SendCredit(window: 10)
    try sender.grant(1 << 62 - 10)
    #expect(sender.balance == 1 << 62)
    #expect(throws: BrokenRule("credit passes 2^62 bytes")) { try sender.grant(1) }
    #expect(sender.balance == 1 << 62)
    sender.spend(1)
    try sender.grant(1)
    for bytes: UInt64 in [1 << 62 + 1, 1 << 63, .max] {
      var fresh = SendCredit(window: 0)
      #expect(throws: BrokenRule.self) { try fresh.grant(bytes) }
      #expect(fresh.balance == 0)
    }
    var overdrawn = SendCredit(window: 0)
    overdrawn.spend(5)
    try overdrawn.grant(1 << 62)
    #expect(overdrawn.balance == 1 << 62 - 5)
  }

  @Test("The largest window neither overflows nor refuses")
  func largestWindow() {
    var receiver = ReceiveCredit(window: 1 << 62)
    for _ in 0..<100 { #expect(receiver.receive(64 << 20) == true) }
    #expect(receiver.consume(100 * 64 << 20) == 0)
    #expect(receiver.receive(1) == true)
  }
}
