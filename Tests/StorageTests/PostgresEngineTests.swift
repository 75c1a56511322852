internal import Storage
internal import TestSupport
internal import Testing

/// The same store on a real PostgreSQL.
@Suite(.serialized) struct PostgresEngineTests {
  private func open(_ address: String? = nil) throws -> PostgresEngine {
    try PostgresEngine(address: address ?? TestPostgres.shared().database())
  }

  private func store() throws -> StoreConformance {
    var store = try StoreConformance(open(), isConcurrent: true)
    store.keepsZeroBytes = false
    return store
  }

  @Test("PostgreSQL does what the conformance suite asks")
  func conforms() throws {
    for (name, rule) in SQLiteEngineTests.rules {
      let store = try store()
      defer { store.engine.close() }
      #expect(throws: Never.self, "\(name)") { try rule(store) }
    }
  }

  @Test("A read sees one state from its first statement on")
  func snapshots() async throws {
    let store = try store()
    try await store.readsAreSnapshots()
    #expect(try store.count() == 2)
    store.engine.close()
  }

  @Test("A text with a zero byte is refused, and names the parameter")
  func zeroByte() throws {
    let store = try store()
    let error = try #require(throws: StorageError.self) {
      try store.insert(1, [.null, .null, .text("a\0b"), .null])
    }
    #expect(error.code == .statement)
    #expect(error.message == "insertKept: parameter 5 is a text with a zero byte")
    #expect(try store.count() == 0)
    store.engine.close()
  }

  @Test("A server that is away is unavailable, and its address' password stays unsaid")
  func away() throws {
    let error = try #require(throws: StorageError.self) {
      try open("postgresql://homing:geheim@/none?host=/nowhere")
    }
    #expect(error.code == .unavailable)
    #expect(!error.message.contains("geheim") && error.message.contains("/nowhere"))
  }

  @Test("T4 A transaction goes on over a new connection where the server cut the old one")
  func cut() throws {
    let server = try TestPostgres.shared()
    let address = try server.database()
    let engine = try open(address)
    var store = try StoreConformance(engine, isConcurrent: true)
    store.keepsZeroBytes = false
    try store.insert(1)
    #expect(try store.count() == 1)
    try server.cut(address)
    try store.insert(2)
    #expect(try store.count() == 2)
    var runs = 0
    try engine.write { session in
      runs += 1
      try session.execute(
        StoreConformance.Statements.insert, [0, 3, .null, .null, .null, .null])
      if runs == 1 { try server.cut(address) }
      try session.execute(
        StoreConformance.Statements.insert, [0, 4, .null, .null, .null, .null])
    }
    #expect(runs == 2)
    #expect(try store.count() == 4)
    engine.close()
  }

  @Test("Two that are in each other's way both come through, one after the other")
  func deadlock() async throws {
    let address = try TestPostgres.shared().database()
    let (left, right) = (try open(address), try open(address))
    let store = try StoreConformance(left, isConcurrent: true)
    for bucket in 0...1 { try store.insert(1, bucket: Int64(bucket), [0, .null, .null, .null]) }
    let (first, second) = (Promise<Void>(), Promise<Void>())
    @Sendable func raise(
      _ engine: PostgresEngine, _ buckets: [Int64], _ own: Promise<Void>, _ other: Promise<Void>
    ) throws {
      var isFirst = true
      try engine.write { session in
        for bucket in buckets {
          try session.execute(StoreConformance.Statements.raise, [.integer(bucket)])
          own.fulfil()
          if isFirst { other.block() }
          isFirst = false
        }
      }
    }
    async let one: Void = onThread { try raise(left, [0, 1], first, second) }
    async let two: Void = onThread { try raise(right, [1, 0], second, first) }
    _ = try await (one, two)
    let numbers = try left.read { session in
      try [0, 1].map { bucket in
        try session.first(StoreConformance.Statements.read, [.integer(bucket), 1]) {
          try $0.integer(0)
        }
      }
    }
    #expect(numbers == [2, 2])
    left.close()
    right.close()
  }

  @Test("What is put is done in order, and its fault comes with the commit at the latest")
  func puts() throws {
    let store = try store()
    let insert = StoreConformance.Statements.insert
    try store.engine.write { session in
      for id in 0..<2000 {
        try session.put(insert, [0, .integer(id), .integer(1), .null, .text("word"), .null])
      }
      #expect(try session.execute(StoreConformance.Statements.raise, [0]) == 2000)
    }
    #expect(try store.count() == 2000)
    let error = try #require(throws: StorageError.self) {
      try store.engine.write { session in
        try session.put(insert, [0, 5000, .null, .null, .null, .null])
        try session.put(insert, [0, 7, .null, .null, .null, .null])
        try session.put(insert, [0, 5001, .null, .null, .null, .null])
      }
    }
    #expect(error.code == .constraint("kept.bucket, kept.id"))
    #expect(error.message.hasPrefix("insertKept: "))
    #expect(try store.count() == 2000)
    store.engine.close()
  }
}
