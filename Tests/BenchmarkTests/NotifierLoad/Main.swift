internal import Foundation
internal import Messages
internal import Stubs
internal import Transport
internal import Wire

/// Feeds a notifier with orders and tells how fast they went out: stands in for the scheduler, and
/// for cart-tracker, which gives every permission with the facts of a cart of three lines.
///
/// Prints `listening on PORT`, reads the notifier's HOST:PORT from standard input, prints
/// `prepared`, waits for a line, then prints one line of JSON. With NOTIFIER_BRAKES there is much
/// that might hold a mail back. Identity and authority are read from HOMING_CERT, HOMING_KEY and
/// HOMING_CA.
@main
struct Main {
  static func main() async throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 6, let count = Int(arguments[1]), let lead = Int64(arguments[2]) else {
      FileHandle.standardError.write(
        Data("NotifierLoad ORDERS LEAD-SECONDS SUBJECT-FILE HTML-FILE TEXT-FILE\n".utf8))
      exit(2)
    }
    let environment = ProcessInfo.processInfo.environment
    let tls = TLSConfiguration(
      certificateFile: environment["HOMING_CERT"] ?? "", keyFile: environment["HOMING_KEY"] ?? "",
      authorityFile: environment["HOMING_CA"] ?? "")
    let group = try EventLoopGroup(count: 1)
    let standIn = StandIn()
    var methods = MethodTable()
    standIn.register(&methods)
    var configuration = ServerConfiguration(tls: tls)
    configuration.grants = try Grants(parsing: [
      "\(environment["NOTIFIER_URI"] ?? "spiffe://homing.test/notifier")=notifier"
    ])
    let server = try Server(configuration, methods: methods, group: group)
    let port = try await server.listen(on: Target(host: "127.0.0.1", port: 0))
    print("listening on \(port)")
    fflush(nil)
    guard let target = readLine() else { exit(2) }
    let client = try Client(Target(target), tls: tls, group: group)
    let texts = try arguments[3...5].map { try String(contentsOfFile: $0, encoding: .utf8) }
    let load = Load(
      client: NotifierV1.NotifierClient(client), standIn: standIn, count: count, lead: lead,
      brakes: environment["NOTIFIER_BRAKES"] != nil)
    try await load.prepare(subject: texts[0], html: texts[1], text: texts[2])
    // What this took is no part of what is measured.
    print("prepared")
    fflush(nil)
    guard readLine() != nil else { exit(2) }
    print(try await load.run())
    exit(0)
  }
}
