internal import Storage
internal import Testing

@Suite struct BucketLeaseTests {
  private let engine: SQLiteEngine

  init() throws {
    engine = try SQLiteEngine.inMemory()
    try Migrator([Migration(number: 1, name: "leases", statements: [LeaseStatements.create])])
      .migrate(engine)
  }

  @Test("Taking raises the epoch of all 256 buckets")
  func takes() throws {
    #expect(try engine.read { try BucketLease.hold($0, 0) } == nil)
    for epoch in 1...3 {
      let lease = try engine.write { try BucketLease.take($0, owner: "o") }
      #expect(lease.epoch == Int64(epoch))
    }
    for bucket in UInt8.min...UInt8.max {
      let hold = try engine.read { try BucketLease.hold($0, bucket) }
      #expect(hold?.epoch == 3)
    }
  }

  @Test("A contender waits until it has seen the same hold for a whole lease")
  func contends() throws {
    var contender = BucketLease.Contender(lease: .nanoseconds(10))
    let atOnce = contender.mayTake(nil, now: 0)
    #expect(atOnce)
    let lease = try engine.write { try BucketLease.take($0, owner: "a") }
    let hold = try engine.read { try BucketLease.hold($0, 1) }
    let whileHeld = [100, 109].map { contender.mayTake(hold, now: $0) }
    #expect(whileHeld == [false, false])
    try engine.write { try lease.beat($0) }
    let next = try engine.read { try BucketLease.hold($0, 1) }
    let afterBeat = [110, 119, 120].map { contender.mayTake(next, now: $0) }
    #expect(afterBeat == [false, false, true])
  }

  @Test("The statements of the lease keep to the rules")
  func statements() {
    #expect(StatementRules.findings(LeaseStatements.all) == [])
  }
}
