internal import Messages
@testable internal import ServiceKit
internal import Testing

@Suite struct HealthRegistryTests {
  @Test("A service serves when nobody holds it any more; the whole while none is held")
  func holds() {
    let health = HealthRegistry()
    health.set("a", .serving)
    health.set("b", .serving)
    health.hold("", because: "starting")
    #expect(health.all.map(\.status) == [.notServing, .notServing, .notServing])
    health.hold("a", because: "worker")
    health.release("", because: "starting")
    #expect(health.all.map(\.status) == [.notServing, .notServing, .serving])
    health.hold("a", because: "another")
    health.release("a", because: "worker")
    #expect(health.status(of: "a") == .notServing)
    health.release("a", because: "another")
    health.release("a", because: "never given")
    #expect(health.all.map(\.status) == [.serving, .serving, .serving])
  }

  @Test("Whoever watches hears of a hold, and of draining, which no release ends")
  func watch() async {
    let health = HealthRegistry()
    health.set("a", .serving)
    var changes = health.watch("a").makeAsyncIterator()
    #expect(await changes.next() == .serving)
    health.hold("a", because: "worker")
    #expect(await changes.next() == .notServing)
    health.drain()
    health.release("a", because: "worker")
    #expect(health.status(of: "a") == .notServing)
    health.set("a", .serving)
    #expect(health.status(of: "a") == .notServing)
    #expect(health.status(of: "unknown") == nil)
  }
}
