// swift-tools-version: 6.1
import PackageDescription

let products: [Product] = [
  // For other teams' Swift services: generated messages, client stubs, the client itself.
  .library(name: "HomingClient", targets: ["Messages", "Wire", "Transport", "Stubs"]),
  .executable(name: "homing", targets: ["Homing"]),
  .executable(name: "cart-tracker", targets: ["CartTracker"]),
  .executable(name: "scheduler", targets: ["Scheduler"]),
  .executable(name: "notifier", targets: ["Notifier"]),
  .executable(name: "direct-mail", targets: ["DirectMail"]),
  .executable(name: "gateway", targets: ["Gateway"]),
  // Makes the generated code; run by proto/generate.
  .executable(name: "homing-generator", targets: ["Generator"]),
]

let dependencies: [Package.Dependency] = [
  .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
  .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
  .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
  .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
  .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
  .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
  .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
  .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
  .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
  .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
]

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .unsafeFlags(["-warnings-as-errors"], .when(configuration: .debug)),
  // Checked in debug builds and in all tests; on the hot path each check costs a table look-up.
  .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

let systemLibraries: [Target] = [
  .systemLibrary(
    name: "CProtobufC", path: "Shared/CProtobufC", pkgConfig: "libprotobuf-c",
    providers: [.apt(["libprotobuf-c-dev"])]),
  .systemLibrary(
    name: "COpenSSL", path: "Shared/COpenSSL", pkgConfig: "openssl",
    providers: [.apt(["libssl-dev"])]),
  .systemLibrary(name: "CLinux", path: "Shared/CLinux"),
  .systemLibrary(
    name: "CPostgres", path: "Shared/CPostgres", pkgConfig: "libpq",
    providers: [.apt(["libpq-dev"])]),
  .systemLibrary(
    name: "CZlib", path: "Shared/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
  .systemLibrary(
    name: "CGMime", path: "Shared/CGMime", pkgConfig: "gmime-3.0",
    providers: [.apt(["libgmime-3.0-dev"])]),
  .systemLibrary(
    name: "CCurl", path: "Shared/CCurl", pkgConfig: "libcurl",
    providers: [.apt(["libcurl4-openssl-dev"])]),
  .systemLibrary(
    name: "CCairo", path: "Shared/CCairo", pkgConfig: "pangocairo",
    providers: [.apt(["libcairo2-dev", "libpango1.0-dev"])]),
  .systemLibrary(
    name: "CTurboJPEG", path: "Shared/CTurboJPEG", pkgConfig: "libturbojpeg",
    providers: [.apt(["libturbojpeg0-dev"])]),
  .systemLibrary(name: "CZint", path: "Shared/CZint", providers: [.apt(["libzint-dev"])]),
]

/// What more than one executable needs. Who may import whom is checked by TidyTests.
let shared: [Target] = [
  .target(name: "CMessages", dependencies: ["CProtobufC"], path: "Shared/CMessages"),
  .target(
    name: "Messages", dependencies: ["CMessages", "CProtobufC"], path: "Shared/Messages",
    swiftSettings: settings),
  .target(
    name: "Wire", dependencies: ["Messages"], path: "Shared/Wire", swiftSettings: settings),
  .target(
    name: "Transport", dependencies: ["CLinux", "COpenSSL", "Messages", "Wire"],
    path: "Shared/Transport", swiftSettings: settings),
  .target(
    name: "Stubs", dependencies: ["Messages", "Transport", "Wire"], path: "Shared/Stubs",
    swiftSettings: settings),
  .target(name: "Descriptors", path: "Shared/Descriptors", swiftSettings: settings),
  .target(
    name: "Storage",
    dependencies: [
      "CPostgres",
      .product(name: "GRDB", package: "GRDB.swift"),
      .product(name: "GRDBSQLite", package: "GRDB.swift"),
    ], path: "Shared/Storage", swiftSettings: settings),
  .target(
    name: "ServiceKit",
    dependencies: [
      "CLinux", "COpenSSL", "Descriptors", "Messages", "Stubs", "Transport", "Wire",
      .product(name: "Configuration", package: "swift-configuration"),
      .product(name: "Logging", package: "swift-log"),
    ], path: "Shared/ServiceKit", swiftSettings: settings),
  .target(
    name: "Delivery",
    dependencies: [
      "Messages", "ServiceKit", "Storage", "Transport", "Wire",
      .product(name: "Logging", package: "swift-log"),
    ], path: "Shared/Delivery", resources: [.embedInCode("Recipients/country-zones.txt")],
    swiftSettings: settings),
  .target(
    name: "Texts", dependencies: ["Messages", "ServiceKit"], path: "Shared/Texts",
    swiftSettings: settings),
]

let services: [Target] = [
  .executableTarget(
    name: "CartTracker",
    dependencies: [
      "Delivery", "Messages", "ServiceKit", "Storage", "Stubs", "Transport", "Wire",
      .product(name: "DequeModule", package: "swift-collections"),
      .product(name: "Logging", package: "swift-log"),
    ], path: "Services/CartTracker", resources: [.embedInCode("Legal/legal-rules.txt")],
    swiftSettings: settings),
  .executableTarget(
    name: "Scheduler",
    dependencies: [
      "Delivery", "Messages", "ServiceKit", "Storage", "Stubs", "Transport", "Wire",
      .product(name: "Logging", package: "swift-log"),
      .product(name: "Yams", package: "Yams"),
    ], path: "Services/Scheduler", swiftSettings: settings),
  .executableTarget(
    name: "Notifier",
    dependencies: [
      "CCurl", "CGMime", "Delivery", "Messages", "ServiceKit", "Storage", "Stubs",
      "Texts", "Transport", "Wire",
      .product(name: "DequeModule", package: "swift-collections"),
      .product(name: "Logging", package: "swift-log"),
      .product(name: "Mustache", package: "swift-mustache"),
    ], path: "Services/Notifier", swiftSettings: settings),
  .executableTarget(
    name: "DirectMail",
    dependencies: [
      "CCairo", "CTurboJPEG", "CZint", "Delivery", "Messages", "ServiceKit", "Storage", "Stubs",
      "Texts", "Transport", "Wire",
      .product(name: "Logging", package: "swift-log"),
      .product(name: "Yams", package: "Yams"),
    ], path: "Services/DirectMail",
    resources: [.embedInCode("Addresses/postal-formats.yaml")], swiftSettings: settings),
  .executableTarget(
    name: "Gateway",
    dependencies: [
      "Messages", "ServiceKit", "Stubs", "Transport", "Wire",
      .product(name: "HTTPTypes", package: "swift-http-types"),
      .product(name: "HummingbirdCore", package: "hummingbird"),
      .product(name: "Logging", package: "swift-log"),
      .product(name: "NIOCore", package: "swift-nio"),
      .product(name: "NIOPosix", package: "swift-nio"),
    ], path: "Services/Gateway", swiftSettings: settings),
  .executableTarget(
    name: "Homing",
    dependencies: [
      "COpenSSL", "CZlib", "Descriptors", "DynamicMessages", "Messages", "ServiceKit", "Stubs",
      "Transport", "Wire",
      .product(name: "ArgumentParser", package: "swift-argument-parser"),
      .product(name: "Histogram", package: "hdrhistogram-swift"),
    ], path: "Services/Homing", exclude: ["Dynamic"],
    // Flows and templates as files, in the program.
    resources: [
      .embedInCode("Shipped/flows"), .embedInCode("Shipped/letters"),
      .embedInCode("Shipped/templates"),
    ],
    swiftSettings: settings),
  .target(
    name: "DynamicMessages", dependencies: ["Descriptors"], path: "Services/Homing/Dynamic",
    swiftSettings: settings),
  .executableTarget(
    name: "Generator", dependencies: ["Descriptors"], path: "proto/Generator",
    swiftSettings: settings),
]

/// A test target is the folder of its name below Tests.
func tests(
  _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []
) -> Target {
  .testTarget(
    name: name, dependencies: dependencies, path: "Tests/\(name)", exclude: exclude,
    swiftSettings: settings)
}

let testTargets: [Target] = [
  .target(
    name: "TestSupport",
    dependencies: ["COpenSSL", "Messages", "Storage", "Stubs", "Transport", "Wire"],
    path: "Tests/Support", swiftSettings: settings),
  tests("MessagesTests", ["Descriptors", "Messages"], exclude: ["Corpus"]),
  tests("WireTests", ["Messages", "Wire"], exclude: ["Corpus"]),
  tests(
    "TransportTests",
    ["CLinux", "Messages", "ServiceKit", "Stubs", "TestSupport", "Transport", "Wire"]),
  tests("GeneratorTests", ["Descriptors", "Generator"]),
  tests("StorageTests", ["Storage", "TestSupport"]),
  tests(
    "ServiceKitTests",
    [
      "Messages", "ServiceKit", "Stubs", "TestSupport", "Transport", "Wire",
      .product(name: "Configuration", package: "swift-configuration"),
      .product(name: "Logging", package: "swift-log"),
    ]),
  tests(
    "CartTrackerTests",
    [
      "CartTracker", "Delivery", "Messages", "ServiceKit", "Storage", "Stubs", "TestSupport",
      "Transport",
      "Wire",
    ]),
  tests(
    "DeliveryTests",
    [
      "Delivery", "Messages", "ServiceKit", "Storage", "Stubs", "TestSupport", "Transport", "Wire",
      .product(name: "Logging", package: "swift-log"),
    ]),
  tests(
    "SchedulerTests",
    [
      "Delivery", "Messages", "Scheduler", "ServiceKit", "Storage", "Stubs", "TestSupport",
      "Transport", "Wire",
      .product(name: "Logging", package: "swift-log"),
    ]),
  tests(
    "NotifierTests",
    [
      "Delivery", "Messages", "Notifier", "ServiceKit", "Storage", "Stubs", "TestSupport", "Texts",
      "Transport", "Wire",
      .product(name: "Logging", package: "swift-log"),
      .product(name: "Mustache", package: "swift-mustache"),
    ], exclude: ["mail_check.py", "tls_sink.py"]),
  tests(
    "DirectMailTests",
    [
      "CCairo", "Delivery", "DirectMail", "Messages", "ServiceKit", "Storage", "Stubs",
      "TestSupport", "Texts", "Transport", "Wire",
      .product(name: "Logging", package: "swift-log"),
    ]),
  tests(
    "GatewayTests",
    [
      "Gateway", "Messages", "ServiceKit", "Stubs", "TestSupport", "Transport", "Wire",
      .product(name: "Logging", package: "swift-log"),
    ]),
  tests(
    "SuiteTests",
    [
      "CartTracker", "DirectMail", "Gateway", "Homing", "Messages", "Notifier", "Scheduler",
      "Stubs", "TestSupport", "Transport", "Wire",
    ]),
  tests(
    "HomingTests",
    [
      "Descriptors", "DynamicMessages", "Homing", "Messages", "Stubs", "Transport", "Wire",
      .product(name: "ArgumentParser", package: "swift-argument-parser"),
    ]),
  tests("TidyTests", []),
  // Gives orders to a notifier that is measured, and stands in for cart-tracker.
  .executableTarget(
    name: "NotifierLoad", dependencies: ["Messages", "Stubs", "Transport", "Wire"],
    path: "Tests/BenchmarkTests/NotifierLoad", swiftSettings: settings),
  // The Swift halves of cross-checks with Google's protobuf.
  .executableTarget(
    name: "CodecMirror", dependencies: ["Messages"], path: "Tests/Interop/CodecMirror",
    swiftSettings: settings),
  .executableTarget(
    name: "JSONMirror", dependencies: ["DynamicMessages"], path: "Tests/Interop/JSONMirror",
    swiftSettings: settings),
]

let package = Package(
  name: "homing", products: products, dependencies: dependencies,
  targets: systemLibraries + shared + services + testTargets)
