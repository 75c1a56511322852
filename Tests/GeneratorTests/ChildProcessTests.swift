internal import Glibc
internal import Testing

@testable internal import Generator

@Suite struct ChildProcessTests {
  // Each child that inherits the other's pipe waits for an end of file that never comes.
  @Test(.timeLimit(.minutes(1)))
  func `Plugins that run beside one another do not hold each other's pipes open`() async throws {
    let request = [UInt8]("a request".utf8)
    let answers = await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<300 {
        group.addTask { (try? runPlugin("cat", request)) == request }
      }
      return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
    }
    #expect(answers == 300)
  }

  @Test func `A plugin that is not there is named`() {
    #expect(throws: Refusal.self) { try runPlugin("protoc-gen-nowhere", []) }
  }
}
