internal import CLinux

/// The memory that the process has from the system.
package enum Memory {
  /// Gives back what was freed. The allocator keeps it, after a burst for ever, since rows that
  /// live on lie between those that have gone. Takes milliseconds: for a thread that has nothing
  /// else to do.
  package static func giveBack() { _ = homing_give_back_memory() }
}
