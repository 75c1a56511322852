internal import Logging
internal import Messages
@testable internal import ServiceKit
internal import Stubs
internal import TestSupport
internal import Testing
internal import Transport
internal import Wire

@Suite(.serialized) struct ServiceRunTests {
  /// A service in this process, told to end by the test.
  private struct Fixture: Sendable {
    let authority: TestAuthority
    let run: ServiceRun
    let signal: AsyncStream<Signals.Signal>.Continuation
    let printed = Journal<String>()
    let seen: Journal<String>
    let gaveUp: Promise<Int32>

    init(virtual: Bool = false) throws {
      authority = try TestAuthority()
      let identity = try authority.issue("server")
      var settings = Settings(environment: [
        "HOMING_LISTEN": "127.0.0.1:0", "HOMING_CERT": identity.certificateFile,
        "HOMING_KEY": identity.keyFile, "HOMING_CA": identity.authorityFile,
        "HOMING_GRANTS": "spiffe://test/client=operator", "HOMING_STOP_SECONDS": "1",
        "HOMING_CLOCK": virtual ? "virtual" : "system", "HOMING_SEED": "5",
      ])
      let configuration = ServiceConfiguration(&settings, hasData: false)
      try settings.check()
      let clock = virtual ? VirtualClock() : nil
      let context = ServiceContext(
        name: "test", configuration: configuration,
        log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
        clock: clock ?? SystemClock(), virtualClock: clock, group: TestLoops.group,
        health: HealthRegistry(), seed: 5)
      let (signals, signal) = AsyncStream.makeStream(of: Signals.Signal.self)
      self.signal = signal
      let (printed, seen, gaveUp) = (printed, Journal<String>(), Promise<Int32>())
      self.seen = seen
      self.gaveUp = gaveUp
      run = ServiceRun(
        context: context, signals: signals, onEnd: { seen.add("end") },
        print: { printed.add($0) }, giveUp: { gaveUp.fulfil($0) })
    }

    func part(
      _ name: String, start: @escaping @Sendable () async throws -> Void = {},
      stop: @escaping @Sendable () async -> Void = {}
    ) -> SimplePart {
      SimplePart(
        name,
        start: { [seen] in
          try await start()
          seen.add("start \(name)")
        },
        stop: { [seen] in
          await stop()
          seen.add("stop \(name)")
        })
    }

    func client() async throws -> Client {
      let line = await printed.wait()
      let port = try Target(String(line.dropFirst("listening on ".count))).port
      return try TestServer.client(port: port, try authority.issue("client")) {
        $0.attemptsMax = 1
      }
    }
  }

  /// Runs a service beside `body`, which ends it.
  ///
  /// - Returns: the exit code.
  private func serve(
    _ fixture: Fixture, _ parts: [any ServicePart],
    virtualTime: (any VirtualTimeSubject)? = nil,
    _ body: @Sendable (Fixture) async throws -> Void
  ) async -> Int32 {
    await withTimeout(late: { Issue.record("the service is late") }) {
      async let code = fixture.run.run { _ in
        ServiceParts(parts: parts, virtualTime: virtualTime) { TestEcho().register(in: &$0) }
      }
      do {
        try await body(fixture)
      } catch {
        Issue.record(error)
        fixture.signal.yield(.terminate)
      }
      return await code
    }
  }

  @Test("The port answers health while parts start; calls are turned away until they have")
  func readiness() async throws {
    let fixture = try Fixture()
    let recovered = Promise<Void>()
    let parts = [fixture.part("a", start: { await recovered.value }), fixture.part("b")]
    let code = await serve(fixture, parts) { fixture in
      let client = try await fixture.client()
      let health = HealthV1.HealthClient(client)
      #expect(try await health.check(.init()).status == .notServing)
      let early = try await rpcError { try await EchoV1.EchoClient(client).empty(.init()) }
      #expect(early.code == .unavailable && early.retryAfter == .milliseconds(250))
      let watch = try await health.watch(.init())
      #expect(try await watch.next()?.status == .notServing)
      recovered.fulfil()
      #expect(try await watch.next()?.status == .serving)
      _ = try await EchoV1.EchoClient(client).empty(.init())
      watch.cancel()
      fixture.signal.yield(.hangUp)
      _ = try await EchoV1.EchoClient(client).empty(.init())
      fixture.signal.yield(.terminate)
    }
    #expect(code == ServiceExit.ended)
    #expect(fixture.seen.entries == ["start a", "start b", "end", "stop b", "stop a"])
  }

  @Test("A part that fails to start ends the service; those before it are stopped")
  func failedStart() async throws {
    struct Broken: Error {}
    let fixture = try Fixture()
    let parts = [
      fixture.part("a"), fixture.part("b", start: { throw Broken() }), fixture.part("c"),
    ]
    let code = await serve(fixture, parts) { _ in }
    #expect(code == ServiceExit.failed)
    #expect(fixture.seen.entries == ["start a", "end", "stop a"])
  }

  @Test("A service told to end while it starts ends, and starts no further part")
  func endedEarly() async throws {
    let fixture = try Fixture()
    let clock = VirtualClock()
    let parts = [
      fixture.part("a"), fixture.part("b", start: { try await clock.wait(until: .latest) }),
      fixture.part("c"),
    ]
    let code = await serve(fixture, parts) { fixture in
      await fixture.seen.wait { $0 == "start a" }
      fixture.signal.yield(.interrupt)
    }
    #expect(code == ServiceExit.ended)
    #expect(fixture.seen.entries == ["start a", "end", "stop a"])
  }

  @Test("Parts that do not stop in time are given up with 1")
  func lateStop() async throws {
    let fixture = try Fixture()
    let parts = [fixture.part("a", stop: { [gaveUp = fixture.gaveUp] in _ = await gaveUp.value })]
    _ = await serve(fixture, parts) { fixture in
      await fixture.seen.wait()
      fixture.signal.yield(.terminate)
    }
    #expect(fixture.gaveUp.now == ServiceExit.failed)
  }

  @Test("The clock is served where it is virtual, and only there")
  func clock() async throws {
    struct Still: VirtualTimeSubject {
      func nextDue(after instant: Instant) -> Instant? { nil }
      let isIdle = true
      let sent: UInt64 = 0
      let received: UInt64 = 0
      func advanced(to instant: Instant) {}
    }
    for virtual in [true, false] {
      let fixture = try Fixture(virtual: virtual)
      let code = await serve(fixture, [], virtualTime: Still()) { fixture in
        let client = try await fixture.client()
        let watch = try await HealthV1.HealthClient(client).watch(.init())
        while try await watch.next()?.status != .serving {}
        watch.cancel()
        let clock = ClockV1.ClockClient(client)
        if virtual {
          #expect(try await clock.status(.init()).idle)
        } else {
          let error = try await rpcError { try await clock.status(.init()) }
          #expect(error.code == .unimplemented)
        }
        fixture.signal.yield(.terminate)
      }
      #expect(code == ServiceExit.ended)
    }
  }

  @Test("A service that has no virtual time does not start with a virtual clock")
  func noVirtualTime() async throws {
    let fixture = try Fixture(virtual: true)
    let code = await serve(fixture, []) { _ in }
    #expect(code == ServiceExit.failed)
    #expect(fixture.printed.entries.isEmpty)
  }

  @Test("Seeds of parts differ, and are the same for the same seed of the process")
  func seeds() throws {
    let context = try Fixture().run.context
    #expect(context.seed(for: "a") == (try Fixture().run.context.seed(for: "a")))
    #expect(context.seed(for: "a") != context.seed(for: "b"))
  }

  @Test("A fatal error ends the process with 70, a wrong configuration with 78")
  func exits() async throws {
    await #expect(processExitsWith: .exitCode(70)) {
      try Fixture().run.context.fatal("a commit failed")
    }
    let wrong = await #expect(
      processExitsWith: .exitCode(78), observing: [\.standardErrorContent]
    ) { await Self.start([]) }
    let said = String(decoding: wrong?.standardErrorContent ?? [], as: UTF8.self)
    #expect(said.contains("test: HOMING_LISTEN is required: HOST:PORT\n"))
    #expect(said.contains("test: HOMING_NEEDED is required: text\n"))
    await #expect(processExitsWith: .exitCode(78)) { await Self.start(["--typo"]) }
  }

  @Test("--help lists the keys, the service's own after those that all have")
  func help() async throws {
    let result = await #expect(
      processExitsWith: .exitCode(0), observing: [\.standardOutputContent]
    ) { await Self.start(["--help"]) }
    let said = String(decoding: result?.standardOutputContent ?? [], as: UTF8.self)
    #expect(said.contains("test: Tests.\n\nHOMING_CONFIG\n"))
    #expect(said.contains("HOMING_NEEDED\n    N.\n    text; required\n"))
  }

  private static func start(_ arguments: [String]) async {
    await ServiceRunner.run(
      name: "test", purpose: "Tests.", arguments: arguments,
      settings: { $0.text("HOMING_NEEDED", "N.") },
      compose: { _, _ in ServiceParts(parts: []) { _ in } })
  }
}
