internal import Testing

/// Who may import whom. The compiler does not see to it: a warm build lets an undeclared import
/// through.
enum Imports {
  /// Swift's own modules that a room may use beside those named.
  private static let standard: Set = ["Glibc", "Synchronization"]

  /// The longest prefix of a file's path decides.
  static let allowed: [String: Set<String>] = [
    "Shared/Messages/": ["CMessages", "CProtobufC"],
    "Shared/Wire/": ["Messages"],
    "Shared/Transport/": ["CLinux", "COpenSSL", "Messages", "Wire"],
    "Shared/Stubs/": ["Messages", "Transport", "Wire"],
    "Shared/Descriptors/": [],
    "Shared/Storage/": ["CPostgres", "GRDB", "GRDBSQLite"],
    "Shared/ServiceKit/": [
      "CLinux", "COpenSSL", "Configuration", "Descriptors", "Dispatch", "Logging", "Messages",
      "Stubs",
      "Transport", "Wire",
    ],
    "Shared/Delivery/": [
      "Logging", "Messages", "ServiceKit", "Storage", "Transport", "Wire",
    ],
    "Shared/Texts/": ["Messages", "ServiceKit"],
    "Services/Scheduler/": [
      "Delivery", "Logging", "Messages", "ServiceKit", "Storage", "Stubs", "Transport", "Wire",
    ],
    "Services/Scheduler/Flows/": ["Messages", "ServiceKit", "Yams"],
    "Services/Notifier/": [
      "CCurl", "Delivery", "DequeModule", "Logging", "Messages", "ServiceKit",
      "Storage", "Stubs", "Texts", "Transport", "Wire",
    ],
    "Services/Notifier/Content/": [
      "CGMime", "Messages", "Mustache", "ServiceKit", "Texts",
    ],
    "Services/DirectMail/": [
      "Delivery", "Logging", "Messages", "ServiceKit", "Storage", "Stubs", "Texts", "Transport",
      "Wire",
    ],
    "Services/DirectMail/Addresses/": ["Messages", "ServiceKit", "Texts", "Yams"],
    "Services/DirectMail/Letters/": ["Messages", "ServiceKit", "Texts", "Yams"],
    "Services/DirectMail/Pages/": ["CCairo", "CTurboJPEG", "CZint", "Messages", "ServiceKit"],
    "Services/Gateway/": [
      "HTTPTypes", "HummingbirdCore", "Logging", "Messages", "NIOCore", "NIOPosix", "ServiceKit",
      "Stubs", "Transport", "Wire",
    ],
    "Services/CartTracker/": [
      "Delivery", "DequeModule", "Logging", "Messages", "ServiceKit", "Storage", "Stubs",
      "Transport", "Wire",
    ],
    "Services/Homing/": [
      "ArgumentParser", "COpenSSL", "CZlib", "Descriptors", "DynamicMessages", "Histogram",
      "Messages",
      "ServiceKit", "Stubs", "Transport", "Wire",
    ],
    "Services/Homing/Dynamic/": ["Descriptors"],
    "proto/Generator/": ["Descriptors"],
    "Tests/Support/": ["COpenSSL", "Messages", "Storage", "Stubs", "Transport", "Wire"],
    "Tests/MessagesTests/": ["Descriptors", "Messages"],
    "Tests/WireTests/": ["Messages", "Wire"],
    "Tests/TransportTests/": [
      "CLinux", "COpenSSL", "Messages", "ServiceKit", "Stubs", "TestSupport", "Transport", "Wire",
    ],
    "Tests/GeneratorTests/": ["Descriptors", "Generator"],
    "Tests/StorageTests/": ["Storage", "TestSupport"],
    "Tests/ServiceKitTests/": [
      "Configuration", "Logging", "Messages", "ServiceKit", "Stubs", "TestSupport", "Transport",
      "Wire",
    ],
    "Tests/CartTrackerTests/": [
      "CartTracker", "Delivery", "Messages", "ServiceKit", "Storage", "Stubs", "TestSupport",
      "Transport",
      "Wire",
    ],
    "Tests/DeliveryTests/": [
      "Delivery", "Logging", "Messages", "ServiceKit", "Storage", "Stubs", "TestSupport",
      "Transport", "Wire",
    ],
    "Tests/SchedulerTests/": [
      "Delivery", "Logging", "Messages", "Scheduler", "ServiceKit", "Storage", "Stubs",
      "TestSupport", "Transport", "Wire",
    ],
    "Tests/NotifierTests/": [
      "Delivery", "Logging", "Messages", "Mustache", "Notifier", "ServiceKit", "Storage", "Stubs",
      "TestSupport", "Texts", "Transport", "Wire",
    ],
    "Tests/DirectMailTests/": [
      "CCairo", "Delivery", "DirectMail", "Logging", "Messages", "ServiceKit", "Storage", "Stubs",
      "TestSupport", "Texts", "Transport", "Wire",
    ],
    "Tests/GatewayTests/": [
      "Gateway", "Logging", "Messages", "ServiceKit", "Stubs", "TestSupport", "Transport", "Wire",
    ],
    "Tests/SuiteTests/": ["CartTracker", "Messages", "Stubs", "TestSupport", "Transport", "Wire"],
    "Tests/HomingTests/": [
      "ArgumentParser", "Descriptors", "DynamicMessages", "Homing", "Messages", "ServiceKit",
      "Stubs", "TestSupport", "Transport", "Wire",
    ],
    "Tests/TidyTests/": [],
    "Tests/BenchmarkTests/NotifierLoad/": ["Messages", "Stubs", "Transport", "Wire"],
    "Tests/Interop/CodecMirror/": ["Messages"],
    "Tests/Interop/JSONMirror/": ["DynamicMessages"],
  ]

  /// C is seen by few: every other file goes through these.
  static let owners: [String: [String]] = [
    "CMessages": ["Shared/Messages/"],
    "CProtobufC": ["Shared/Messages/"],
    "COpenSSL": [
      "Shared/Transport/TLS/", "Shared/ServiceKit/SHA256.swift", "Services/Homing/Certs/",
      "Shared/ServiceKit/Sealing/LinkSeal.swift",
      "Tests/Support/", "Tests/TransportTests/",
    ],
    "CZlib": ["Services/Homing/Replay/GzipInflater.swift"],
    "CGMime": ["Services/Notifier/Content/Mime/MimeCodec.swift"],
    "CCurl": ["Services/Notifier/Providers/"],
    "CCairo": ["Services/DirectMail/Pages/Canvas.swift", "Tests/DirectMailTests/"],
    "CTurboJPEG": ["Services/DirectMail/Pages/Canvas.swift"],
    "CZint": ["Services/DirectMail/Pages/MatrixCode.swift"],
    "Yams": [
      "Services/Scheduler/Flows/YAMLReader.swift", "Services/DirectMail/Letters/LetterReader.swift",
      "Services/DirectMail/Addresses/PostalFormat.swift",
    ],
    "GRDBSQLite": ["Shared/Storage/SQLite/"],
    "CPostgres": ["Shared/Storage/PostgreSQL/"],
    "CLinux": [
      "Shared/Transport/Client/ClientPool.swift", "Shared/Transport/Connection/Connection.swift",
      "Shared/Transport/Loop/EventLoop.swift", "Shared/Transport/Loop/LoopCore.swift",
      "Shared/Transport/Loop/Poller.swift", "Shared/Transport/Loop/Sockets.swift",
      "Shared/Transport/Loop/Thread.swift", "Shared/Transport/Server/Listener.swift",
      "Shared/Transport/TLS/CertificateSource.swift", "Shared/ServiceKit/Memory.swift",
      "Tests/TransportTests/",
    ],
  ]

  static func findings(_ path: String, _ text: String) -> [Finding] {
    guard let room = allowed.keys.filter(path.hasPrefix).max(by: { $0.count < $1.count }),
      var modules = allowed[room]
    else { return path == "Package.swift" ? [] : [Finding(path, "no room is known for it")] }
    modules.formUnion(standard)
    if room.hasPrefix("Tests/") { modules.formUnion(["Foundation", "Testing"]) }
    return imports(text).flatMap { line, module, hasLevel in
      var findings: [Finding] = []
      if !hasLevel { findings.append(Finding(path, line, "import without an access level")) }
      if !modules.contains(module) {
        findings.append(Finding(path, line, "\(room) may not import \(module)"))
      }
      if let owners = owners[module], !owners.contains(where: path.hasPrefix) {
        findings.append(Finding(path, line, "\(module) belongs to \(owners)"))
      }
      return findings
    }
  }

  /// Each import with its line, and whether it states who sees it.
  static func imports(_ text: String) -> [(line: Int, module: String, hasLevel: Bool)] {
    SwiftSource.of(text).code.enumerated().compactMap { index, line in
      let words = line.split(separator: " ")
      guard let at = words.firstIndex(of: "import"), at + 1 < words.count else { return nil }
      let levels: Set<Substring> = ["public", "package", "internal", "fileprivate", "private"]
      let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "let"]
      let name = words[(at + 1)...].first { !kinds.contains($0) } ?? ""
      let module = String(name.prefix { $0 != "." })
      return (index + 1, module, !levels.isDisjoint(with: words[..<at]))
    }
  }
}

/// What the targets of `Package.swift` declare.
struct DeclaredTargets {
  /// The folder of each target, with its name and what it depends on.
  let targets: [(folder: String, name: String, dependencies: Set<String>)]

  init(_ package: String) {
    let calls = package.split(
      separator: #/\.(?:target|executableTarget|testTarget|systemLibrary)\(|  tests\(/#)
    targets = calls.dropFirst().compactMap { call in
      let end = call.firstRange(of: "\n  ),\n")?.lowerBound ?? call.endIndex
      let text = call[..<end]
      guard let name = text.firstMatch(of: #/"(\w+)"/#)?.1 else { return nil }
      let path = text.firstMatch(of: #/path: "([^"\\]+)"/#)?.1
      let list = text.firstMatch(of: #/\[([^\]]*)\]/#)?.1 ?? ""
      let dependencies = list.matches(of: #/"(\w+)"/#).map { String($0.1) }
      return (String(path ?? "Tests/\(name)") + "/", String(name), Set(dependencies))
    }
  }

  /// Imports of modules of this package that their target does not depend on.
  func findings(_ path: String, _ text: String) -> [Finding] {
    let own = Set(targets.map(\.name))
    guard
      let target = targets.filter({ path.hasPrefix($0.folder) })
        .max(by: { $0.folder.count < $1.folder.count })
    else { return path == "Package.swift" ? [] : [Finding(path, "belongs to no target")] }
    return Imports.imports(text).filter {
      own.contains($0.module) && !target.dependencies.contains($0.module)
    }.map {
      Finding(path, $0.line, "Package.swift does not let \(target.name) depend on \($0.module)")
    }
  }
}

@Suite struct ImportTests {
  @Test("A room imports only what it may, and says who sees it")
  func imports() throws {
    let files = try Repository.files.filter { $0.path.hasSuffix(".swift") }
    expectNone(files.flatMap { Imports.findings($0.path, $0.text) })
  }

  @Test("Every import of a module of ours is declared in Package.swift")
  func declared() throws {
    let files = try Repository.files.filter { $0.path.hasSuffix(".swift") }
    let package = try #require(files.first { $0.path == "Package.swift" })
    let declared = DeclaredTargets(package.text)
    #expect(declared.targets.count >= 15)
    expectNone(files.flatMap { declared.findings($0.path, $0.text) })
  }

  @Test("A forbidden, bare or foreign import is found")
  func finds() {
    let text = "import Messages\ninternal import Wire\n// import Foundation\n"
    #expect(Imports.findings("Shared/Wire/A.swift", text).map(\.line) == [1, 2])
    let c = "internal import CLinux\ninternal import COpenSSL\n"
    #expect(Imports.findings("Shared/Transport/Loop/Poller.swift", c).map(\.line) == [2])
    #expect(Imports.findings("Shared/Transport/TLS/TLSContext.swift", c).map(\.line) == [1])
    #expect(Imports.findings("Shared/Other/A.swift", "").count == 1)
    let kinds = "@testable internal import struct Descriptors.Pool\npublic import Foundation\n"
    #expect(Imports.findings("Services/Homing/Dynamic/A.swift", kinds).map(\.line) == [2])
  }

  @Test("An import that Package.swift does not declare is found")
  func findsUndeclared() {
    let declared = DeclaredTargets(
      """
        .target(name: "A", path: "Shared/A"),
        .target(
          name: "B", dependencies: ["A", .product(name: "P", package: "p")], path: "Shared/B"),
        tests("BTests", ["B"]),
      """)
    #expect(declared.targets.map(\.name) == ["A", "B", "BTests"])
    #expect(declared.findings("Shared/B/B.swift", "internal import A\ninternal import P\n") == [])
    let text = "internal import A\ninternal import B\ninternal import Testing\n"
    #expect(declared.findings("Tests/BTests/B.swift", text).map(\.line) == [1])
    #expect(declared.findings("Shared/C/C.swift", "").count == 1)
  }
}
