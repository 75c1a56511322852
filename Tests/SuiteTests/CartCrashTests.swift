internal import Messages
internal import Stubs
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

/// What is acknowledged survives the end of the process at any moment.
@Suite(.serialized) struct CartCrashTests {
  private let t0 = TrackerProcess.morning

  @Test("I1 T1 what was acknowledged before a kill -9 is there after it, projected or not")
  func killBetweenAcknowledgementAndProjection() async throws {
    let process = try TrackerProcess()
    try await process.start()
    try await process.advance(to: t0)
    _ = try await process.putStore()
    for round in 0..<3 {
      let events = (0..<200).map { index in
        Make.event(
          "r\(round)-\(index)", t0 + Int64(round), contact: "c\(index)", Make.add("S\(round)"))
      }
      try await process.record(events)
      // No wait for the projection: some of them are in the tables now and some are not.
      process.kill9()
      try await process.start()
      try await process.settle()
      let counts = try await process.tracker.countCarts(.init(store: "shop"))
      #expect(counts.carts == 200)
      for index in [0, 99, 199] {
        let events = try await process.tracker.listEvents(
          .init(store: "shop", contact: "c\(index)"))
        #expect(events.events.count == round + 1)
      }
    }
    try await process.advance(to: t0 + 10 + 3600)
    #expect(try await process.tracker.countCarts(.init(store: "shop")).episodes == 200)
    #expect(process.stop() == 0)
  }

  @Test("A purchase that is acknowledged and not yet projected stops at once")
  func purchaseInTail() async throws {
    let process = try TrackerProcess()
    try await process.start()
    try await process.advance(to: t0)
    _ = try await process.putStore()
    let anchor = CommonV1.Anchor(at: .init(seconds: t0), event: "e0")
    for round in 0..<50 {
      let contact = "c\(round)"
      try await process.record([
        Make.event("e0", t0, contact: contact, cart: "k\(round)", Make.add("A"))
      ])
      let stop = CartTrackerV1.CheckStopRequest(
        store: "shop", subjects: [.init(contact: contact, anchor: anchor, cart: "k\(round)")])
      #expect(try await process.tracker.checkStop(stop).answers[0].grant != nil)
      try await process.record([
        Make.event("p", t0 + 1, contact: contact, cart: "k\(round)", .purchase(.init()))
      ])
      let refusal = try await process.tracker.checkStop(stop).answers[0].refusal
      #expect(refusal?.reason == .purchased)
      #expect(refusal?.event == "p")
    }
  }

  @Test("A second process on the same folder is refused, and leaves the first one alone")
  func secondProcess() async throws {
    let process = try TrackerProcess()
    try await process.start()
    let second = try TrackerProcess()
    let error = await #expect(throws: TrackerProcess.Failure.self) {
      try await second.start(["HOMING_DATA": process.folder.path])
    }
    #expect(error != nil)
    try await process.advance(to: t0)
    #expect(try await process.putStore().revision == 1)
  }
}
