internal import ArgumentParser
internal import ServiceKit
internal import Stubs
internal import Transport
internal import Wire

/// `homing echo`: a server to try clients, certificates and networks against.
struct EchoCommand: HomingSubcommand {
  static let configuration = CommandConfiguration(
    commandName: "echo", abstract: "Serve the test service homing.echo.v1.Echo.",
    discussion: """
      Prints `listening on HOST:PORT` when it takes connections, and ends on SIGTERM or SIGINT \
      after the calls that are running; a second signal ends it at once. SIGHUP looks at the \
      certificate files again. Every identity of the trust domain holds the role `peer`; other \
      roles are granted by --grant.
      """)

  @Option(help: "Where to listen, HOST:PORT; port 0 takes a free one.")
  var listen: String

  @OptionGroup var connection: ConnectionOptions

  @OptionGroup var output: OutputOptions

  @Option(help: "Loops to run (default: one per core).")
  var threads: Int?

  @Option(help: "A grant, URI=ROLE[,ROLE…][@STORE,…]. Repeatable.")
  var grant: [String] = []

  @Option(help: "Most connections at once.")
  var connectionsMax = 16_384

  @Option(help: "How long calls may run on after a signal, in seconds.")
  var drainSeconds = 5

  func validate() throws {
    if let threads, !(1...256).contains(threads) {
      throw ValidationError("--threads is \(threads), allowed are 1 to 256")
    }
    if connectionsMax < 1 {
      throw ValidationError("--connections-max is \(connectionsMax), the least is 1")
    }
  }

  func perform() async throws {
    var methods = MethodTable()
    EchoHandler().register(in: &methods)
    let health = try methods.addStandardServices()
    var configuration = ServerConfiguration(tls: try connection.tls())
    configuration.grants = try Grants(parsing: grant)
    configuration.connectionsMax = connectionsMax
    let signals = Signals([.terminate, .interrupt, .hangUp])
    let group = try EventLoopGroup(count: threads)
    let server = try Server(configuration, methods: methods, group: group)
    let target = try ConnectionOptions.target(listen)
    let port = try await server.listen(on: target)
    Terminal.print("listening on \(Target(host: target.host, port: port))")
    for await signal in signals.received {
      guard signal == .hangUp else { break }
      server.reloadCertificates()
    }
    signals.endOnNext()
    health.drain()
    await server.drain(timeout: .seconds(drainSeconds))
    group.stop()
  }
}
