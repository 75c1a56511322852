internal import Foundation
internal import Storage
internal import TestSupport
internal import Testing

@Suite struct FolderLockTests {
  @Test("A second holder is refused and told who has the folder; after the first it gets in")
  func excludes() throws {
    let folder = try TemporaryFolder()
    var first: FolderLock? = try FolderLock(folder: folder.path, owner: "first")
    #expect(first != nil)
    let error = try #require(throws: StorageError.self) {
      try FolderLock(folder: folder.path, owner: "second")
    }
    #expect(error.code == .taken)
    #expect(error.message.contains("first, process \(getpid())"))
    first = nil
    #expect(try FolderLock(folder: folder.path, owner: "second").path == folder.file("lock"))
  }

  @Test("The lock of a process that was killed is free at once")
  func freesKilled() async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("lock")
    let refusal = try await onThread {
      let script = "exec 9>>\(path); flock -n 9 && echo $$; exec sleep 600"
      let holder = try #require(popen(script, "r"))
      var line = [CChar](repeating: 0, count: 32)
      fgets(&line, 32, holder)
      let digits = line.prefix { $0 != 10 }.map { UInt8(bitPattern: $0) }
      let process = try #require(pid_t(String(decoding: digits, as: UTF8.self)))
      defer {
        kill(process, SIGKILL)
        pclose(holder)
      }
      return #expect(throws: StorageError.self) {
        try FolderLock(folder: folder.path, owner: "me")
      }
    }
    #expect(refusal?.code == .taken)
    #expect(try FolderLock(folder: folder.path, owner: "me").path == path)
  }

  @Test("The folder is made; where that is impossible it is unavailable")
  func makesFolder() throws {
    let folder = try TemporaryFolder()
    let lock = try FolderLock(folder: folder.file("new"), owner: "a")
    #expect(lock.path == folder.file("new") + "/lock")
    let error = try #require(throws: StorageError.self) {
      try FolderLock(folder: folder.file("none/new"), owner: "a")
    }
    #expect(error.code == .unavailable)
  }
}
