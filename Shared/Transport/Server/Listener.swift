internal import CLinux
internal import Glibc
internal import Synchronization
internal import Wire

/// Accepts connections on one loop and spreads them over all, one after the other.
final class Listener: Pollable {
  private static let acceptBatch = 64
  private static let backOff = Duration.milliseconds(100)

  private let descriptor: Int32
  private let core: LoopCore
  private let server: ServerCore
  private let loops: [EventLoop]
  private var slot = -1
  private var nextLoop = 0
  private var isStopped = false
  private var nextCertificateLook: MonotonicInstant

  init(descriptor: Int32, core: LoopCore, server: ServerCore, loops: [EventLoop]) {
    self.descriptor = descriptor
    self.core = core
    self.server = server
    self.loops = loops
    nextCertificateLook = core.now + server.configuration.certificateInterval
  }

  func start() throws(SystemError) {
    slot = try core.watch(self, descriptor, .read)
  }

  func stop() {
    if isStopped { return }
    isStopped = true
    core.unwatch(descriptor, slot: slot)
    close(descriptor)
  }

  override func ready(_ ready: Interest) {
    for _ in 0..<Listener.acceptBatch {
      let limit = server.configuration.handshakesMax
      // More handshakes than that wait in the system's queue until some have ended.
      if server.handshakeCount.load(ordering: .relaxed) >= limit { return pause() }
      let socket = homing_accept(descriptor)
      if socket < 0 {
        switch errno {
        case EAGAIN: return
        case EINTR, ECONNABORTED, EPROTO: continue
        default:
          // Out of descriptors or memory: epoll would report the waiting connection over and over.
          server.configuration.observe(.acceptFailed(SystemError("accept").description))
          return pause()
        }
      }
      _ = homing_no_delay(socket)
      server.handshakeCount.add(1, ordering: .relaxed)
      let loop = loops[nextLoop]
      nextLoop = (nextLoop + 1) % loops.count
      loop.execute { [server] in Listener.adopt(socket, loop.core, server) }
    }
  }

  private static func adopt(_ socket: Int32, _ core: LoopCore, _ server: ServerCore) {
    let connection = ServerConnection(
      descriptor: socket,
      session: TLSSession(server.certificates.context, descriptor: socket),
      limits: server.limits, core: core, server: server)
    do {
      try connection.start()
    } catch {
      server.handshakeCount.subtract(1, ordering: .relaxed)
      server.configuration.observe(.acceptFailed(error.description))
      close(socket)
    }
  }

  private func pause() {
    core.setInterest([], descriptor, slot: slot)
    _ = core.schedule(after: Listener.backOff) { [self] in
      if !isStopped { core.setInterest(.read, descriptor, slot: slot) }
    }
  }

  override func sweep(now: MonotonicInstant) {
    if now < nextCertificateLook { return }
    nextCertificateLook = now + server.configuration.certificateInterval
    server.reloadCertificates()
  }
}
