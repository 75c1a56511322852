internal import Glibc
internal import Synchronization
internal import Transport
internal import Wire

/// Services of our own for one replay: a folder, certificates, one process for each service on a
/// virtual clock, messages and letters into files.
final class LocalSuite: Sendable {
  /// How a suite is made.
  struct Setup: Sendable {
    /// The folder with the programs, or cart-tracker itself; nil: beside our own.
    var programs: String?
    /// Whether scheduler and notifier run too, and direct-mail where its program is there.
    var runsFlows = false
    /// Where messages go; nil: away with the suite.
    var out: String?
    var pause: @Sendable (Duration) async throws -> Void
    /// Serves the clients.
    var group: EventLoopGroup
  }

  private let setup: Setup
  private let folder: WorkFolder
  private let certificates: CertificateFolder
  private let members: [SuiteMember]
  /// Whose turn it is to be killed.
  private let turn = Mutex(0)

  /// Makes the folder, the certificates and what else the services read; starts nothing yet.
  ///
  /// - Parameter now: seconds since 1970.
  init(_ setup: Setup, now: Int) throws {
    self.setup = setup
    var services: [SuiteService] =
      setup.runsFlows ? [.cartTracker, .scheduler, .notifier] : [.cartTracker]
    var programs = try services.map { service throws(CommandError) in
      try service.program(setup.programs, isAlone: services.count == 1)
    }
    if setup.runsFlows, let program = try? SuiteService.directMail.program(setup.programs) {
      services.append(.directMail)
      programs.append(program)
    }
    let folder = try WorkFolder()
    self.folder = folder
    do {
      let files = try SuiteFiles(folder.path, services: services, out: setup.out, now: now)
      members = zip(services, programs).map { service, program in
        SuiteMember(
          service,
          launch: ServiceProcess.Launch(
            program: program, environment: files.environment(service),
            logFile: folder.path + "/\(service.rawValue).log"))
      }
      certificates = files.certificates
    } catch {
      folder.remove()
      throw error
    }
  }

  /// Starts every process, those that run excepted, and waits until all serve.
  func start() async throws -> RunningServices {
    let clients = try await withThrowingTaskGroup(of: (Int, Client).self) { group in
      for (index, member) in members.enumerated() {
        group.addTask { [self] in
          (index, try await member.start(certificates, setup))
        }
      }
      var clients: [(Int, Client)] = []
      for try await client in group { clients.append(client) }
      return clients.sorted { $0.0 < $1.0 }.map(\.1)
    }
    return RunningServices(
      clients[0], scheduler: clients.count > 1 ? clients[1] : nil,
      notifier: clients.count > 2 ? clients[2] : nil,
      directMail: clients.count > 3 ? clients[3] : nil)
  }

  /// Ends a process without a warning, as a crash does, and starts it anew: each in turn.
  func crash() async throws {
    let index = turn.withLock { turn in
      turn = (turn + 1) % members.count
      return turn
    }
    try await members[index].kill()
    _ = try await members[index].start(certificates, setup)
  }

  /// Ends everything and removes the folder. Not to be called in a task that is cancelled.
  func stop() async {
    await withTaskGroup(of: Void.self) { group in
      for member in members { group.addTask { [self] in await member.stop(setup) } }
    }
    folder.remove()
  }

  var folderPath: String { folder.path }
}

/// A service that a suite has.
enum SuiteService: String, CaseIterable, Sendable {
  case cartTracker = "cart-tracker"
  case scheduler
  case notifier
  case directMail = "direct-mail"

  /// What a build calls the program where it has no product of its own.
  private var target: String {
    switch self {
    case .cartTracker: "CartTracker"
    case .scheduler: "Scheduler"
    case .notifier: "Notifier"
    case .directMail: "DirectMail"
    }
  }

  /// - Parameters:
  ///   - place: a folder; nil: our own program's.
  ///   - isAlone: `place` may be the program itself.
  /// - Throws: `CommandError` that says where the program was looked for.
  func program(_ place: String?, isAlone: Bool = false) throws(CommandError) -> String {
    let start = place ?? OwnProgram.folder
    let inFolder = [start + "/" + rawValue, start + "/" + target]
    for candidate in isAlone ? [start] + inFolder : inFolder {
      var status = stat()
      let isFile = stat(candidate, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
      if isFile && access(candidate, X_OK) == 0 { return candidate }
    }
    let without = self == .cartTracker ? "" : ", or replay without flows by --flow none"
    throw .file("no program \(rawValue) in \(start); name its folder by --bin" + without)
  }
}

/// The running program.
enum OwnProgram {
  /// The folder that it lies in.
  static var folder: String {
    var own = [CChar](repeating: 0, count: 4096)
    let count = max(0, readlink("/proc/self/exe", &own, own.count - 1))
    let path = String(decoding: own.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
  }
}

/// A new folder below the system's temporary one.
private struct WorkFolder: Sendable {
  let path: String

  init() throws(CommandError) {
    let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array((base + "/homing-suite-XXXXXX").utf8CString)
    guard mkdtemp(&template) != nil else {
      throw .file("cannot make a folder in \(base): \(SystemError.text(errno))")
    }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  func remove() { WorkFolder.remove(path) }

  private static func remove(_ folder: String) {
    guard let directory = opendir(folder) else { return }
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { start in
        start.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name == "." || name == ".." { continue }
      if unlink("\(folder)/\(name)") != 0 { remove("\(folder)/\(name)") }
    }
    closedir(directory)
    rmdir(folder)
  }
}
