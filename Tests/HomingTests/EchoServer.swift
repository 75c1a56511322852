internal import Foundation
internal import Glibc
internal import Synchronization

@testable internal import Homing

/// `homing echo` with certificates of its own, ended with the object.
final class EchoServer: Sendable {
  /// What one run of the program printed and ended with.
  struct Run: Sendable {
    var output: String
    var errors: String
    var code: Int32
  }

  enum Failure: Error {
    case noProgram
    case didNotListen(String)
  }

  /// Certificates: `ca.pem`, and pairs for `server` and `client`.
  let folder: String
  let port: Int
  private let processID: pid_t

  /// Another run of the tests begins elsewhere.
  private static let nextPort = Atomic(Int(getpid()) &* 31 % 12_000)

  var target: String { "localhost:\(port)" }

  static func start() async throws -> EchoServer {
    let folder = try TemporaryFolder.make()
    let certificates = try await run(
      ["certs", "--out", folder, "--name", "server", "--name", "client"], environment: [:])
    guard certificates.code == 0 else { throw Failure.didNotListen(certificates.errors) }
    // Below the range from which the system takes ports for outgoing connections; a taken one is
    // passed over.
    for _ in 0..<50 {
      let port = 20_000 + nextPort.add(7, ordering: .relaxed).newValue % 12_000
      let server = try await BlockingWork.run { try listen(on: port, folder) }
      if let server { return server }
    }
    throw Failure.didNotListen("no free port")
  }

  private init(folder: String, port: Int, processID: pid_t) {
    self.folder = folder
    self.port = port
    self.processID = processID
  }

  deinit {
    kill(processID, SIGKILL)
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// Runs the program with the client's certificate.
  func homing(_ arguments: String..., input: String = "") async throws -> Run {
    try await homing(arguments, input: input)
  }

  func homing(_ arguments: [String], input: String = "") async throws -> Run {
    let environment = [
      "HOMING_CERT": folder + "/client.pem", "HOMING_KEY": folder + "/client.key",
      "HOMING_CA": folder + "/ca.pem",
    ]
    return try await EchoServer.run(arguments, environment: environment, input: input)
  }

  private static func run(
    _ arguments: [String], environment: [String: String], input: String = ""
  ) async throws -> Run {
    try await BlockingWork.run {
      let process = try program(arguments)
      process.environment = environment
      let (standardInput, output, errors) = (Pipe(), Pipe(), Pipe())
      process.standardInput = standardInput
      process.standardOutput = output
      process.standardError = errors
      try process.run()
      try standardInput.fileHandleForWriting.write(contentsOf: Data(input.utf8))
      try standardInput.fileHandleForWriting.close()
      // What the program prints here fits a pipe, so reading one after the other cannot stall it.
      let text = output.fileHandleForReading.readDataToEndOfFile()
      let errorText = errors.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      return Run(
        output: String(decoding: text, as: UTF8.self),
        errors: String(decoding: errorText, as: UTF8.self), code: process.terminationStatus)
    }
  }

  /// Nil where the port is taken.
  private static func listen(on port: Int, _ folder: String) throws -> EchoServer? {
    let process = try program([
      "echo", "--listen", "127.0.0.1:\(port)", "--cert", folder + "/server.pem", "--key",
      folder + "/server.key", "--ca", folder + "/ca.pem", "--threads", "1",
    ])
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    var text = ""
    while !text.contains("\n") {
      let chunk = output.fileHandleForReading.availableData
      if chunk.isEmpty {
        process.waitUntilExit()
        return nil
      }
      text += String(decoding: chunk, as: UTF8.self)
    }
    return EchoServer(folder: folder, port: port, processID: process.processIdentifier)
  }

  /// The program that was built with these tests, beside them.
  private static func program(_ arguments: [String]) throws -> Process {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let folder = URL(fileURLWithPath: tests).deletingLastPathComponent()
    let found = ["homing", "Homing"].map { folder.appendingPathComponent($0) }.first {
      FileManager.default.isExecutableFile(atPath: $0.path)
    }
    guard let found else { throw Failure.noProgram }
    let process = Process()
    process.executableURL = found
    process.arguments = arguments
    return process
  }
}
