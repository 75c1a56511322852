internal import Foundation
internal import Messages
internal import ServiceKit
internal import Stubs
internal import TestSupport
internal import Testing

@testable internal import Notifier

@Suite struct FolderProviderTests {
  @Test("Each message is a whole file under its id, and the same message again the same file")
  func writes() async throws {
    let folder = try TemporaryFolder()
    let out = folder.file("out")
    let provider = try FolderProvider(name: "out", path: out, slots: 8, flushes: true)
    let notifier = try await NotifierFixture.start(lanes: [HandOff.Lane(provider, [.sms])])
    try await notifier.allowTests()
    try await notifier.putTemplate()
    let orders = (1...20).map { notifier.order($0, contact: "anna-\($0)") }
    try await notifier.send(orders)
    await notifier.settle()
    let names = try FileManager.default.contentsOfDirectory(atPath: out)
    #expect(Set(names) == Set(orders.map { "\($0.id).txt" }))
    let text = try String(contentsOfFile: "\(out)/\(orders[0].id).txt", encoding: .utf8)
    #expect(text == "Hello from Shop")
    #expect(orders.allSatisfy { notifier.told($0) == ["HANDED_OVER"] })
    await notifier.stop()
  }

  @Test("A folder that cannot be made stops the start; one that goes away lets messages wait")
  func missing() async throws {
    let bad = try FolderProvider(name: "out", path: "/proc/none", slots: 1, flushes: true)
    #expect(throws: FileFault.self) { try bad.start() }
    let folder = try TemporaryFolder()
    let out = folder.file("out")
    let provider = try FolderProvider(name: "out", path: out, slots: 8, flushes: false)
    let notifier = try await NotifierFixture.start(lanes: [HandOff.Lane(provider, [.sms])])
    try await notifier.allowTests()
    try await notifier.putTemplate()
    try FileManager.default.removeItem(atPath: out)
    let order = notifier.order(1)
    try await notifier.send([order])
    await notifier.settle()
    #expect(notifier.told(order) == ["DEFERRED PROVIDER_UNREACHABLE"])
    try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: false)
    try await notifier.advance(by: .seconds(10))
    #expect(notifier.told(order).last == "HANDED_OVER")
    await notifier.stop()
  }
}
