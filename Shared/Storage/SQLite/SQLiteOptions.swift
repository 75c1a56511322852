/// How an `SQLiteEngine` keeps its file.
package struct SQLiteOptions: Sendable {
  /// In bytes, a power of 2 from 512 to 65,536. Of a new file; an old one keeps its own.
  package var pageSize = 8192
  /// Of the connection that writes, in bytes. Too low reads pages again, too high costs memory.
  package var cacheSize = 64 << 20
  /// Of each connection that reads, in bytes.
  package var readerCacheSize = 8 << 20
  /// Connections that read; as many reads run at once, the others wait.
  package var readers = 4
  /// How long a lock of another process is waited for.
  package var busyTimeout: Duration = .seconds(5)
  /// The write-ahead log is moved into the file when it has this many pages. Too low writes hot
  /// pages often, too high makes a start after a crash slow.
  package var checkpointPages = 4096
  /// Tells our files from others; 0x484F4D47 is "HOMG".
  package var applicationID: Int32 = 0x484F_4D47
  /// Locks the file for good and keeps the log's index in memory: for file systems that cannot
  /// share memory. Reads then wait for writes.
  package var isExclusive = false

  /// Whether a commit waits for the disk. Without it a commit survives the end of the process, and
  /// not that of the machine: only for data that nobody will miss.
  package var flushes = true

  package init() {}

  func validate() {
    precondition(
      pageSize >= 512 && pageSize <= 65_536 && pageSize & (pageSize - 1) == 0, "page size")
    precondition(readers >= 1 && checkpointPages >= 1 && busyTimeout >= .zero)
  }
}
