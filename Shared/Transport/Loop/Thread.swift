internal import CLinux
internal import Glibc

/// Threads of our own, for loops and for calls that block.
package enum Thread {
  /// Starts a detached thread.
  ///
  /// - Parameter name: shown by the system's tools; at most 15 bytes are.
  package static func start(
    name: String, _ body: @escaping @Sendable () -> Void
  ) throws(SystemError) {
    let box = Unmanaged.passRetained(Body(name: name, body: body))
    var thread = pthread_t()
    let result = pthread_create(
      &thread, nil,
      { raw in
        let box = Unmanaged<Body>.fromOpaque(raw!).takeRetainedValue()
        homing_name_thread(box.name)
        box.body()
        return nil
      }, box.toOpaque())
    if result != 0 {
      box.release()
      throw SystemError("pthread_create", result)
    }
    pthread_detach(thread)
  }

  private final class Body: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }
}
