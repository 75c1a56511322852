internal import Foundation
@testable internal import Generator

/// Runs protoc on files written for a test, and the generator on what protoc understood.
struct ProtoCompiler {
  /// A file in the package `homing.test.v1`, with our options imported.
  static func file(_ body: String, syntax: String = "proto3") -> String {
    """
    syntax = "\(syntax)";
    package homing.test.v1;
    import "homing/options/v1/options.proto";
    \(body)
    """
  }

  /// The generated files, by name.
  static func generate(_ body: String) throws -> [String: String] {
    try generate(files: ["homing/test/v1/test.proto": file(body)])
  }

  static func generate(files: [String: String]) throws -> [String: String] {
    let request = try request(files)
    let output = try Generator.generate(request) { (bytes) throws(Refusal) in
      try runPlugin("protoc-gen-c", bytes)
    }
    return Dictionary(uniqueKeysWithValues: output.map { ($0.name, $0.content) })
  }

  /// The lines of the refusal; empty where there is none.
  static func refusal(_ body: String, syntax: String = "proto3") throws -> [String] {
    try refusal(files: ["homing/test/v1/test.proto": file(body, syntax: syntax)])
  }

  static func refusal(files: [String: String]) throws -> [String] {
    let contract = try Contract(try request(files))
    return Rules(contract).faults()
  }

  /// The CodeGeneratorRequest that protoc would send for these files.
  static func request(_ files: [String: String]) throws -> PluginRequest {
    try PluginRequest(serialized: requestBytes(files))
  }

  static func requestBytes(_ files: [String: String]) throws -> [UInt8] {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("homing-generator-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, text) in files {
      let place = folder.appendingPathComponent(name)
      try FileManager.default.createDirectory(
        at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: place)
    }
    let set = folder.appendingPathComponent("set.bin")
    try run(
      [
        "protoc", "-I", folder.path, "-I", protoFolder, "--include_imports",
        "--include_source_info", "--experimental_allow_proto3_optional",
        "--descriptor_set_out", set.path,
      ] + files.keys.sorted())
    // A FileDescriptorSet has the files as its field 1, a CodeGeneratorRequest as its field 15.
    var request = WireText()
    for name in files.keys.sorted() { request.field(1, Array(name.utf8)) }
    for file in try WireText.fields(1, of: [UInt8](Data(contentsOf: set))) {
      request.field(15, file)
    }
    return request.bytes
  }

  private static var protoFolder: String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("proto").path
  }

  private struct ProtocFailed: Error { let text: String }

  private static func run(_ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    let output = Pipe()
    process.standardError = output
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw ProtocFailed(text: String(decoding: text, as: UTF8.self))
    }
  }
}
