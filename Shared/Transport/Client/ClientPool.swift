internal import CLinux
internal import Glibc
internal import Synchronization
internal import Wire

/// The connections of one client: makes them when calls need them, gives each call the least
/// loaded, leaves those that the target's name no longer leads to.
final class ClientPool: Sendable {
  private struct Slot {
    let connection: LoopBound<ClientConnection>
    let address: SocketAddress
    var callCount = 0
    var failuresInARow = 0
  }

  /// What a look at the pool says to do.
  private typealias Pick = (
    connection: LoopBound<ClientConnection>?, makesOne: Bool, resolves: Bool
  )

  /// Why an address is not tried for a while.
  private struct Penalty {
    var failures: Int
    var until: MonotonicInstant
  }

  private struct State {
    var slots: [ObjectIdentifier: Slot] = [:]
    /// Connections being made.
    var connectingCount = 0
    var isResolving = false
    var addresses: [SocketAddress] = []
    var resolvedAt: MonotonicInstant?
    var penalties: [SocketAddress: Penalty] = [:]
    var waiters: [Int: CheckedContinuation<Void, any Error>] = [:]
    var nextWaiter = 0
    /// Why the last connection could not be made.
    var lastFailure: RPCError?
    var isClosed = false
  }

  private static let penaltyBase = Duration.milliseconds(100)
  private static let penaltyMax = Duration.seconds(2)

  let target: Target
  let configuration: ClientConfiguration
  private let certificates: CertificateSource
  private let group: EventLoopGroup
  private let limits: Limits
  private let resolve: @Sendable (Target) throws(RPCError) -> [SocketAddress]
  private let state = Mutex(State())

  /// - Parameter resolve: every address of the target; may block.
  init(
    _ target: Target, tls: TLSConfiguration, configuration: ClientConfiguration,
    group: EventLoopGroup,
    resolve: @escaping @Sendable (Target) throws(RPCError) -> [SocketAddress] = Sockets.resolve
  ) throws {
    try configuration.limits.validate()
    self.target = target
    self.resolve = resolve
    self.configuration = configuration
    self.group = group
    certificates = try CertificateSource(.client, tls)
    var limits = configuration.limits
    limits.handshakeTimeout = configuration.connectTimeout
    self.limits = limits
  }

  // MARK: - For calls

  /// The least loaded open connection, with the call counted in; waits for one where there is none.
  ///
  /// - Throws: UNAVAILABLE, not looked at, where none can be made; DEADLINE_EXCEEDED.
  func acquire(deadline: MonotonicInstant?) async throws -> LoopBound<ClientConnection> {
    while true {
      let pick = try pick()
      if pick.makesOne { makeConnection() }
      if pick.resolves { resolveAgain() }
      if let connection = pick.connection { return connection }
      try await waitForConnection(deadline: deadline)
    }
  }

  private func pick() throws(RPCError) -> Pick {
    let pick: Pick? = state.withLock { state in
      if state.isClosed { return nil }
      let least = state.slots.min { $0.value.callCount < $1.value.callCount }
      let count = state.slots.count + state.connectingCount
      let isWanted =
        count == 0 || count < configuration.connectionsMin
        || (least.map { $0.value.callCount >= configuration.callsPerConnection } ?? false
          && state.connectingCount == 0 && count < configuration.connectionsMax)
      let resolves = least != nil && !state.isResolving && !isFresh(state)
      if isWanted { state.connectingCount += 1 }
      if resolves { state.isResolving = true }
      if let least { state.slots[least.key]!.callCount += 1 }
      return (least?.value.connection, isWanted, resolves)
    }
    guard let pick else { throw RPCError(.failedPrecondition, "the client is closed") }
    return pick
  }

  private func isFresh(_ state: borrowing State) -> Bool {
    state.resolvedAt.map { .now - $0 < configuration.resolveInterval } ?? false
  }

  private func waitForConnection(deadline: MonotonicInstant?) async throws {
    let number = state.withLock { state in
      state.nextWaiter += 1
      return state.nextWaiter
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        // A connection may have come in between; then there is nothing to wait for.
        let (goesOn, failure) = state.withLock { state -> (Bool, RPCError?) in
          if !state.slots.isEmpty || Task.isCancelled { return (true, nil) }
          // The attempt this call asked for may have failed already.
          if state.connectingCount == 0 { return (true, state.lastFailure) }
          state.waiters[number] = continuation
          return (false, nil)
        }
        if let failure { return continuation.resume(throwing: unavailable(failure)) }
        if goesOn { return continuation.resume() }
        if let deadline { arm(number, deadline) }
      }
    } onCancel: {
      giveUp(number, RPCError(.cancelled, "the call was cancelled"))
    }
    try Task.checkCancellation()
  }

  private func arm(_ number: Int, _ deadline: MonotonicInstant) {
    let loop = group.loops[0]
    loop.execute { [self] in
      _ = loop.core.schedule(at: deadline) {
        self.giveUp(number, self.noConnectionInTime)
      }
    }
  }

  private func unavailable(_ reason: RPCError) -> RPCError {
    RPCError(.unavailable, "\(target): \(reason.message)", cause: reason).notLookedAt
  }

  private var noConnectionInTime: RPCError {
    let last = state.withLock { $0.lastFailure }
    let why = last.map { ": \($0.message)" } ?? ""
    return RPCError(
      .deadlineExceeded, "no connection to \(target) in time" + why, cause: last
    ).notLookedAt
  }

  private func giveUp(_ number: Int, _ error: RPCError) {
    let waiter = state.withLock { $0.waiters.removeValue(forKey: number) }
    waiter?.resume(throwing: error)
  }

  /// A call's outcome, for the choice of connections.
  func judged(_ connection: ClientConnection, _ error: RPCError?) {
    let isUnavailable = error?.code == .unavailable && error?.isFromPeer == true
    let tooMany = state.withLock { state in
      let key = ObjectIdentifier(connection)
      guard let slot = state.slots[key] else { return false }
      let failures = isUnavailable ? slot.failuresInARow + 1 : 0
      state.slots[key]!.failuresInARow = failures
      if failures < configuration.failuresMax || state.slots.count < 2 { return false }
      penalise(slot.address, &state)
      return true
    }
    if tooMany { connection.leave() }
  }

  func opened(_ connection: ClientConnection) {
    let bound = LoopBound(connection, on: connection.core.loop)
    let (waiters, isClosed) = state.withLock { state in
      state.connectingCount -= 1
      state.penalties[connection.address] = nil
      state.lastFailure = nil
      if !state.isClosed {
        state.slots[ObjectIdentifier(connection)] = Slot(
          connection: bound, address: connection.address)
      }
      return (exchange(&state.waiters, with: [:]), state.isClosed)
    }
    if isClosed { connection.leave() }
    for waiter in waiters.values { waiter.resume() }
  }

  func callEnded(_ connection: ClientConnection) {
    state.withLock { $0.slots[ObjectIdentifier(connection)]?.callCount -= 1 }
  }

  func leaving(_ connection: ClientConnection) {
    state.withLock { _ = $0.slots.removeValue(forKey: ObjectIdentifier(connection)) }
  }

  func ended(_ connection: ClientConnection, _ reason: RPCError) {
    if connection.peer == nil { return connectFailed(connection.address, reason) }
    leaving(connection)
  }

  private func connectFailed(_ address: SocketAddress?, _ reason: RPCError) {
    typealias Waiters = [Int: CheckedContinuation<Void, any Error>]
    let (waiters, goesOn) = state.withLock { state -> (Waiters, Bool) in
      state.lastFailure = reason
      if let address { penalise(address, &state) }
      // Another address may do; each is tried once before callers are told.
      let rest = state.addresses.contains { state.penalties[$0] == nil }
      if rest && state.slots.isEmpty && !state.isClosed { return ([:], true) }
      state.connectingCount -= 1
      if !state.slots.isEmpty || state.connectingCount > 0 { return ([:], false) }
      return (exchange(&state.waiters, with: [:]), false)
    }
    if goesOn { return makeConnection() }
    let error = unavailable(reason)
    for waiter in waiters.values { waiter.resume(throwing: error) }
  }

  private func penalise(_ address: SocketAddress, _ state: inout State) {
    let failures = min((state.penalties[address]?.failures ?? 0) + 1, 16)
    let span = min(ClientPool.penaltyBase * (1 << (failures - 1)), ClientPool.penaltyMax)
    state.penalties[address] = Penalty(failures: failures, until: .now + span)
  }

  // MARK: - Making connections

  /// Makes one connection, which is counted in `connectingCount` already.
  private func makeConnection() {
    if state.withLock({ isFresh($0) && !$0.addresses.isEmpty }) { return connect() }
    do throws(SystemError) {
      // Looking up a name blocks; it happens seldom.
      try Thread.start(name: "resolve") { [self] in
        do throws(RPCError) {
          try adopt(resolve(target))
          connect()
        } catch {
          connectFailed(nil, error)
        }
      }
    } catch {
      connectFailed(nil, RPCError(.unavailable, error.description))
    }
  }

  private func adopt(_ addresses: [SocketAddress]) throws(RPCError) {
    if addresses.isEmpty { throw RPCError(.unavailable, "\(target.host) has no address") }
    let gone = state.withLock { state in
      state.addresses = addresses
      state.resolvedAt = .now
      state.penalties = state.penalties.filter { $0.value.until > .now }
      return state.slots.values.filter { !addresses.contains($0.address) }
    }
    for slot in gone {
      slot.connection.loop.execute { slot.connection.value.leave() }
    }
  }

  private func connect() {
    let now = MonotonicInstant.now
    let address = state.withLock { state in
      state.addresses.min { a, b in
        rank(a, now, state) < rank(b, now, state)
      }
    }
    guard let address else { return connectFailed(nil, RPCError(.unavailable, "no address")) }
    _ = certificates.refresh()
    let loop = group.next()
    // One that has just failed is left in peace first; callers wait, within their deadlines.
    let peaceful = state.withLock { $0.penalties[address]?.until } ?? now
    loop.execute { [self] in
      _ = loop.core.schedule(at: peaceful) {
        do throws(SystemError) {
          try self.start(address, loop.core)
        } catch {
          self.connectFailed(address, RPCError(.unavailable, error.description))
        }
      }
    }
  }

  /// Looks the name up again in the background: addresses that are gone are left.
  private func resolveAgain() {
    let isOn: Void? = try? Thread.start(name: "resolve") { [self] in
      try? adopt(resolve(target))
      state.withLock {
        $0.isResolving = false
        $0.resolvedAt = .now
      }
    }
    if isOn == nil { state.withLock { $0.isResolving = false } }
  }

  /// Addresses in peace first, then those with the fewest connections.
  private func rank(
    _ address: SocketAddress, _ now: MonotonicInstant, _ state: borrowing State
  ) -> (Int64, Int) {
    let left = state.penalties[address].map { max(0, $0.until.nanoseconds - now.nanoseconds) }
    return (left ?? 0, state.slots.values.count { $0.address == address })
  }

  private func start(_ address: SocketAddress, _ core: LoopCore) throws(SystemError) {
    let descriptor = try Sockets.connect(to: address)
    let context = certificates.context
    let connection = ClientConnection(
      descriptor: descriptor,
      session: TLSSession(context, descriptor: descriptor, tickets: context.tickets),
      address: address, limits: limits, core: core, pool: self)
    do throws(SystemError) {
      try connection.start()
    } catch {
      _ = Glibc.close(descriptor)
      throw error
    }
  }

  /// Leaves every connection; calls that are open end first.
  func close() {
    let (slots, waiters) = state.withLock { state in
      state.isClosed = true
      return (Array(state.slots.values), exchange(&state.waiters, with: [:]))
    }
    for slot in slots { slot.connection.loop.execute { slot.connection.value.leave() } }
    for waiter in waiters.values {
      waiter.resume(throwing: RPCError(.cancelled, "the client was closed"))
    }
  }
}
