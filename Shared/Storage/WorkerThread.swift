internal import Glibc

/// A thread of our own, for what blocks.
enum WorkerThread {
  /// Starts a thread that nobody joins and that ends with `body`.
  ///
  /// - Parameter name: at most 15 bytes are shown.
  static func start(name: String, _ body: @escaping @Sendable () -> Void) throws {
    let box = Unmanaged.passRetained(Body(name, body))
    var thread = pthread_t()
    let result = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        let body = Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
        body.showName()
        body.run()
        return nil
      }, box.toOpaque())
    guard result == 0 else {
      box.release()
      throw StorageError(.unavailable, "no thread for \(name): error \(result)")
    }
    pthread_detach(thread)
  }

  private final class Body {
    let name: String
    let run: @Sendable () -> Void

    init(_ name: String, _ run: @escaping @Sendable () -> Void) {
      self.name = name
      self.run = run
    }

    /// A name that cannot be shown is no reason to stop. Swift does not see glibc's call for it.
    func showName() {
      let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
      if file < 0 { return }
      let bytes = Array(name.utf8.prefix(15))
      _ = write(file, bytes, bytes.count)
      Glibc.close(file)
    }
  }
}
